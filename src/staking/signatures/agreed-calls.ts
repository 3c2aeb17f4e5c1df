import { agree } from '../agreement.ts'
import type { BlockTag, ChainProvider } from '../chain-provider.ts'
import { type ChainBlock, type Hex, malformed } from '../chain-reply.ts'
import { type Head, readHeads } from '../finalized-heads.ts'
import { requireUnchanged } from '../member-list.ts'
import type { ChainProviders } from '../providers.ts'

/** What calls of the contract return on one block, as enough providers say. */
export interface AgreedCalls {
  readonly block: ChainBlock
  readonly results: readonly Hex[]
}

/**
 * Calls the contract on the newest block that a quorum of the providers has, until a quorum of them agrees on the block's hash and
 * on every result.
 * @throws {StakingError} PROVIDERS_UNAVAILABLE, PROVIDERS_DISAGREE
 */
export async function readAgreedCalls(
  providers: ChainProviders,
  tag: BlockTag,
  { contract, calls, about }: { contract: Hex; calls: readonly Hex[]; about: string },
  signal: AbortSignal,
): Promise<AgreedCalls> {
  const { heads, agreed } = await readHeads(providers, tag, signal)
  const read = async (provider: ChainProvider): Promise<AgreedCalls> => {
    const block = await provider.block(agreed.number, signal)
    if (block === undefined) throw malformed('a block that it has')
    const results = await Promise.all(calls.map((data) => provider.call({ to: contract, data }, block.number, signal)))
    await requireUnchanged(provider, block, signal)
    return { block, results }
  }
  const { answer, dissenters } = await agree(
    heads.filter(({ block }) => block.number >= agreed.number),
    providers.quorum,
    {
      about,
      ask: ({ provider }: Head) => providers.use(provider, read, signal),
      digestOf: ({ block, results }) => [block.hash, ...results].join(' '),
    },
  )
  // At the newest block, two honest providers may be on two branches for a moment.
  if (tag === 'finalized') for (const { provider } of dissenters) providers.reportDissent(provider)
  return answer
}
