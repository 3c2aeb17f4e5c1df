// Brings the records of a message, and of those that its fate hangs together with, in line with what has been done.
import type { StoredMessage } from '../protocol/message.ts'
import type { Circumstances } from './circumstances.ts'
import { encodeLocator, isHeld } from './message-codec.ts'
import { groupOf, keyOf, type MessageGroup } from './message-group.ts'
import { changeRecords, type MessageId, type RecordChange, usageOf } from './message-records.ts'
import type { StampedOperation } from './operation.ts'
import { OUTBOX_LIST_MAX } from './outbox-list.ts'
import { writeOutboxMembers } from './outbox-members.ts'
import type { FullReason } from './quota.ts'
import { newestOf, recordChange } from './record-change.ts'
import type { StepOutcome } from './replay.ts'
import { hasRoomToRemember, reasonAgainst } from './room.ts'
import { replayTimeline, type Timeline, type TimelineEnd } from './timeline.ts'
import type { WriteBatch } from './write-batch.ts'

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

/** Carries out an arrival in its turn, or, without one, what has been remembered since; and folds what is settled. */
export function settle(
  batch: WriteBatch,
  id: MessageId,
  arrival: Arrival | undefined,
  circumstances: Circumstances,
): Settlement {
  const group = groupOf(batch, id, arrival?.operation)
  const timeline = replayTimeline({
    histories: new Map([...group.entries].map(([each, { history }]) => [each, history])),
    ranges: usageOf(batch, id.account).ranges,
    arriving: arrival && { id: keyOf(id.hash), operation: arrival.operation },
    settledMs: circumstances.settledMs,
  })
  const { outcome } = timeline
  const changes = changesOf(batch, id, group, timeline, { message: arrival?.message, circumstances })
  const gainsData = changes.some(
    ({ before, after }) => (before === undefined || !isHeld(before)) && after !== undefined && isHeld(after),
  )
  if (arrival?.message !== undefined && (outcome === 'new' || gainsData)) {
    const full = reasonAgainst(batch, arrival.message, id.account, changes, circumstances)
    if (full !== undefined) return { outcome, full, changes: [] }
  }
  if (arrival !== undefined) batch.noteStamp(arrival.operation.stamp)
  changeRecords(batch, changes.filter(isChange))
  for (const namespace of group.outboxes) writeOutboxMembers(batch, id.account, namespace, changes)
  return { outcome, changes }
}

/** Nothing is written yet. */
function changesOf(
  batch: WriteBatch,
  id: MessageId,
  group: MessageGroup,
  { ends, outcome }: Timeline,
  { message, circumstances }: { message: StoredMessage | undefined; circumstances: Circumstances },
): RecordChange[] {
  const forgotten = tooMany(group, ends, hasRoomToRemember(batch, id.account, circumstances))
  const newest = Math.max(0, ...[...ends.values()].map(({ history }) => newestOf(history)))
  return [...group.entries].map(([key, entry]) => {
    const isArriving = key === keyOf(id.hash)
    const context = { message: isArriving ? message : undefined, isRenewed: isArriving && outcome === 'new' }
    const end = forgotten.has(key) ? undefined : ends.get(key)
    return recordChange(batch, entry, end, { ...context, newest, circumstances })
  })
}

/**
 * Messages of outboxes that cannot be remembered with the others: those that are not held, the oldest first. Without room for one
 * it is none of them, since the rest alone would tell another story.
 */
function tooMany(
  { entries, outboxes }: MessageGroup,
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

function isChange({ before, after }: RecordChange): boolean {
  if (before === undefined || after === undefined) return before !== after
  return !encodeLocator(before).equals(encodeLocator(after))
}
