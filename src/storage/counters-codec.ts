// What is counted, so that neither a quota nor a restart has to scan.
//
//   usage  = version u8 (2) | messages u32 | data bytes u48 | tombstones u32 | withheld bytes u48 | count u8 | operation * count
//            of one account; the operations on ranges of its messages that late messages still have to obey
//   totals = version u8 (3) | next sequence u48 | messages u48 | data bytes u48 | tombstones u48 | withheld bytes u48
//            | newest stamp u56 | requests u48 | request bytes u48                  of the whole store
//
// Both are written in the same batch as the messages they count, so they are exact after any crash.
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { U48_SIZE } from './keys.ts'
import { decodeOperations, readStamp, type StampedOperation, writeStamp } from './operation.ts'

const USAGE_VERSION = 2
const TOTALS_VERSION = 3
const USAGE = { messages: 1, dataBytes: 5, tombstones: 11, withheldBytes: 15, count: 21, end: 22 }
const TOTALS = {
  sequence: 1,
  messages: 7,
  dataBytes: 13,
  tombstones: 19,
  withheldBytes: 25,
  stamp: 31,
  requests: 38,
  requestBytes: 44,
  end: 50,
}
/** Sizes of schema version 1, which ended with the data bytes, and of version 2, which ended with the stamp. */
const USAGE_1_SIZE = USAGE.tombstones
const TOTALS_1_SIZE = TOTALS.tombstones
const TOTALS_2_SIZE = TOTALS.requests

export interface Counts {
  messages: number
  dataBytes: number
  /** Messages that are not held but remembered. */
  tombstones: number
  /** Data of such messages that is still on the disk. */
  withheldBytes: number
}

export interface Usage extends Counts {
  /** Operations on ranges, in their order. */
  ranges: readonly StampedOperation[]
}

export interface StoreCounts extends Counts {
  /** Requests of the log. */
  requests: number
  requestBytes: number
}

export interface Totals extends StoreCounts {
  /** Larger than every sequence number given out so far. */
  nextSequence: number
  /** The greatest stamp of what has been done. */
  newestStamp: OperationStamp
}

export const NO_COUNTS: Counts = { messages: 0, dataBytes: 0, tombstones: 0, withheldBytes: 0 }
export const EMPTY_USAGE: Usage = { ...NO_COUNTS, ranges: [] }
/** A sequence of 0 is the public outboxes'. */
export const EMPTY_TOTALS: Totals = { ...NO_COUNTS, requests: 0, requestBytes: 0, nextSequence: 1, newestStamp: 0 }

/** Operations on ranges that an account has at once. More push out the oldest. */
export const RANGES_MAX = 64

export function encodeUsage({ messages, dataBytes, tombstones, withheldBytes, ranges }: Usage): Buffer {
  const bytes = Buffer.allocUnsafe(USAGE.end)
  bytes[0] = USAGE_VERSION
  bytes.writeUInt32BE(messages, USAGE.messages)
  bytes.writeUIntBE(dataBytes, USAGE.dataBytes, U48_SIZE)
  bytes.writeUInt32BE(tombstones, USAGE.tombstones)
  bytes.writeUIntBE(withheldBytes, USAGE.withheldBytes, U48_SIZE)
  bytes[USAGE.count] = ranges.length
  return ranges.length === 0 ? bytes : Buffer.concat([bytes, ...ranges.map((range) => range.bytes)])
}

export function decodeUsage(bytes: Buffer): Usage {
  check(bytes, USAGE_VERSION, bytes.length >= USAGE.end, 'usage record')
  return {
    messages: bytes.readUInt32BE(USAGE.messages),
    dataBytes: bytes.readUIntBE(USAGE.dataBytes, U48_SIZE),
    tombstones: bytes.readUInt32BE(USAGE.tombstones),
    withheldBytes: bytes.readUIntBE(USAGE.withheldBytes, U48_SIZE),
    ranges: decodeOperations(bytes, USAGE.end, bytes.readUInt8(USAGE.count)),
  }
}

export function encodeTotals(totals: Totals): Buffer {
  const bytes = Buffer.allocUnsafe(TOTALS.end)
  bytes[0] = TOTALS_VERSION
  bytes.writeUIntBE(totals.nextSequence, TOTALS.sequence, U48_SIZE)
  bytes.writeUIntBE(totals.messages, TOTALS.messages, U48_SIZE)
  bytes.writeUIntBE(totals.dataBytes, TOTALS.dataBytes, U48_SIZE)
  bytes.writeUIntBE(totals.tombstones, TOTALS.tombstones, U48_SIZE)
  bytes.writeUIntBE(totals.withheldBytes, TOTALS.withheldBytes, U48_SIZE)
  writeStamp(bytes, totals.newestStamp, TOTALS.stamp)
  bytes.writeUIntBE(totals.requests, TOTALS.requests, U48_SIZE)
  bytes.writeUIntBE(totals.requestBytes, TOTALS.requestBytes, U48_SIZE)
  return bytes
}

export function decodeTotals(bytes: Buffer): Totals {
  check(bytes, TOTALS_VERSION, bytes.length === TOTALS.end, 'record of totals')
  return {
    nextSequence: bytes.readUIntBE(TOTALS.sequence, U48_SIZE),
    messages: bytes.readUIntBE(TOTALS.messages, U48_SIZE),
    dataBytes: bytes.readUIntBE(TOTALS.dataBytes, U48_SIZE),
    tombstones: bytes.readUIntBE(TOTALS.tombstones, U48_SIZE),
    withheldBytes: bytes.readUIntBE(TOTALS.withheldBytes, U48_SIZE),
    newestStamp: readStamp(bytes, TOTALS.stamp),
    requests: bytes.readUIntBE(TOTALS.requests, U48_SIZE),
    requestBytes: bytes.readUIntBE(TOTALS.requestBytes, U48_SIZE),
  }
}

/** The bytes that a usage record of schema version 1 has now; undefined when it is not of that version. */
export function migratedUsage(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== 1) return undefined
  return grown(bytes, USAGE_1_SIZE, USAGE.end, USAGE_VERSION)
}

/** The bytes that the totals of an older schema version have now; undefined when they are of the newest. */
export function migratedTotals(bytes: Buffer): Buffer | undefined {
  if (bytes[0] === TOTALS_VERSION) return undefined
  return grown(bytes, bytes[0] === 1 ? TOTALS_1_SIZE : TOTALS_2_SIZE, TOTALS.end, TOTALS_VERSION)
}

/** What came with a later version follows what was there, and begins with nothing. */
function grown(bytes: Buffer, sizeBefore: number, size: number, version: number): Buffer {
  if (bytes.length !== sizeBefore) throw new StorageError('RECORD_CORRUPT', 'A counter has a wrong size')
  const result = Buffer.alloc(size)
  result.set(bytes)
  result[0] = version
  return result
}

function check(bytes: Buffer, version: number, hasSize: boolean, record: string): void {
  if (!hasSize) throw new StorageError('RECORD_CORRUPT', `A ${record} has a wrong size`)
  if (bytes[0] !== version) throw new StorageError('RECORD_CORRUPT', `A ${record} has an unknown version`)
}
