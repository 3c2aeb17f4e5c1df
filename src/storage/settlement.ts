// Brings the records of a message, and of those that its fate hangs together with, in line with what has been done.
import { type DurationMs, MINUTE, type TimestampMs } from '../base/clock.ts'
import { OPERATION_LATENESS_MAX_MS } from '../protocol/limits.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import { firstStampAt, type OperationStamp } from '../protocol/operation-stamp.ts'
import type { History } from './history-codec.ts'
import { hashBytes, outboxKey } from './keys.ts'
import { encodeLocator, isHeld, type Locator, placementOf } from './message-codec.ts'
import {
  changeRecords,
  countsOf,
  dataAs,
  dataIn,
  findLocator,
  isLive,
  type MessageId,
  outboxHash,
  type RecordChange,
  takePlace,
  usageOf,
} from './message-records.ts'
import { type StampedOperation, stamped } from './operation.ts'
import { decodeOutboxList, encodeOutboxList, OUTBOX_LIST_MAX } from './outbox-list.ts'
import { type FullReason, fullReason, type QuotaOptions, totalBytes } from './quota.ts'
import type { MessageState, StepOutcome } from './replay.ts'
import { replayTimeline, type TimelineEnd } from './timeline.ts'
import type { WriteBatch } from './write-batch.ts'

/** A minute more than an operation may be late, for what waits for the writer. */
export const SETTLED_AFTER_MS: DurationMs = OPERATION_LATENESS_MAX_MS + MINUTE

/** What a change is judged by beside the records. */
export interface Circumstances {
  readonly nowMs: TimestampMs
  /** What is older is settled. */
  readonly settledMs: TimestampMs
  /** Whether the disk has too little room for anything new. */
  readonly diskIsFull: boolean
  readonly quota: QuotaOptions
  /** Called for each message that cannot be remembered for want of room. */
  readonly onForgotten: () => void
}

/** An operation on one message, and the message itself when it is to be stored. */
export interface Arrival {
  readonly operation: StampedOperation
  readonly message?: StoredMessage
}

export interface Settlement {
  /** What became of the arrival when its turn came; undefined when it came too late, or again. */
  readonly outcome: StepOutcome | undefined
  /** Which bound keeps a new message out; then nothing has been changed. */
  readonly full?: FullReason
  /** Every message that was looked at, changed or not. */
  readonly changes: readonly RecordChange[]
}

interface Entry {
  readonly id: MessageId
  readonly before: Locator | undefined
  readonly history: History
}

/** Messages by the latin1 text of their hash, and the outboxes that they meet in. */
interface Group {
  readonly entries: Map<string, Entry>
  readonly outboxes: Set<Namespace>
}

export function settle(
  batch: WriteBatch,
  id: MessageId,
  arrival: Arrival | undefined,
  circumstances: Circumstances,
): Settlement {
  const key = keyOf(id.hash)
  const { ranges } = usageOf(batch, id.account)
  const group = groupOf(batch, id, arrival)
  const { outcome, ends } = replayTimeline({
    histories: new Map([...group.entries].map(([each, { history }]) => [each, history])),
    ranges,
    arriving: arrival && { id: key, operation: arrival.operation },
    settledMs: circumstances.settledMs,
  })
  const forgotten = tooMany(group, ends, hasRoom(batch, id, circumstances))
  const newest = Math.max(0, ...[...ends.values()].map(({ history }) => newestOf(history)))
  const changes = [...group.entries].map(([each, entry]) => {
    const end = forgotten.has(each) ? undefined : ends.get(each)
    const isRenewed = each === key && outcome === 'new'
    const context = { arrival: each === key ? arrival : undefined, isRenewed, newest, circumstances }
    return changeOf(batch, entry, end, context)
  })
  if (arrival?.message !== undefined && outcome === 'new') {
    const full = reasonAgainst(batch, arrival.message, changes, circumstances)
    if (full !== undefined) return { outcome, full, changes: [] }
  }
  if (arrival !== undefined) batch.noteStamp(arrival.operation.stamp)
  changeRecords(batch, changes.filter(isChange))
  for (const namespace of group.outboxes) writeOutboxList(batch, id.account, namespace, changes)
  return { outcome, changes }
}

