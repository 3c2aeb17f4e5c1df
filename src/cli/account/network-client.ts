import { type Account, createClient, type StarlingClient } from '../../client/index.ts'
import type { NetworkArgs } from './options.ts'

export function openClient({ seed, 'seed-certificate': certificate }: NetworkArgs, account: Account): StarlingClient {
  return createClient({ seeds: seed.map((url) => ({ url, certificate })), account })
}
