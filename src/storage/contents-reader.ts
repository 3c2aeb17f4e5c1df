// Reads things as members name them to one another, and as they hand them over.
import { asBuffer } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { CONTENTS_VERSION_SIZE, type ContentsEntry, type HeldItem } from '../protocol/contents.ts'
import { messageVersionOf } from '../protocol/contents-entry.ts'
import { accountText } from './arc.ts'
import type { Database } from './database.ts'
import { heldMessageOf } from './held-message.ts'
import {
  accountBytes,
  bodyKey,
  hashFromBytes,
  locatorKey,
  nameOfRequestKey,
  requestKey,
  requestLogKey,
  requestRange,
  rowKey,
} from './keys.ts'
import { decodeLocator, decodeRow, isHeld, type Locator } from './message-codec.ts'
import { isLive, type MessageId } from './message-records.ts'
import { decodeRequest, decodeRequestLog, nameOfId, stampOfName } from './request-codec.ts'
import { isBelowLog, requestExpiryMs } from './request-log.ts'

/** What an item takes beside its data or payload. */
const ITEM_OVERHEAD_BYTES = 128
const NO_VERSION = Buffer.alloc(CONTENTS_VERSION_SIZE)

export function messageEntry({ account, hash }: MessageId, locator: Locator): ContentsEntry {
  return { kind: 'message', account: accountText(account), id: Buffer.from(hash), version: messageVersionOf(locator) }
}

export function requestEntry(account: Buffer, id: Buffer): ContentsEntry {
  return { kind: 'request', account: accountText(account), id: Buffer.from(id), version: NO_VERSION }
}

/** Bytes that an item takes of what one exchange may carry. */
export function sizeOfItem(item: HeldItem): number {
  return ITEM_OVERHEAD_BYTES + (item.kind === 'message' ? item.message.data.length : item.payload.length)
}

/** The message that a locator tells of, with its data; undefined when it went meanwhile. */
export function readMessage(database: Database, { account, hash }: MessageId, locator: Locator): HeldItem | undefined {
  const isInside = locator.placement === 'inside'
  const record = database.getSync(isInside ? rowKey(account, locator) : bodyKey(account, locator))
  const data = record !== undefined && isInside ? decodeRow(record).data : record
  if (data?.length !== locator.dataBytes) return undefined
  const { namespace, timestampMs, expiryMs } = locator
  const fields = { namespace, timestampMs, expiryMs, data }
  return heldMessageOf(locator, { account: accountText(account), hash: hashFromBytes(hash), ...fields })
}

export function readRequest(database: Database, account: Buffer, name: Buffer): HeldItem | undefined {
  const record = database.getSync(requestKey(account, name))
  return record && { kind: 'request', account: accountText(account), payload: decodeRequest(record) }
}

export function readEntry(database: Database, entry: ContentsEntry, nowMs: TimestampMs): HeldItem | undefined {
  const account = accountBytes(entry.account)
  if (entry.kind === 'request') {
    const name = nameOfId(entry.id)
    return name === undefined ? undefined : readRequest(database, account, name)
  }
  const id = { account, hash: asBuffer(entry.id) }
  const locator = locatorOf(database, id)
  return locator !== undefined && isLive(locator, nowMs) ? readMessage(database, id, locator) : undefined
}

/** Whether it is not here in this version, and may be wanted. */
export async function isLacking(database: Database, entry: ContentsEntry, nowMs: TimestampMs): Promise<boolean> {
  const account = accountBytes(entry.account)
  if (entry.kind === 'request') return isRequestLacking(database, account, nameOfId(entry.id), nowMs)
  const locator = locatorOf(database, { account, hash: asBuffer(entry.id) })
  // What was deleted here may have been stored there again, in the same words.
  if (locator === undefined || !isHeld(locator)) return true
  return !messageVersionOf(locator).every((byte, at) => byte === entry.version[at])
}

async function isRequestLacking(
  database: Database,
  account: Buffer,
  name: Buffer | undefined,
  nowMs: TimestampMs,
): Promise<boolean> {
  if (name === undefined || requestExpiryMs(stampOfName(name)) <= nowMs) return false
  if (database.getSync(requestKey(account, name)) !== undefined) return false
  const log = database.getSync(requestLogKey(account))
  if (log === undefined) return true
  await using keys = database.keys({ ...requestRange(account), limit: 1 })
  const oldest = await keys.next()
  return !isBelowLog(decodeRequestLog(log), oldest && nameOfRequestKey(oldest), name)
}

export function locatorOf(database: Database, { account, hash }: MessageId): Locator | undefined {
  const record = database.getSync(locatorKey(account, hash))
  return record && decodeLocator(record)
}