export function keyOf(hash: Buffer): string {
  return hash.toString('latin1')
}

function groupOf(batch: WriteBatch, id: MessageId, arrival: Arrival | undefined): Group {
  const entries = new Map<string, Entry>()
  const outboxes = new Set<Namespace>()
  const pending = [id.hash]
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    const key = keyOf(hash)
    if (entries.has(key)) continue
    const entry = entryOf(batch, { account: id.account, hash })
    entries.set(key, entry)
    const arriving = hash === id.hash && arrival !== undefined ? [arrival.operation] : []
    for (const namespace of namespacesOf(entry, arriving)) {
      if (!isPublicOutbox(namespace) || outboxes.has(namespace)) continue
      outboxes.add(namespace)
      pending.push(...listed(batch, id.account, namespace))
    }
  }
  return { entries, outboxes }
}

function entryOf(batch: WriteBatch, id: MessageId): Entry {
  const before = findLocator(batch, id)
  return { id, before, history: historyOf(before) }
}

function historyOf(locator: Locator | undefined): History {
  if (locator === undefined) return { stamp: 0, base: undefined, operations: [] }
  if (locator.history !== undefined) return locator.history
  const { stamp } = locator
  if (!isHeld(locator)) return { stamp, base: undefined, operations: [] }
  // As a store, however long ago: another message of its outbox may remember an operation of the same stamp that came before it.
  return { stamp: 0, base: undefined, operations: [stamped(stamp, { kind: 'store', ...stateOf(locator) })] }
}

function stateOf({ namespace, timestampMs, expiryMs }: Locator): MessageState {
  return { namespace, timestampMs, expiryMs }
}

function namespacesOf({ before, history }: Entry, arriving: readonly StampedOperation[]): Namespace[] {
  const stores = [...history.operations, ...arriving].flatMap(({ operation }) =>
    operation.kind === 'store' ? [operation.namespace] : [],
  )
  const base = history.base === undefined ? [] : [history.base.namespace]
  const held = before !== undefined && isHeld(before) ? [before.namespace] : []
  return [...held, ...base, ...stores]
}

function listed(batch: WriteBatch, account: Buffer, namespace: Namespace): Buffer[] {
  const record = batch.get(outboxKey(account, namespace))
  const held = outboxHash(batch, account, namespace)
  const list = record === undefined ? [] : decodeOutboxList(record)
  return held === undefined ? list : [...list, hashBytes(held)]
}

/**
 * Messages of outboxes that cannot be remembered with the others: those that are not held, the oldest first. Without room for one
 * it is none of them, since the rest alone would tell another story.
 */
function tooMany(
  { entries, outboxes }: Group,
  ends: ReadonlyMap<string, TimelineEnd>,
  hasRoomForAll: boolean,
): Set<string> {
  const listMax = hasRoomForAll ? OUTBOX_LIST_MAX : 0
  if (outboxes.size === 0 || entries.size <= listMax) return new Set()
  const newest = (key: string) => ends.get(key)?.history.operations.at(-1)?.stamp ?? 0
  const absent = [...entries.keys()].filter((key) => ends.get(key)?.state === undefined)
  absent.sort((a, b) => newest(a) - newest(b))
  return new Set(absent.slice(0, entries.size - listMax))
}

interface ChangeContext {
  readonly arrival: Arrival | undefined
  readonly isRenewed: boolean
  /** The greatest stamp of what is remembered of any of the messages. */
  readonly newest: OperationStamp
  readonly circumstances: Circumstances
}

