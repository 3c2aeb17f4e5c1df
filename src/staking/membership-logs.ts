import { toEventSelector } from 'viem'
import { serviceNodeRewardsAbi } from './abi.ts'
import type { ChainProvider } from './chain-provider.ts'
import type { Hex } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import type { StakingOptions } from './options.ts'

/** Events after which a member, or what we know of one, may differ. Upgraded is the proxy's (ERC-1967): new code, new rules. */
const MEMBERSHIP_TOPICS: readonly Hex[] = [
  ...serviceNodeRewardsAbi
    .filter((item) => item.type === 'event')
    .filter((event) =>
      ['NewSeededServiceNode', 'NewServiceNodeV2', 'ServiceNodeExitRequest', 'ServiceNodeExit'].includes(event.name),
    )
    .map((event) => toEventSelector(event)),
  toEventSelector('Upgraded(address)'),
]

/**
 * Whether the member list may have changed in blocks `from` to `to`. True as well when the range is so long that reading the list
 * costs less than asking, or when the provider refuses to tell.
 */
export async function mayHaveChanged(
  provider: ChainProvider,
  { from, to }: { from: bigint; to: bigint },
  options: Pick<StakingOptions, 'contract' | 'logPageBlocks' | 'logPagesMax'>,
  signal: AbortSignal,
): Promise<boolean> {
  const page = BigInt(options.logPageBlocks)
  if (to - from + 1n > page * BigInt(options.logPagesMax)) return true
  for (let start = from; start <= to; start += page) {
    const end = start + page - 1n < to ? start + page - 1n : to
    const filter = { address: options.contract, topics: MEMBERSHIP_TOPICS, from: start, to: end }
    if ((await logCount(provider, filter, signal)) !== 0) return true
  }
  return false
}

/** Undefined when the provider gives no logs of such a range: many plans allow only short ones. The list can be read without. */
async function logCount(
  provider: ChainProvider,
  filter: Parameters<ChainProvider['logCount']>[0],
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return await provider.logCount(filter, signal)
  } catch (error) {
    if (error instanceof StakingError && error.code === 'PROVIDER_REFUSED') return undefined
    throw error
  }
}
