import { concat, toHex, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import { mapBounded } from '../bounded-parallel.ts'
import type { ChainProvider } from '../chain-provider.ts'
import type { ChainBlock, ChainLog, Hex } from '../chain-reply.ts'
import { existingBlock, inconsistent } from '../epoch-block.ts'
import { StakingError, type StakingErrorCode } from '../errors.ts'
import { memberCall } from '../member-codec.ts'
import { type LedgerContributor, type LedgerEvent, periodOf } from './ledger-event.ts'
import { decodeLog, decodeSeededContributors, LEDGER_TOPICS, type LogContent, type LogSources } from './log-codec.ts'

/** The logs of a range of blocks, as one provider tells them. */
export interface LogPage {
  /** The last block of the range, looked at after its logs were read. */
  readonly end: ChainBlock
  /** Hash of the block before the range, so that pages form a chain; zeros before the first block. */
  readonly previousHash: Hex
  readonly events: readonly LedgerEvent[]
  /** Equal digests mean the same logs of the same blocks, to the byte. */
  readonly digest: string
}

export interface LogPageOptions {
  readonly sources: LogSources
  readonly periodS: number
  readonly requestsInFlightMax: number
}

/**
 * Reads the logs of blocks `from` to `to`, which must not lie past the head that this provider reported.
 * @throws {StakingError} PROVIDER_…
 */
export async function readLogPage(
  provider: ChainProvider,
  { from, to }: { from: bigint; to: bigint },
  options: LogPageOptions,
  signal: AbortSignal,
): Promise<LogPage> {
  const logs = await readLogs(provider, { from, to }, options.sources, signal)
  const end = await existingBlock(provider, to, signal)
  const before = from === 0n ? undefined : await existingBlock(provider, from - 1n, signal)
  const periodAt = await readPeriods(provider, logs, { before, end }, options, signal)
  const events: LedgerEvent[] = []
  const digests: Uint8Array[] = []
  for (const log of logs) {
    const content = decodeLog(log, options.sources)
    if (content === undefined) continue
    const event = await eventOf(provider, content, { log, to, contract: options.sources.contract }, signal)
    const period = periodAt(log.blockNumber)
    events.push({ ...event, period })
    digests.push(logDigest(log, period), contributorsDigest(event))
  }
  const previousHash = before?.hash ?? ZERO_HASH
  const digest = sha256(utf8(`${previousHash}${end.hash} ${end.timestampS}`), ...digests)
  return { end, previousHash, events, digest: toHex(digest) }
}

export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`

/** In halves when a provider refuses so many blocks, or the answer is too long: plans differ in what they allow. */
async function readLogs(
  provider: ChainProvider,
  { from, to }: { from: bigint; to: bigint },
  { contract, pool }: LogSources,
  signal: AbortSignal,
): Promise<readonly ChainLog[]> {
  try {
    return await provider.logs({ addresses: [contract, pool], topics: LEDGER_TOPICS, from, to }, signal)
  } catch (error) {
    if (from === to || !isTooMuch(error)) throw error
    const middle = (from + to) / 2n
    const first = await readLogs(provider, { from, to: middle }, { contract, pool }, signal)
    return [...first, ...(await readLogs(provider, { from: middle + 1n, to }, { contract, pool }, signal))]
  }
}

function isTooMuch(error: unknown): boolean {
  return (
    error instanceof StakingError && (error.code === 'PROVIDER_REFUSED' || error.code === 'PROVIDER_REPLY_TOO_LARGE')
  )
}

/**
 * The period of each log's block. Where the page begins and ends in one period, as nearly all do, all its blocks are of that one:
 * anybody can have the pool make a log in every block, and must not make us ask for each.
 */
async function readPeriods(
  provider: ChainProvider,
  logs: readonly ChainLog[],
  { before, end }: { before: ChainBlock | undefined; end: ChainBlock },
  { periodS, requestsInFlightMax }: LogPageOptions,
  signal: AbortSignal,
): Promise<(block: bigint) => number> {
  const last = periodOf(end.timestampS, periodS)
  if (before !== undefined && before.timestampS > end.timestampS) throw inconsistent(provider)
  if (before !== undefined && periodOf(before.timestampS, periodS) === last) return () => last
  const numbers = [...new Set(logs.map(({ blockNumber }) => blockNumber))]
  const blocks = await mapBounded(numbers, requestsInFlightMax, (number) => existingBlock(provider, number, signal))
  const byNumber = new Map(blocks.map((block) => [block.number, block]))
  if (!logs.every((log) => byNumber.get(log.blockNumber)?.hash === log.blockHash)) throw inconsistent(provider)
  const inOrder = [...blocks, end].every((block, at) => block.timestampS >= (blocks[at - 1]?.timestampS ?? 0n))
  if (!inOrder) throw inconsistent(provider)
  return (block) => periodOf(byNumber.get(block)?.timestampS ?? end.timestampS, periodS)
}

type PeriodlessEvent = LedgerEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'period'> : never) : never

async function eventOf(
  provider: ChainProvider,
  content: LogContent,
  place: { log: ChainLog; to: bigint; contract: Hex },
  signal: AbortSignal,
): Promise<PeriodlessEvent> {
  if (content.kind !== 'seeded') return content
  const { id, bls } = content
  const contributors = await readContributors(provider, content, place, signal)
  // What a seeded member's operator would take is not written anywhere.
  return { kind: 'registered', node: { id, bls, feeBasisPoints: 0, contributors } }
}

/** From the state after the log's block; where that is forgotten, from that after the range, since contributors never change. */
async function readContributors(
  provider: ChainProvider,
  { id, bls }: { id: bigint; bls: string },
  { log, to, contract }: { log: ChainLog; to: bigint; contract: Hex },
  signal: AbortSignal,
): Promise<readonly LedgerContributor[]> {
  const read = async (at: bigint) =>
    decodeSeededContributors(await provider.call({ to: contract, data: memberCall(id) }, at, signal), bls)
  const known = (await read(log.blockNumber).catch(refusedAsUnknown)) ?? (await read(to))
  if (known !== undefined) return known
  throw new StakingError('PROVIDER_REFUSED', `The provider has forgotten a seeded member (${provider.host})`, {
    details: { host: provider.host },
  })
}

function refusedAsUnknown(error: unknown): undefined {
  const isForgotten = error instanceof StakingError && FORGOTTEN.includes(error.code)
  if (!isForgotten) throw error
}

/** How providers answer for a state that they do not have any more. */
const FORGOTTEN: readonly StakingErrorCode[] = ['PROVIDER_REFUSED', 'CALL_REVERTED', 'PROVIDER_REPLY_MALFORMED']

/** Each part has a fixed size or is hashed, so that no two logs read the same. */
function logDigest(log: ChainLog, period: number): Uint8Array {
  const fields = [log.blockNumber, log.blockHash, log.logIndex, period, log.address, log.topics.join('/')]
  return sha256(utf8(`${fields.join(' ')} ${log.data}`))
}

function contributorsDigest(event: PeriodlessEvent): Uint8Array {
  if (event.kind !== 'registered') return new Uint8Array()
  const parts = event.node.contributors.map(({ owner, beneficiary, stakedAtomic }) =>
    utf8(`${owner} ${beneficiary} ${stakedAtomic},`),
  )
  return sha256(concat(...parts))
}