/** How a message's records have to change; nothing is written yet. Without an end, all that is left is that it is not held. */
function changeOf(batch: WriteBatch, entry: Entry, end: TimelineEnd | undefined, context: ChangeContext): RecordChange {
  const { id, before } = entry
  const source = dataSource(batch, entry, context)
  const state = end?.state
  if (state !== undefined && source !== undefined) {
    const placed = heldLocator(batch, entry, state, source.size(state.namespace), context)
    const after = withHistory(placed, end?.history, state, context)
    return { id, before, after, data: source.isNeeded(after) ? source.read(state.namespace) : undefined }
  }
  const operations = end?.history.operations ?? []
  if (before === undefined && operations.length === 0) return { id, before, after: undefined, data: undefined }
  if (isForgotten(batch, entry, context)) return { id, before, after: undefined, data: undefined }
  const gone = absentLocator(batch, entry, end, source, context)
  // What would be held, but has ended and left no data, is as good as gone.
  const isOver = state !== undefined && operations.length === 0
  const after = withHistory(gone, isOver ? undefined : end?.history, undefined, context)
  return { id, before, after, data: source?.isNeeded(after) ? source.read(after.namespace) : undefined }
}

interface DataSource {
  readonly namespace: Namespace
  size(namespace: Namespace): number
  /** Whether the data is to lie where it does not lie yet. */
  isNeeded(after: Locator): boolean
  read(namespace: Namespace): Uint8Array
}

/** Where the data of a message can be had from: what has just arrived, or what lies on the disk. */
function dataSource(batch: WriteBatch, { id, before }: Entry, { arrival }: ChangeContext): DataSource | undefined {
  const kept = before !== undefined && before.placement !== 'none' ? before : undefined
  const isNeeded = (after: Locator) =>
    after.placement !== 'none' &&
    !(kept?.placement === after.placement && kept.namespace === after.namespace && kept.sequence === after.sequence)
  if (kept !== undefined) {
    const read = (namespace: Namespace) => dataIn(batch, id, kept, namespace)
    const size = (namespace: Namespace) => (namespace === kept.namespace ? kept.dataBytes : read(namespace).length)
    return { namespace: kept.namespace, size, isNeeded, read }
  }
  const message = arrival?.message
  if (message === undefined) return undefined
  const read = (namespace: Namespace) => dataAs(message, namespace)
  return { namespace: message.namespace, size: (namespace) => read(namespace).length, isNeeded, read }
}

function heldLocator(
  batch: WriteBatch,
  { before }: Entry,
  state: MessageState,
  dataBytes: number,
  { isRenewed, circumstances }: ChangeContext,
): Locator {
  const wasHeld = before !== undefined && isHeld(before) && before.namespace === state.namespace
  // What had expired and is stored again is new, also in the order of messages.
  const stays = wasHeld && !(isRenewed && !isLive(before, circumstances.nowMs))
  const sequence = stays ? before.sequence : takePlace(batch, state.namespace)
  return { ...state, sequence, dataBytes, placement: placementOf(dataBytes), stamp: 0 }
}

function absentLocator(
  batch: WriteBatch,
  { before, history }: Entry,
  end: TimelineEnd | undefined,
  source: DataSource | undefined,
  { arrival, circumstances }: ChangeContext,
): Locator {
  // Until the message's own end, so that it is not taken for unknown where others still have it.
  const expiryMs = Math.max(before?.expiryMs ?? 0, arrival?.message?.expiryMs ?? 0)
  const gone = { timestampMs: 0, expiryMs, stamp: newestOf(end?.history ?? history) }
  if (!end?.mayReturn || source === undefined || circumstances.diskIsFull) {
    return { ...gone, namespace: 0, sequence: 0, dataBytes: 0, placement: 'none' }
  }
  const { namespace } = source
  const sequence = before?.placement === 'withheld' ? before.sequence : batch.takeSequence()
  return { ...gone, namespace, sequence, dataBytes: source.size(namespace), placement: 'withheld' }
}

