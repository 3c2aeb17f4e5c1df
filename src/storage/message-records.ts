// The records of one message, kept in step: row, body, locator, expiry index, usage of its account and totals.
// Every function reads before it writes, so that one that fails to read changes nothing.
import type { TimestampMs } from '../base/clock.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import { isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import { decodeUsage, encodeUsage, type Usage } from './counters-codec.ts'
import { StorageError } from './errors.ts'
import { expiryBucket } from './expiry-entry.ts'
import { accountBytes, bodyKey, hashBytes, locatorKey, rowKey, usageKey } from './keys.ts'
import {
  decodeLocator,
  decodeRow,
  encodeLocator,
  encodeRow,
  type Locator,
  liesApart,
  rowWithExpiry,
} from './message-codec.ts'
import type { WriteBatch } from './write-batch.ts'

/** An account and a hash as they stand in keys. */
export interface MessageId {
  account: Buffer
  hash: Buffer
}

/** A message that the store has, expired or not. */
export interface HeldMessage {
  id: MessageId
  locator: Locator
}

/** Where the one message of a public outbox lies; every other message has a sequence of its own. */
const OUTBOX_SEQUENCE = 0

export function messageId(message: Pick<StoredMessage, 'account' | 'hash'>): MessageId {
  return { account: accountBytes(message.account), hash: hashBytes(message.hash) }
}

export function isLive(locator: Locator, nowMs: TimestampMs): boolean {
  return locator.expiryMs > nowMs
}

export function findMessage(batch: WriteBatch, id: MessageId): HeldMessage | undefined {
  const record = batch.get(locatorKey(id.account, id.hash))
  return record === undefined ? undefined : { id, locator: decodeLocator(record) }
}

/** The message in a public outbox, if there is one. */
export function findOutboxMessage(
  batch: WriteBatch,
  account: Buffer,
  namespace: Namespace,
): (HeldMessage & { hash: MessageHash }) | undefined {
  const record = batch.get(rowKey(account, { namespace, sequence: OUTBOX_SEQUENCE }))
  if (record === undefined) return undefined
  const { hash } = decodeRow(record)
  const held = findMessage(batch, { account, hash: hashBytes(hash) })
  if (held === undefined) throw new StorageError('RECORD_CORRUPT', 'A row has no locator')
  return { ...held, hash }
}

export function usageOf(batch: WriteBatch, account: Buffer): Usage {
  const record = batch.get(usageKey(account))
  return record === undefined ? { messages: 0, dataBytes: 0 } : decodeUsage(record)
}

export function insertMessage(batch: WriteBatch, id: MessageId, message: StoredMessage): void {
  const { namespace, timestampMs, expiryMs, data } = message
  const usage = usageOf(batch, id.account)
  const row = encodeRow({ hash: id.hash, timestampMs, expiryMs, data })
  const apart = liesApart(data.length)
  const sequence = isPublicOutbox(namespace) ? OUTBOX_SEQUENCE : batch.takeSequence()
  const locator = { namespace, sequence, timestampMs, expiryMs, dataBytes: data.length, apart }

  batch.put(rowKey(id.account, locator), row)
  if (apart) batch.put(bodyKey(id.account, locator), Buffer.from(data))
  batch.put(locatorKey(id.account, id.hash), encodeLocator(locator))
  batch.indexExpiry(expiryBucket(expiryMs), id)
  count(batch, id.account, usage, 1, data.length)
}

export function removeMessage(batch: WriteBatch, { id, locator }: HeldMessage): void {
  const usage = usageOf(batch, id.account)

  batch.delete(rowKey(id.account, locator))
  if (locator.apart) batch.delete(bodyKey(id.account, locator))
  batch.delete(locatorKey(id.account, id.hash))
  count(batch, id.account, usage, -1, -locator.dataBytes)
}

export function changeExpiry(batch: WriteBatch, { id, locator }: HeldMessage, expiryMs: TimestampMs): void {
  if (expiryMs === locator.expiryMs) return
  const key = rowKey(id.account, locator)
  const row = batch.get(key)
  if (row === undefined) throw new StorageError('RECORD_CORRUPT', 'A locator has no row')
  const changed = rowWithExpiry(row, expiryMs)

  batch.put(key, changed)
  batch.put(locatorKey(id.account, id.hash), encodeLocator({ ...locator, expiryMs }))
  const bucket = expiryBucket(expiryMs)
  if (bucket !== expiryBucket(locator.expiryMs)) batch.indexExpiry(bucket, id)
}

function count(batch: WriteBatch, account: Buffer, before: Usage, messages: number, dataBytes: number): void {
  const usage = { messages: before.messages + messages, dataBytes: before.dataBytes + dataBytes }
  if (usage.messages === 0) batch.delete(usageKey(account))
  else batch.put(usageKey(account), encodeUsage(usage))
  batch.totals.messages += messages
  batch.totals.dataBytes += dataBytes
}
