import type { TimestampMs } from '../base/clock.ts'
import { compareHashes, type MessageHash, type StoredMessage, type StoreOutcome } from '../protocol/message.ts'
import { isPublicInbox, isPublicOutbox } from '../protocol/namespace.ts'
import { isStorableTime, unstorableTime } from './message-codec.ts'
import {
  changeExpiry,
  findMessage,
  findOutboxMessage,
  type HeldMessage,
  insertMessage,
  isLive,
  type MessageId,
  messageId,
  removeMessage,
  usageOf,
} from './message-records.ts'
import { type FullReason, fullReason, type QuotaOptions } from './quota.ts'
import type { WriteBatch } from './write-batch.ts'

export interface StoreResult {
  outcome: StoreOutcome
  /** The expiry that is held now; what was asked for when nothing is held. */
  expiryMs: TimestampMs
  /** Which bound was reached, when the outcome is `full`. */
  reason?: FullReason
}

/** What a store is judged by beside the records. */
export interface StoreCircumstances {
  nowMs: TimestampMs
  /** Whether the disk has too little room for anything new. */
  diskIsFull: boolean
  quota: QuotaOptions
}

/** Keeps a message, or says why not. Members that get the same stores in another order come to hold the same. */
export function storeMessage(
  batch: WriteBatch,
  message: StoredMessage,
  { nowMs, diskIsFull, quota }: StoreCircumstances,
): StoreResult {
  if (!isStorableTime(message.timestampMs) || !isStorableTime(message.expiryMs)) throw unstorableTime()
  const id = messageId(message)
  const held = findMessage(batch, id)
  if (held !== undefined && isLive(held.locator, nowMs) && !yieldsTo(held, message)) {
    return extend(batch, held, message.expiryMs)
  }
  const current = isPublicOutbox(message.namespace)
    ? findOutboxMessage(batch, id.account, message.namespace)
    : undefined
  if (current !== undefined && isLive(current.locator, nowMs) && !supersedes(message, current)) {
    return { outcome: 'obsolete', expiryMs: message.expiryMs }
  }
  const isCurrent = held !== undefined && current?.hash === message.hash
  const replaced = [held, isCurrent ? undefined : current].filter((message) => message !== undefined)
  const reason = diskIsFull ? 'disk' : reasonAgainst(batch, id, message, replaced, quota)
  if (reason !== undefined) return { outcome: 'full', expiryMs: message.expiryMs, reason }
  for (const old of replaced) removeMessage(batch, old)
  insertMessage(batch, id, message)
  return { outcome: 'new', expiryMs: message.expiryMs }
}

/** A duplicate never shortens, and keeps the first timestamp. */
function extend(batch: WriteBatch, held: HeldMessage, expiryMs: TimestampMs): StoreResult {
  if (expiryMs <= held.locator.expiryMs) return { outcome: 'exists', expiryMs: held.locator.expiryMs }
  changeExpiry(batch, held, expiryMs)
  return { outcome: 'extended', expiryMs }
}

/**
 * The namespace and the data are hashed without a mark between them, so data can be made up for a public inbox that has the
 * hash of the owner's message elsewhere. Such a thing gives way, else anyone could keep the owner's message out.
 */
function yieldsTo({ locator }: HeldMessage, message: StoredMessage): boolean {
  return isPublicInbox(locator.namespace) && !isPublicInbox(message.namespace)
}

/** The newest message wins an outbox; of two of the same moment the one with the greater hash, wherever it is decided. */
function supersedes(message: StoredMessage, current: HeldMessage & { hash: MessageHash }): boolean {
  const { timestampMs } = current.locator
  if (message.timestampMs !== timestampMs) return message.timestampMs > timestampMs
  return compareHashes(message.hash, current.hash) > 0
}

function reasonAgainst(
  batch: WriteBatch,
  id: MessageId,
  message: StoredMessage,
  replaced: readonly HeldMessage[],
  quota: QuotaOptions,
): FullReason | undefined {
  const messages = 1 - replaced.length
  const dataBytes = message.data.length - replaced.reduce((sum, { locator }) => sum + locator.dataBytes, 0)
  const usage = usageOf(batch, id.account)
  const total = batch.totals
  return fullReason(
    message.namespace,
    { messages: usage.messages + messages, dataBytes: usage.dataBytes + dataBytes },
    { messages: total.messages + messages, dataBytes: total.dataBytes + dataBytes },
    quota,
  )
}
