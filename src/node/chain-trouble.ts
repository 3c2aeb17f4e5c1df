import { type DurationMs, MINUTE } from '../base/clock.ts'
import type { ChainStanding } from '../staking/chain-standing.ts'

/** What the view of the chain says of itself. */
export interface ChainView {
  readonly lastError: string | undefined
  readonly headAgeMs: DurationMs | undefined
  readonly isFrozen: boolean
  readonly standing: ChainStanding
  readonly providers: readonly {
    readonly host: string
    readonly lastError: string | undefined
    readonly isFaulty: boolean
  }[]
  readonly contract:
    | { readonly code: string; readonly implementation: string; readonly isAccepted: boolean }
    | undefined
}

/** What an operator should see to about the chain itself; undefined while all is well. */
export function chainTrouble({ lastError, headAgeMs = 0, isFrozen }: ChainView): string | undefined {
  if (lastError !== undefined)
    return `The chain cannot be followed (${lastError}), so the service node list stays as it is: check staking.rpcUrls`
  if (!isFrozen) return undefined
  return `The newest final block is ${Math.floor(headAgeMs / MINUTE)} minutes old: the chain or its RPC providers stand still, and nothing is signed for the contract`
}

/** The same about who tells of it. */
export function providersTrouble({ standing, providers }: ChainView): string | undefined {
  if (standing === 'trusting-one') {
    const host = providers[0]?.host ?? ''
    // A node of one's own on the same machine is nobody else's word.
    if (isThisMachine(host)) return undefined
    return `Only one RPC provider is configured, so ${host} alone says who is a service node: add one of another vendor to staking.rpcUrls`
  }
  const faults = providers.filter(({ isFaulty }) => isFaulty).map(({ host, lastError }) => `${host}: ${lastError}`)
  if (standing === 'full') return undefined
  return `${STANDINGS[standing]} (${faults.join(', ')}): check staking.rpcUrls`
}

/** The same about the contract. */
export function contractTrouble({ contract }: ChainView): string | undefined {
  if (contract === undefined || contract.isAccepted) return undefined
  return `The staking contract runs other code than was accepted, at ${contract.implementation}. Learn from its owners what changed, then set staking.acceptedCode to ${contract.code} and restart`
}

const STANDINGS: Readonly<Record<Exclude<ChainStanding, 'trusting-one' | 'full'>, string>> = {
  'without-spare': 'An RPC provider that stands by has a fault',
  'on-backup': 'The node relies on backup RPC providers, for one of those configured first has a fault',
  'too-few': 'Too few RPC providers are left to agree with each other, so the service node list may stay as it is',
}

function isThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
