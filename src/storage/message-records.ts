// The records of one message, kept in step: row, body, locator, expiry index, usage of its account and totals.
// Every function reads before it writes, so that one that fails to read changes nothing.
import type { TimestampMs } from '../base/clock.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import { isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import { type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import { type Counts, decodeUsage, EMPTY_USAGE, encodeUsage, NO_COUNTS, type Usage } from './counters-codec.ts'
import { StorageError } from './errors.ts'
import { expiryBucket, orderBucket } from './expiry-entry.ts'
import { accountBytes, bodyKey, hashBytes, locatorKey, rowKey, usageKey } from './keys.ts'
import {
  decodeLocator,
  decodeRow,
  encodeLocator,
  encodeRow,
  isHeld,
  type Locator,
  placementOf,
  rowWithTimes,
} from './message-codec.ts'
import type { MessageState } from './replay.ts'
import type { WriteBatch } from './write-batch.ts'

/** An account and a hash as they stand in keys. */
export interface MessageId {
  account: Buffer
  hash: Buffer
}

/** How the records of a message change. `data` is needed where it is to lie at another place than before. */
export interface RecordChange {
  id: MessageId
  before: Locator | undefined
  after: Locator | undefined
  data: Uint8Array | undefined
}

/** Where the one message of a public outbox lies; every other message has a sequence of its own. */
const OUTBOX_SEQUENCE = 0

export function messageId(message: Pick<StoredMessage, 'account' | 'hash'>): MessageId {
  return { account: accountBytes(message.account), hash: hashBytes(message.hash) }
}

export function isLive(locator: Locator, nowMs: TimestampMs): boolean {
  return isHeld(locator) && locator.expiryMs > nowMs
}

/** What is known of a message, whether it is held or only remembered. */
export function findLocator(batch: WriteBatch, id: MessageId): Locator | undefined {
  const record = batch.get(locatorKey(id.account, id.hash))
  return record === undefined ? undefined : decodeLocator(record)
}

/** The message in a public outbox, if there is one. */
export function outboxHash(batch: WriteBatch, account: Buffer, namespace: Namespace): MessageHash | undefined {
  const record = batch.get(rowKey(account, { namespace, sequence: OUTBOX_SEQUENCE }))
  return record === undefined ? undefined : decodeRow(record).hash
}

export function usageOf(batch: WriteBatch, account: Buffer): Usage {
  const record = batch.get(usageKey(account))
  return record === undefined ? EMPTY_USAGE : decodeUsage(record)
}

/** A place for a message that comes to be held, behind those that are. */
export function takePlace(batch: WriteBatch, namespace: Namespace): number {
  return isPublicOutbox(namespace) ? OUTBOX_SEQUENCE : batch.takeSequence()
}

/** Writes changes together: all that leave their places go before any comes, since the messages of an outbox share one. */
export function changeRecords(batch: WriteBatch, changes: readonly RecordChange[]): void {
  const prepared = changes.map((change) => ({ ...change, stays: staysInPlace(change), row: retimedRow(batch, change) }))
  for (const { id, before, stays } of prepared) if (!stays && before !== undefined) removeContent(batch, id, before)
  for (const { id, before, after, data, stays, row } of prepared) {
    if (!stays && after !== undefined) putContent(batch, id, after, data)
    if (row !== undefined && after !== undefined) batch.put(rowKey(id.account, after), row)
    writeLocator(batch, id, before, after)
    noteItems(batch, id, before, after)
    count(batch, id.account, countsOf(before), countsOf(after))
  }
}

function writeLocator(batch: WriteBatch, id: MessageId, before: Locator | undefined, after: Locator | undefined): void {
  const key = locatorKey(id.account, id.hash)
  if (after === undefined) batch.delete(key)
  else batch.put(key, encodeLocator(after))
  const named = bucketsOf(before)
  for (const bucket of bucketsOf(after)) if (!named.includes(bucket)) batch.indexExpiry(bucket, id)
}

/** What of a message members compare. */
function noteItems(batch: WriteBatch, id: MessageId, before: Locator | undefined, after: Locator | undefined): void {
  const [from, to] = [heldStateOf(before), heldStateOf(after)]
  const isSame =
    from?.namespace === to?.namespace && from?.timestampMs === to?.timestampMs && from?.expiryMs === to?.expiryMs
  if (isSame) return
  const { account, hash } = id
  if (from !== undefined) batch.noteItem(-1, { kind: 'message', account, id: hash, ...from })
  if (to !== undefined) batch.noteItem(1, { kind: 'message', account, id: hash, ...to })
}

function heldStateOf(locator: Locator | undefined): MessageState | undefined {
  if (locator === undefined || !isHeld(locator)) return undefined
  const { namespace, timestampMs, expiryMs } = locator
  return { namespace, timestampMs, expiryMs }
}

