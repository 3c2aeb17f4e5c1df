import { toEventSelector } from 'viem'
import { serviceNodeRewardsAbi } from './abi.ts'
import type { ChainProvider } from './chain-provider.ts'
import { type ChainLog, type Hex, malformed } from './chain-reply.ts'
import { StakingError } from './errors.ts'
import type { StakingOptions } from './options.ts'

/** Events after which a member differs, or is one no more. Each names the member's id first. */
const MEMBER_TOPICS: readonly Hex[] = serviceNodeRewardsAbi
  .filter((item) => item.type === 'event')
  .filter((event) =>
    ['NewSeededServiceNode', 'NewServiceNodeV2', 'ServiceNodeExitRequest', 'ServiceNodeExit'].includes(event.name),
  )
  .map((event) => toEventSelector(event))
/** The proxy's (ERC-1967): new code, new rules. */
const UPGRADED_TOPIC = toEventSelector('Upgraded(address)')
const MEMBERSHIP_TOPICS: readonly Hex[] = [...MEMBER_TOPICS, UPGRADED_TOPIC]

/**
 * Ids of the members that may differ between the states before `from` and after `to`; all others are the same in both. Undefined when
 * anyone may: after an upgrade, when the provider refuses to tell, and when the range is so long that reading the list costs less than asking.
 */
export async function changedMembers(
  provider: ChainProvider,
  { from, to }: { from: bigint; to: bigint },
  options: Pick<StakingOptions, 'contract' | 'logPageBlocks' | 'logPagesMax'>,
  signal: AbortSignal,
): Promise<ReadonlySet<bigint> | undefined> {
  const page = BigInt(options.logPageBlocks)
  if (to - from + 1n > page * BigInt(options.logPagesMax)) return undefined
  const changed = new Set<bigint>()
  for (let start = from; start <= to; start += page) {
    const end = start + page - 1n < to ? start + page - 1n : to
    const logs = await readLogs(provider, options.contract, { from: start, to: end }, signal)
    if (logs === undefined || logs.some(({ topics }) => topics[0] === UPGRADED_TOPIC)) return undefined
    for (const log of logs) changed.add(changedMember(log, options.contract))
  }
  return changed
}

function changedMember({ address, topics: [topic, id] }: ChainLog, contract: Hex): bigint {
  if (address !== contract.toLowerCase()) throw malformed('a log of another contract')
  if (topic === undefined || !MEMBER_TOPICS.includes(topic)) throw malformed('a log that was not asked for')
  if (id === undefined) throw malformed("a log's topics")
  return BigInt(id)
}

/** Undefined when the provider gives no logs of such a range: many plans allow only short ones. The list can be read without. */
async function readLogs(
  provider: ChainProvider,
  contract: Hex,
  range: { from: bigint; to: bigint },
  signal: AbortSignal,
): Promise<readonly ChainLog[] | undefined> {
  try {
    return await provider.logs({ addresses: [contract], topics: MEMBERSHIP_TOPICS, ...range }, signal)
  } catch (error) {
    if (error instanceof StakingError && error.code === 'PROVIDER_REFUSED') return undefined
    throw error
  }
}
