import type { TimestampMs } from '../base/clock.ts'
import type { StoredMessage, StoreOutcome } from '../protocol/message.ts'
import { isPublicOutbox } from '../protocol/namespace.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import type { Counts, StoreCounts, Usage } from './counters-codec.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { keyOf } from './message-group.ts'
import {
  findLocator,
  insertMessage,
  isLive,
  type MessageId,
  messageId,
  usageOf,
  writeUsage,
} from './message-records.ts'
import { stamped } from './operation.ts'
import { type FullReason, fullReason } from './quota.ts'
import { type Settlement, settle } from './settlement.ts'
import type { WriteBatch } from './write-batch.ts'

export interface StoreResult {
  outcome: StoreOutcome
  /** The expiry that is held now; what was asked for when nothing is held. */
  expiryMs: TimestampMs
  /** Which bound was reached, when the outcome is `full`. */
  reason?: FullReason
}

/** What is known of a message before it is stored. */
export interface KnownMessage {
  readonly id: MessageId
  readonly locator: Locator | undefined
}

export function lookUp(batch: WriteBatch, message: StoredMessage): KnownMessage {
  const id = messageId(message)
  return { id, locator: findLocator(batch, id) }
}

/** Keeps a message, or says why not. */
export function storeMessage(
  batch: WriteBatch,
  message: StoredMessage,
  stamp: OperationStamp,
  circumstances: Circumstances,
  { id, locator }: KnownMessage = lookUp(batch, message),
): StoreResult {
  const { namespace, timestampMs, expiryMs } = message
  const usage = usageOf(batch, id.account)
  const isUnknown =
    !isPublicOutbox(namespace) && locator === undefined && !usage.ranges.some((range) => range.stamp >= stamp)
  if (isUnknown) return insert(batch, id, message, { stamp, usage }, circumstances)
  const operation = stamped(stamp, { kind: 'store', namespace, timestampMs, expiryMs })
  return resultOf(settle(batch, id, { operation, message }, circumstances), keyOf(id.hash), message, circumstances)
}

/** Nothing is known of the message, and nothing known concerns it. */
function insert(
  batch: WriteBatch,
  id: MessageId,
  message: StoredMessage,
  { stamp, usage }: { stamp: OperationStamp; usage: Usage },
  circumstances: Circumstances,
): StoreResult {
  const { expiryMs, data } = message
  const reason = shortageFor(message, usage, batch.totals, circumstances)
  if (reason !== undefined) return { outcome: 'full', expiryMs, reason }
  insertMessage(batch, id, message, stamp)
  writeUsage(batch, id.account, grown(usage, data))
  return { outcome: 'new', expiryMs }
}

/** Why there is no room for one message more, if so. */
export function shortageFor(
  { namespace, data }: StoredMessage,
  usage: Counts,
  totals: StoreCounts,
  { diskIsFull, quota }: Circumstances,
): FullReason | undefined {
  return diskIsFull ? 'disk' : fullReason(namespace, grown(usage, data), grown(totals, data), quota)
}

export function grown<T extends Counts>(counts: T, { length }: Uint8Array): T {
  return { ...counts, messages: counts.messages + 1, dataBytes: counts.dataBytes + length }
}

/** By what the message is now: a later operation that arrived before this store may have had the last word. */
function resultOf(
  { outcome, full, changes }: Settlement,
  key: string,
  { expiryMs }: StoredMessage,
  { nowMs }: Circumstances,
): StoreResult {
  if (full !== undefined) return { outcome: 'full', expiryMs, reason: full }
  const change = changes.find(({ id }) => keyOf(id.hash) === key)
  const after = change?.after
  if (after === undefined || after.placement === 'withheld' || after.placement === 'none') {
    return { outcome: 'obsolete', expiryMs }
  }
  const before = change?.before
  const wasLive = before !== undefined && isLive(before, nowMs) && before.namespace === after.namespace
  const wasHeld = before !== undefined && isHeld(before)
  if (!wasHeld || (!wasLive && outcome !== undefined)) return { outcome: 'new', expiryMs: after.expiryMs }
  const isExtended = before !== undefined && after.expiryMs > before.expiryMs
  return { outcome: isExtended ? 'extended' : 'exists', expiryMs: after.expiryMs }
}
