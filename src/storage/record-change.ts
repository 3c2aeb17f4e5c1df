// How the records of a message have to change, given what its replay came to. Nothing is written here.
import { DAY, type TimestampMs } from '../base/clock.ts'
import { TTL_MAX_MS } from '../protocol/limits.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { isPublicOutbox } from '../protocol/namespace.ts'
import { firstStampAt, type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { History } from './history-codec.ts'
import { isHeld, type Locator, placementOf } from './message-codec.ts'
import { type DataSource, dataSource } from './message-data.ts'
import type { GroupEntry } from './message-group.ts'
import { isLive, type RecordChange, takePlace } from './message-records.ts'
import type { Operation, StampedOperation } from './operation.ts'
import { meetsInAnyOutbox } from './outbox-members.ts'
import type { MessageState } from './replay.ts'
import { hasRoomToRemember } from './room.ts'
import type { TimelineEnd } from './timeline.ts'
import type { WriteBatch } from './write-batch.ts'

const LENGTHENING: ReadonlySet<Operation['kind']> = new Set(['store', 'extend', 'extend-any'])

export interface ChangeContext {
  /** The message itself, when it has just arrived. */
  readonly message: StoredMessage | undefined
  /** Whether what has just arrived stored it anew. */
  readonly isRenewed: boolean
  /** The greatest stamp of what is remembered of any of its group. */
  readonly newest: OperationStamp
  readonly circumstances: Circumstances
}

/** Without an end, all that is left is that it is not held. */
export function recordChange(
  batch: WriteBatch,
  entry: GroupEntry,
  end: TimelineEnd | undefined,
  context: ChangeContext,
): RecordChange {
  const { id, before } = entry
  const source = isDropped(end, context) ? undefined : dataSource(batch, id, before, context.message)
  const after = locatorAfter(batch, entry, end, source, context)
  const isNeeded = after !== undefined && source?.isNeeded(after)
  return { id, before, after, data: isNeeded ? source?.read(after.namespace) : undefined }
}

/** Whether it has ended, and so long ago that its data goes. */
function isDropped(end: TimelineEnd | undefined, { circumstances }: ChangeContext): boolean {
  if (end?.state === undefined) return false
  return Math.max(end.state.expiryMs, stampMs(newestOf(end.history))) < circumstances.droppedMs
}

export function newestOf({ operations, stamp }: History): OperationStamp {
  return operations.at(-1)?.stamp ?? stamp
}

function locatorAfter(
  batch: WriteBatch,
  entry: GroupEntry,
  end: TimelineEnd | undefined,
  source: DataSource | undefined,
  context: ChangeContext,
): Locator | undefined {
  const { before } = entry
  const state = end?.state
  if (end !== undefined && state !== undefined && source !== undefined) {
    const held = heldLocator(batch, before, state, source.size(state.namespace), context)
    return withHistory(held, end.history, state, context)
  }
  const isUnremarkable = end === undefined || end.history.operations.length === 0
  if (before === undefined && isUnremarkable) return undefined
  const { settledMs } = context.circumstances
  if (end !== undefined && state !== undefined && !mayMatter(end.history, settledMs)) return undefined
  if (!mayRemember(batch, entry, context.circumstances)) return undefined
  const absent = absentLocator(batch, entry, end, source, context)
  // What would be held, but has ended and left no data, is as good as gone, unless it kept others out of its outbox.
  const isOver =
    state !== undefined && isUnremarkable && keptOutUntilMs(state, newestOf(end?.history ?? entry.history)) < settledMs
  if (end === undefined || isOver) return absent
  return rememberedUntil(state, withHistory(absent, end.history, undefined, context))
}

/**
 * Whether what has been done with a message that has ended, and whose data is gone, may matter to what arrives late. What only
 * lengthened its life does not: such a thing comes back with a store alone, which then counts as the first.
 */
function mayMatter(history: History, settledMs: number): boolean {
  if (history.stamp >= firstStampAt(settledMs) || meetsInAnyOutbox(history)) return true
  return history.operations.some(({ operation: { kind } }) => !LENGTHENING.has(kind))
}

function rememberedUntil(state: MessageState | undefined, locator: Locator): Locator {
  if (state === undefined) return locator
  return { ...locator, stamp: Math.max(locator.stamp, firstStampAt(keptOutUntilMs(state, locator.stamp))) }
}

/** What has ended kept older messages out of its outbox until its end, which is no longer away from a request than a life is long. */
function keptOutUntilMs({ namespace, expiryMs }: MessageState, newest: OperationStamp): TimestampMs {
  return isPublicOutbox(namespace) ? Math.min(expiryMs, stampMs(newest) + TTL_MAX_MS + DAY) : 0
}

function heldLocator(
  batch: WriteBatch,
  before: Locator | undefined,
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

/** Whether a message that is not held can be remembered; the account may have so many of them already. */
function mayRemember(batch: WriteBatch, { id, before }: GroupEntry, circumstances: Circumstances): boolean {
  if (before !== undefined && !isHeld(before)) return true
  if (hasRoomToRemember(batch, id.account, circumstances)) return true
  circumstances.onForgotten()
  return false
}

function absentLocator(
  batch: WriteBatch,
  { before, history }: GroupEntry,
  end: TimelineEnd | undefined,
  source: DataSource | undefined,
  { message, circumstances }: ChangeContext,
): Locator {
  // Until the message's own end, so that it is not taken for unknown where others still have it.
  const expiryMs = Math.max(before?.expiryMs ?? 0, message?.expiryMs ?? 0)
  const gone = { timestampMs: 0, expiryMs, stamp: newestOf(end?.history ?? history) }
  const isKept = stampMs(gone.stamp) >= circumstances.droppedMs
  if (!end?.mayReturn || source === undefined || circumstances.diskIsFull || !isKept) {
    return { ...gone, namespace: 0, sequence: 0, dataBytes: 0, placement: 'none' }
  }
  const { namespace } = source
  const sequence = before?.placement === 'withheld' ? before.sequence : batch.takeSequence()
  return { ...gone, namespace, sequence, dataBytes: source.size(namespace), placement: 'withheld' }
}

/** Adds what has to be remembered, unless the locator alone says the same. */
function withHistory(
  locator: Locator,
  history: History,
  state: MessageState | undefined,
  { circumstances, newest }: ChangeContext,
): Locator {
  const { base, operations } = history
  const stamp = newestOf(history)
  const isSettled = history.stamp < firstStampAt(circumstances.settledMs)
  const [first, second] = operations
  if (first === undefined) {
    // Another message took its place in the outbox, and that may still turn out otherwise.
    if (state === undefined && base !== undefined) return { ...locator, stamp: newest, history }
    return state === undefined || isSettled ? { ...locator, stamp } : { ...locator, stamp, history }
  }
  const saysTheSame = second === undefined && base === undefined && isSettled && isStoreOf(first, state)
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