function newestOf({ operations, stamp }: History): OperationStamp {
  return operations.at(-1)?.stamp ?? stamp
}

/** Adds what has to be remembered, unless the locator alone says the same. */
function withHistory(
  locator: Locator,
  history: History | undefined,
  state: MessageState | undefined,
  { circumstances, newest }: ChangeContext,
): Locator {
  if (history === undefined) return locator
  const stamp = newestOf(history)
  const isSettled = history.stamp < firstStampAt(circumstances.settledMs)
  const [first, second] = history.operations
  if (first === undefined) {
    // Another message took its place in the outbox, and that may still turn out otherwise.
    if (state === undefined && history.base !== undefined) return { ...locator, stamp: newest, history }
    return state === undefined || isSettled ? { ...locator, stamp } : { ...locator, stamp, history }
  }
  const saysTheSame = second === undefined && history.base === undefined && isSettled && isStoreOf(first, state)
  return saysTheSame ? { ...locator, stamp } : { ...locator, stamp, history }
}

function isStoreOf({ operation }: StampedOperation, state: MessageState | undefined): boolean {
  return (
    state !== undefined &&
    operation.kind === 'store' &&
    operation.namespace === state.namespace &&
    operation.timestampMs === state.timestampMs &&
    operation.expiryMs === state.expiryMs
  )
}

/** Whether a message that is not held cannot be remembered, since the account has so many of them already. */
function isForgotten(batch: WriteBatch, { id, before }: Entry, { circumstances }: ChangeContext): boolean {
  if (before !== undefined && !isHeld(before)) return false
  if (hasRoom(batch, id, circumstances)) return false
  circumstances.onForgotten()
  return true
}

function hasRoom(batch: WriteBatch, { account }: MessageId, { diskIsFull, quota }: Circumstances): boolean {
  if (diskIsFull || totalBytes(batch.totals) >= quota.totalBytesMax) return false
  return usageOf(batch, account).tombstones < quota.accountTombstonesMax
}

function isInOutbox(locator: Locator | undefined): boolean {
  return locator !== undefined && isHeld(locator) && isPublicOutbox(locator.namespace)
}

function isChange({ before, after }: RecordChange): boolean {
  if (before === undefined || after === undefined) return before !== after
  return !encodeLocator(before).equals(encodeLocator(after))
}

function writeOutboxList(
  batch: WriteBatch,
  account: Buffer,
  namespace: Namespace,
  changes: readonly RecordChange[],
): void {
  const members = changes.filter(({ after }) => after?.history !== undefined && meetsIn(after, namespace))
  // The one that is held there is found by its row.
  const isNeeded = members.some(({ after }) => !isInOutbox(after) || after?.namespace !== namespace)
  const key = outboxKey(account, namespace)
  if (isNeeded) batch.put(key, encodeOutboxList(members.map(({ id }) => id.hash)))
  else if (batch.get(key) !== undefined) batch.delete(key)
}

function meetsIn({ history }: Locator, namespace: Namespace): boolean {
  const isStore = ({ operation }: StampedOperation) => operation.kind === 'store' && operation.namespace === namespace
  return history?.base?.namespace === namespace || (history?.operations.some(isStore) ?? false)
}

function reasonAgainst(
  batch: WriteBatch,
  message: StoredMessage,
  changes: readonly RecordChange[],
  { diskIsFull, quota }: Circumstances,
): FullReason | undefined {
  if (diskIsFull) return 'disk'
  const grown = { ...usageOf(batch, changes[0]?.id.account ?? Buffer.alloc(0)) }
  const total = { ...batch.totals }
  for (const { before, after } of changes) {
    const [from, to] = [countsOf(before), countsOf(after)]
    for (const field of ['messages', 'dataBytes', 'tombstones', 'withheldBytes'] as const) {
      grown[field] += to[field] - from[field]
      total[field] += to[field] - from[field]
    }
  }
  return fullReason(message.namespace, grown, total, quota)
}
