import type { BlockTag, ChainProvider } from './chain-provider.ts'
import { type ChainBlock, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import type { ChainProviders } from './providers.ts'

/** The newest finalized block of a provider. */
export interface Head {
  readonly provider: ChainProvider
  readonly block: ChainBlock
}

/** Finalized blocks of the providers that answer, and the newest that a quorum of them has reached: none alone can push it ahead. */
export interface Heads {
  readonly heads: readonly Head[]
  readonly agreed: ChainBlock
}

/** @throws {StakingError} PROVIDERS_UNAVAILABLE: fewer than a quorum answer */
export function readFinalizedHeads(providers: ChainProviders, signal: AbortSignal): Promise<Heads> {
  return readHeads(providers, 'finalized', signal)
}

/** The same for another kind of newest block. @throws {StakingError} PROVIDERS_UNAVAILABLE */
export async function readHeads(providers: ChainProviders, tag: BlockTag, signal: AbortSignal): Promise<Heads> {
  const read = async (provider: ChainProvider): Promise<Head> => {
    const block = await provider.block(tag, signal)
    if (block === undefined) throw malformed(`no ${tag} block`)
    return { provider, block }
  }
  const results = await Promise.allSettled(
    providers.available().map((provider) => providers.use(provider, read, signal)),
  )
  const heads = results.filter((result) => result.status === 'fulfilled').map((result) => result.value)
  const newestFirst = heads.map(({ block }) => block).sort((a, b) => Number(b.timestampS - a.timestampS))
  const agreed = newestFirst[providers.quorum - 1]
  if (agreed === undefined) throw new StakingError('PROVIDERS_UNAVAILABLE', 'Too few RPC providers can be used')
  return { heads, agreed }
}
