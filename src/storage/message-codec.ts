// The two records of a message.
//
//   row     = version u8 (1) | placement u8 | hash 33 | timestamp u48 | expiry u48 | size u32 | data (size bytes, if inside)
//   locator = version u8 (1) | placement u8 | namespace u16 | sequence u48 | timestamp u48 | expiry u48 | size u32
//   placement = 0 inside the row | 1 apart, under the body key
//
// Long data lies apart, so that changing an expiry rewrites a small row and not 76,800 bytes. The locator repeats what
// is needed to judge a message, so that only `retrieve` reads rows.
import type { TimestampMs } from '../base/clock.ts'
import type { MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import { StorageError } from './errors.ts'
import { decodeNamespace, encodeNamespace, HASH_SIZE, hashFromBytes, type RowPlace, U48_MAX, U48_SIZE } from './keys.ts'

/** Longer data lies apart from its row. Most messages of Session's clients are shorter. */
export const DATA_INSIDE_MAX_BYTES = 4_096

const VERSION = 1
const INSIDE = 0
const APART = 1

const ROW = { hash: 2, timestamp: 2 + HASH_SIZE, expiry: 8 + HASH_SIZE, size: 14 + HASH_SIZE, data: 18 + HASH_SIZE }
const LOCATOR = { namespace: 2, sequence: 4, timestamp: 10, expiry: 16, size: 22, end: 26 }

export interface Row {
  hash: MessageHash
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  /** Bytes of the data, wherever it lies. */
  dataBytes: number
  /** A view of the record, or undefined when the data lies apart. */
  data: Buffer | undefined
}

export interface Locator extends RowPlace {
  namespace: Namespace
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  dataBytes: number
  /** Whether the data lies under the body key. */
  apart: boolean
}

export interface RowFields {
  hash: Buffer
  timestampMs: TimestampMs
  expiryMs: TimestampMs
  data: Uint8Array
}

export function liesApart(dataBytes: number): boolean {
  return dataBytes > DATA_INSIDE_MAX_BYTES
}

export function encodeRow({ hash, timestampMs, expiryMs, data }: RowFields): Buffer {
  const apart = liesApart(data.length)
  const row = Buffer.allocUnsafe(ROW.data + (apart ? 0 : data.length))
  row[0] = VERSION
  row[1] = apart ? APART : INSIDE
  row.set(hash, ROW.hash)
  writeTime(row, timestampMs, ROW.timestamp)
  writeTime(row, expiryMs, ROW.expiry)
  row.writeUInt32BE(data.length, ROW.size)
  if (!apart) row.set(data, ROW.data)
  return row
}

export function decodeRow(bytes: Buffer): Row {
  const apart = readPlacement(bytes, ROW.data, 'row')
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

/** The same row with another expiry. */
export function rowWithExpiry(row: Buffer, expiryMs: TimestampMs): Buffer {
  decodeRow(row)
  const changed = Buffer.from(row)
  writeTime(changed, expiryMs, ROW.expiry)
  return changed
}

export function encodeLocator(locator: Locator): Buffer {
  const bytes = Buffer.allocUnsafe(LOCATOR.end)
  bytes[0] = VERSION
  bytes[1] = locator.apart ? APART : INSIDE
  bytes.writeUInt16BE(encodeNamespace(locator.namespace), LOCATOR.namespace)
  bytes.writeUIntBE(locator.sequence, LOCATOR.sequence, U48_SIZE)
  writeTime(bytes, locator.timestampMs, LOCATOR.timestamp)
  writeTime(bytes, locator.expiryMs, LOCATOR.expiry)
  bytes.writeUInt32BE(locator.dataBytes, LOCATOR.size)
  return bytes
}

export function decodeLocator(bytes: Buffer): Locator {
  const apart = readPlacement(bytes, LOCATOR.end, 'locator')
  if (bytes.length !== LOCATOR.end) throw corrupt('locator', 'its size is wrong')
  return {
    namespace: decodeNamespace(bytes.readUInt16BE(LOCATOR.namespace)),
    sequence: bytes.readUIntBE(LOCATOR.sequence, U48_SIZE),
    timestampMs: bytes.readUIntBE(LOCATOR.timestamp, U48_SIZE),
    expiryMs: bytes.readUIntBE(LOCATOR.expiry, U48_SIZE),
    dataBytes: bytes.readUInt32BE(LOCATOR.size),
    apart,
  }
}

/** Whether a moment can be kept: whole milliseconds of 48 bits. */
export function isStorableTime(ms: number): boolean {
  return Number.isInteger(ms) && ms >= 0 && ms <= U48_MAX
}

export function unstorableTime(): StorageError {
  return new StorageError('MESSAGE_UNSTORABLE', 'A time does not fit into 48 bits')
}

function writeTime(bytes: Buffer, ms: TimestampMs, offset: number): void {
  if (!isStorableTime(ms)) throw unstorableTime()
  bytes.writeUIntBE(ms, offset, U48_SIZE)
}

/** Checks what both records begin with, before anything else is read. */
function readPlacement(bytes: Buffer, sizeMin: number, record: string): boolean {
  if (bytes.length < sizeMin) throw corrupt(record, 'it is too short')
  if (bytes[0] !== VERSION) throw corrupt(record, 'its version is unknown')
  if (bytes[1] !== INSIDE && bytes[1] !== APART) throw corrupt(record, 'its placement is unknown')
  return bytes[1] === APART
}

function corrupt(record: string, why: string): StorageError {
  return new StorageError('RECORD_CORRUPT', `A ${record} cannot be read: ${why}`)
}
