// The two records of a message.
//
//   row       = version u8 (1) | placement u8 | hash 33 | timestamp u48 | expiry u48 | size u32 | data (size bytes, if inside)
//   locator   = version u8 (2) | placement u8 | namespace u16 | sequence u48 | timestamp u48 | expiry u48 | size u32 | stamp u56
//               | history, if there is one
//   placement = 0 inside the row | 1 apart, under the body key
//             | locator only: 2 not held, but the data lies under the body key | 3 not held; 128 more when a history follows
//
// A history is in history-codec.ts. Long data lies apart, so that changing an expiry rewrites a small row and not 76,800 bytes.
// The locator repeats what is needed to judge a message, so that only `retrieve` reads rows.
import type { TimestampMs } from '../base/clock.ts'
import type { MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { decodeHistory, encodeHistory, type History } from './history-codec.ts'
import { decodeNamespace, encodeNamespace, HASH_SIZE, hashFromBytes, type RowPlace, U48_SIZE } from './keys.ts'
import { readStamp, STAMP_SIZE, writeStamp } from './operation.ts'
import { isStorableTime, unstorableTime } from './storable-time.ts'

/** Longer data lies apart from its row. Most messages of Session's clients are shorter. */
export const DATA_INSIDE_MAX_BYTES = 4_096

const ROW_VERSION = 1
const LOCATOR_VERSION = 2

const PLACEMENTS = ['inside', 'apart', 'withheld', 'none'] as const

/**
 * Where the data lies: inside its row, or apart from it. `withheld`: the message is not held, but an operation that arrives late
 * may still bring it back, so its data lies apart without a row. `none`: not held, and only remembered.
 */
export type Placement = (typeof PLACEMENTS)[number]

const ROW = { hash: 2, timestamp: 2 + HASH_SIZE, expiry: 8 + HASH_SIZE, size: 14 + HASH_SIZE, data: 18 + HASH_SIZE }
const LOCATOR = { namespace: 2, sequence: 4, timestamp: 10, expiry: 16, size: 22, stamp: 26, history: 26 + STAMP_SIZE }
/** Added to the placement. */
const WITH_HISTORY = 0x80
/** A locator of schema version 1 ended where the stamp is now. */
const LOCATOR_1_SIZE = LOCATOR.stamp

export interface Row {
  hash: MessageHash
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  /** Bytes of the data, wherever it lies. */
  dataBytes: number
  /** A view of the record, or undefined when the data lies apart. */
  data: Buffer | undefined
}

/** Of a message that is held, or of one that is not but is remembered: then its expiry is when it may be forgotten. */
export interface Locator extends RowPlace {
  namespace: Namespace
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  dataBytes: number
  placement: Placement
  /** Of the newest operation that is part of this. */
  stamp: OperationStamp
  /** What has been done lately; without it, nothing but the store (or, when nothing is held, the deletion) of that stamp. */
  history?: History | undefined
}

export interface RowFields {
  hash: Buffer
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  data: Uint8Array
}

export function placementOf(dataBytes: number): 'inside' | 'apart' {
  return dataBytes > DATA_INSIDE_MAX_BYTES ? 'apart' : 'inside'
}

export function isHeld({ placement }: Pick<Locator, 'placement'>): boolean {
  return placement === 'inside' || placement === 'apart'
}

export function encodeRow({ hash, timestampMs, expiryMs, data }: RowFields): Buffer {
  const apart = placementOf(data.length) === 'apart'
  const row = Buffer.allocUnsafe(ROW.data + (apart ? 0 : data.length))
  row[0] = ROW_VERSION
  row[1] = apart ? 1 : 0
  row.set(hash, ROW.hash)
  writeTime(row, timestampMs, ROW.timestamp)
  writeTime(row, expiryMs, ROW.expiry)
  row.writeUInt32BE(data.length, ROW.size)
  if (!apart) row.set(data, ROW.data)
  return row
}

export function decodeRow(bytes: Buffer): Row {
  if (bytes.length < ROW.data) throw corrupt('row', 'it is too short')
  if (bytes[0] !== ROW_VERSION) throw corrupt('row', 'its version is unknown')
  const apart = bytes[1] === 1
  if (!apart && bytes[1] !== 0) throw corrupt('row', 'its placement is unknown')
  const dataBytes = bytes.readUInt32BE(ROW.size)
  if (bytes.length !== ROW.data + (apart ? 0 : dataBytes)) throw corrupt('row', 'its size is wrong')
  return {
    hash: hashFromBytes(bytes, ROW.hash),
    timestampMs: bytes.readUIntBE(ROW.timestamp, U48_SIZE),
    expiryMs: bytes.readUIntBE(ROW.expiry, U48_SIZE),
    dataBytes,
    data: apart ? undefined : bytes.subarray(ROW.data),
  }
}

/** The same row with other times. */
export function rowWithTimes(row: Buffer, { timestampMs, expiryMs }: Pick<Row, 'timestampMs' | 'expiryMs'>): Buffer {
  decodeRow(row)
  const changed = Buffer.from(row)
  writeTime(changed, timestampMs, ROW.timestamp)
  writeTime(changed, expiryMs, ROW.expiry)
  return changed
}

export function encodeLocator(locator: Locator): Buffer {
  const history = locator.history === undefined ? undefined : encodeHistory(locator.history)
  const bytes = Buffer.allocUnsafe(LOCATOR.history + (history?.length ?? 0))
  bytes[0] = LOCATOR_VERSION
  bytes[1] = PLACEMENTS.indexOf(locator.placement) + (history === undefined ? 0 : WITH_HISTORY)
  bytes.writeUInt16BE(encodeNamespace(locator.namespace), LOCATOR.namespace)
  bytes.writeUIntBE(locator.sequence, LOCATOR.sequence, U48_SIZE)
  writeTime(bytes, locator.timestampMs, LOCATOR.timestamp)
  writeTime(bytes, locator.expiryMs, LOCATOR.expiry)
  bytes.writeUInt32BE(locator.dataBytes, LOCATOR.size)
  writeStamp(bytes, locator.stamp, LOCATOR.stamp)
  if (history !== undefined) bytes.set(history, LOCATOR.history)
  return bytes
}

export function decodeLocator(bytes: Buffer): Locator {
  if (bytes.length < LOCATOR.history) throw corrupt('locator', 'it is too short')
  if (bytes[0] !== LOCATOR_VERSION) throw corrupt('locator', 'its version is unknown')
  const hasHistory = (bytes[1] ?? 0) >= WITH_HISTORY
  const placement = PLACEMENTS[(bytes[1] ?? 0) % WITH_HISTORY]
  if (placement === undefined) throw corrupt('locator', 'its placement is unknown')
  const locator: Locator = {
    namespace: decodeNamespace(bytes.readUInt16BE(LOCATOR.namespace)),
    sequence: bytes.readUIntBE(LOCATOR.sequence, U48_SIZE),
    timestampMs: bytes.readUIntBE(LOCATOR.timestamp, U48_SIZE),
    expiryMs: bytes.readUIntBE(LOCATOR.expiry, U48_SIZE),
    dataBytes: bytes.readUInt32BE(LOCATOR.size),
    placement,
    stamp: readStamp(bytes, LOCATOR.stamp),
  }
  if (hasHistory) locator.history = decodeHistory(bytes, LOCATOR.history)
  else if (bytes.length > LOCATOR.history) throw corrupt('locator', 'it is too long')
  return locator
}

/** The bytes that a locator of schema version 1 has now; undefined when it is not of that version. */
export function migratedLocator(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== 1) return undefined
  if (bytes.length !== LOCATOR_1_SIZE || (bytes[1] ?? 2) > 1) throw corrupt('locator', 'its size is wrong')
  const migrated = Buffer.concat([bytes, Buffer.alloc(STAMP_SIZE)])
  migrated[0] = LOCATOR_VERSION
  return migrated
}

function writeTime(bytes: Buffer, ms: TimestampMs, offset: number): void {
  if (!isStorableTime(ms)) throw unstorableTime()
  bytes.writeUIntBE(ms, offset, U48_SIZE)
}

function corrupt(record: string, why: string): StorageError {
  return new StorageError('RECORD_CORRUPT', `A ${record} cannot be read: ${why}`)
}
