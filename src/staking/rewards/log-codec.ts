import { type AbiEvent, decodeEventLog, encodeAbiParameters, encodeEventTopics, toEventSelector } from 'viem'
import { rewardRatePoolAbi, serviceNodeRewardsAbi } from '../abi.ts'
import { type ChainLog, type Hex, malformed } from '../chain-reply.ts'
import { blsText, decoded, decodeServiceNode, requireCanonical } from '../member-codec.ts'
import type { LedgerContributor, LedgerNode } from './ledger-event.ts'

// The logs that the ledger is made of, checked beyond the ABI. Every function here takes any log and throws nothing but StakingError.

/** What a log says. Of a seeded member the contract logs no contributors: they are in its state. */
export type LogContent =
  | { readonly kind: 'registered'; readonly node: LedgerNode }
  | { readonly kind: 'seeded'; readonly id: bigint; readonly bls: string }
  | { readonly kind: 'liquidated'; readonly id: bigint }
  | { readonly kind: 'exited'; readonly id: bigint; readonly returnedAtomic: bigint }
  | { readonly kind: 'released'; readonly amountAtomic: bigint }
  | { readonly kind: 'redirected'; readonly paysContract: boolean }

/** Whose logs count. */
export interface LogSources {
  readonly contract: Hex
  /** The pool that rewards are released from. */
  readonly pool: Hex
}

/** The events of the contract and of the pool, as one ABI: their names do not collide. */
const EVENTS = [...serviceNodeRewardsAbi, ...rewardRatePoolAbi] as const
const CONTRACT_EVENTS = [
  'NewSeededServiceNode',
  'NewServiceNodeV2',
  'ServiceNodeExit',
  'ServiceNodeLiquidated',
] as const
const POOL_EVENTS = ['FundsReleased', 'BeneficiaryUpdated'] as const
type EventName = (typeof CONTRACT_EVENTS | typeof POOL_EVENTS)[number]

const CONTRACT_TOPICS = new Map(CONTRACT_EVENTS.map((name) => [topicOf(name), name]))
const POOL_TOPICS = new Map(POOL_EVENTS.map((name) => [topicOf(name), name]))

export const LEDGER_TOPICS: readonly Hex[] = [...CONTRACT_TOPICS.keys(), ...POOL_TOPICS.keys()]

/**
 * Undefined for a log that means nothing: an event of the pool from the contract, or the other way round.
 * @throws {StakingError} PROVIDER_REPLY_MALFORMED
 */
export function decodeLog(log: ChainLog, sources: LogSources): LogContent | undefined {
  const topic = log.topics[0] ?? '0x'
  if (!LEDGER_TOPICS.includes(topic)) throw malformed('a log that was not asked for')
  const [contract, pool] = [sources.contract.toLowerCase(), sources.pool.toLowerCase()]
  if (log.address === pool) return contentOf(log, POOL_TOPICS.get(topic), contract)
  if (log.address === contract) return contentOf(log, CONTRACT_TOPICS.get(topic), contract)
  throw malformed('a log of another contract')
}

function contentOf(log: ChainLog, name: EventName | undefined, contract: string): LogContent | undefined {
  if (name === undefined) return undefined
  const { eventName, args } = decoded('a log', () => decodedEvent(log, name))
  if ('serviceNodeID' in args && args.serviceNodeID === 0n) throw malformed('an id')
  switch (eventName) {
    case 'NewServiceNodeV2': {
      const bls = blsText(args.pubkey)
      const contributors = contributorsOf(args.contributors)
      return {
        kind: 'registered',
        node: { id: args.serviceNodeID, bls, feeBasisPoints: args.serviceNode.fee, contributors },
      }
    }
    case 'NewSeededServiceNode':
      return { kind: 'seeded', id: args.serviceNodeID, bls: blsText(args.blsPubkey) }
    case 'ServiceNodeLiquidated':
      return { kind: 'liquidated', id: args.serviceNodeID }
    case 'ServiceNodeExit':
      return { kind: 'exited', id: args.serviceNodeID, returnedAtomic: args.returnedAmount }
    case 'FundsReleased':
      return { kind: 'released', amountAtomic: args.amount }
    case 'BeneficiaryUpdated':
      return { kind: 'redirected', paysContract: args.newBeneficiary.toLowerCase() === contract }
  }
}

/** The contributors of a seeded member, from the contract's state; undefined when the state does not have it (any more). */
export function decodeSeededContributors(data: Hex, bls: string): readonly LedgerContributor[] | undefined {
  const node = decodeServiceNode(data)
  if (node.ed25519Pubkey === 0n) return undefined
  if (blsText(node.blsPubkey) !== bls) throw malformed('a service node that contradicts its registration')
  return contributorsOf(node.contributors)
}

type Stakes = readonly {
  readonly staker: { readonly addr: Hex; readonly beneficiary: Hex }
  readonly stakedAmount: bigint
}[]

function contributorsOf(stakes: Stakes): readonly LedgerContributor[] {
  return stakes.map(({ staker, stakedAmount }) => ({
    owner: staker.addr.toLowerCase() as Hex,
    beneficiary: staker.beneficiary.toLowerCase() as Hex,
    stakedAtomic: stakedAmount,
  }))
}

/** An event whose topics and data are those that the contract's own encoding gives. */
function decodedEvent({ topics, data }: ChainLog, eventName: EventName) {
  const event = decodeEventLog({ abi: EVENTS, eventName, topics: topics as [Hex, ...Hex[]], data, strict: true })
  const values: Readonly<Record<string, unknown>> = event.args
  const inputs = eventItem(eventName).inputs.filter((input) => input.indexed !== true)
  requireCanonical(
    data,
    encodeAbiParameters(
      inputs,
      inputs.map((input) => values[input.name ?? '']),
    ),
  )
  const expected = encodeEventTopics({ abi: [eventItem(eventName)], args: values })
  if (expected.join() !== topics.join()) throw malformed("a log's topics")
  return event
}

function eventItem(name: EventName): AbiEvent {
  const item: AbiEvent | undefined = EVENTS.filter((entry) => entry.type === 'event').find(
    (entry) => entry.name === name,
  )
  if (item === undefined) throw new RangeError(`There is no event ${name}`)
  return item
}

function topicOf(name: EventName): Hex {
  return toEventSelector(eventItem(name))
}
