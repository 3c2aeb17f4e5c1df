import type { BlockTag, ChainProvider } from './chain-provider.ts'
import { type ChainBlock, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import { type AgreedHead, judgeHeads } from './head-judgement.ts'
import type { ChainProviders } from './providers.ts'

/** The newest finalized block of a provider. */
export interface Head {
  readonly provider: ChainProvider
  readonly block: ChainBlock
}

/** Finalized blocks of the providers that answer with possible ones, the best first, and how far enough of them have come. */
export interface Heads {
  readonly heads: readonly Head[]
  readonly agreed: AgreedHead
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
  const { agreed, standings } = judgeHeads(heads, providers.quorum, providers.nowMs())
  // The newest blocks that are not final differ by the moment at which each was asked.
  if (tag === 'finalized') for (const { head, standing } of standings) providers.reportHead(head, standing)
  if (agreed === undefined) throw new StakingError('PROVIDERS_UNAVAILABLE', 'Too few RPC providers can be used')
  return { heads: standings.filter(({ standing }) => standing !== 'ahead').map(({ head }) => head), agreed }
}