/** The commonest change, written without a detour: a message of which nothing is known comes to be held. The account's usage is its caller's. */
export function insertMessage(
  batch: WriteBatch,
  id: MessageId,
  { namespace, timestampMs, expiryMs, data }: StoredMessage,
  stamp: OperationStamp,
): void {
  const dataBytes = data.length
  const placement = placementOf(dataBytes)
  const sequence = batch.takeSequence()
  const locator: Locator = { namespace, sequence, timestampMs, expiryMs, dataBytes, placement, stamp }
  putContent(batch, id, locator, data)
  batch.put(locatorKey(id.account, id.hash), encodeLocator(locator))
  batch.indexExpiry(expiryBucket(Math.max(expiryMs, stampMs(stamp))), id)
  batch.noteItem(1, { kind: 'message', account: id.account, id: id.hash, namespace, timestampMs, expiryMs })
  batch.totals.messages++
  batch.totals.dataBytes += dataBytes
  batch.noteStamp(stamp)
}

/** Writes an account's counters, or takes them away when there is nothing to count. */
export function writeUsage(batch: WriteBatch, account: Buffer, usage: Usage): void {
  const isEmpty = usage.messages === 0 && usage.tombstones === 0 && usage.ranges.length === 0
  if (isEmpty) batch.delete(usageKey(account))
  else batch.put(usageKey(account), encodeUsage(usage))
}

export function countsOf(locator: Locator | undefined): Counts {
  if (locator === undefined) return NO_COUNTS
  if (isHeld(locator)) return { ...NO_COUNTS, messages: 1, dataBytes: locator.dataBytes }
  return { ...NO_COUNTS, tombstones: 1, withheldBytes: locator.placement === 'withheld' ? locator.dataBytes : 0 }
}

/** The bucket whose end takes the data of a message; none when there is no data. */
export function dataBucketOf({ placement, expiryMs, stamp }: Locator): number | undefined {
  if (placement === 'none') return undefined
  if (placement === 'withheld') return expiryBucket(stampMs(stamp))
  // What had ended when it was stored is known as long as what might have come before it.
  return expiryBucket(Math.max(expiryMs, stampMs(stamp)))
}

/** The bucket from whose end on it does not matter any more what came after what; none for a message without a history. */
export function orderBucketOf(locator: Locator): number | undefined {
  if (locator.history !== undefined) return orderBucket(locator.stamp)
  return isHeld(locator) ? undefined : Math.max(expiryBucket(locator.expiryMs), orderBucket(locator.stamp))
}

/** Where the expiry index has to name it. */
export function bucketsOf(locator: Locator | undefined): number[] {
  if (locator === undefined) return []
  return [dataBucketOf(locator), orderBucketOf(locator)].filter((bucket) => bucket !== undefined)
}

function staysInPlace({ before, after }: RecordChange): boolean {
  if (before === undefined || before.placement !== after?.placement) return false
  return before.placement === 'none' || (before.namespace === after.namespace && before.sequence === after.sequence)
}

function hasSameTimes(a: Locator, b: Locator): boolean {
  return a.timestampMs === b.timestampMs && a.expiryMs === b.expiryMs
}

/** The row of a message that stays where it is and lives for another time. */
function retimedRow(batch: WriteBatch, change: RecordChange): Buffer | undefined {
  const { id, before, after } = change
  if (before === undefined || after === undefined || !staysInPlace(change)) return undefined
  if (!isHeld(after) || hasSameTimes(before, after)) return undefined
  const row = batch.get(rowKey(id.account, after))
  if (row === undefined) throw new StorageError('RECORD_CORRUPT', 'A locator has no row')
  return rowWithTimes(row, after)
}

function removeContent(batch: WriteBatch, { account }: MessageId, locator: Locator): void {
  if (isHeld(locator)) batch.delete(rowKey(account, locator))
  if (locator.placement === 'apart' || locator.placement === 'withheld') batch.delete(bodyKey(account, locator))
}

function putContent(batch: WriteBatch, { account, hash }: MessageId, locator: Locator, data?: Uint8Array): void {
  if (locator.placement === 'none') return
  if (data === undefined) throw new StorageError('RECORD_CORRUPT', 'A message comes back without its data')
  const { timestampMs, expiryMs } = locator
  if (isHeld(locator)) batch.put(rowKey(account, locator), encodeRow({ hash, timestampMs, expiryMs, data }))
  if (locator.placement !== 'inside') batch.put(bodyKey(account, locator), Buffer.from(data))
}

function count(batch: WriteBatch, account: Buffer, before: Counts, after: Counts): void {
  const changed = { ...usageOf(batch, account) }
  for (const field of ['messages', 'dataBytes', 'tombstones', 'withheldBytes'] as const) {
    const by = after[field] - before[field]
    changed[field] += by
    batch.totals[field] += by
  }
  writeUsage(batch, account, changed)
}
