// An operation on messages, as it is kept while others may still arrive that come before it:
//
//   operation = stamp u56 | kind u8 | content
//   content   = store: namespace u16 | timestamp u48 | expiry u48
//             | set, extend, extend-any, shorten: order u8 | expiry u48
//             | expire-range: all u8 | namespace u16 | expiry u48
//             | delete: nothing
//             | delete-range: all u8 | namespace u16 | before u48       messages of that moment and earlier
//
// The order of the bytes is the order of operations: by stamp, and of two with one stamp, which come from different entry
// nodes, by kind and content. `order` tells apart changes of one message that one request asks for.
import type { TimestampMs } from '../base/clock.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { decodeNamespace, encodeNamespace, U48_MAX, U48_SIZE } from './keys.ts'
import { isStorableTime, unstorableTime } from './storable-time.ts'

/** One namespace of an account, or the whole of it. */
export type NamespaceChoice = Namespace | 'all'

/**
 * How an expiry is changed: `set` to whatever is given; `shorten` or `extend` only in that direction, and `extend` only by
 * what is worth a write. `extend-any` extends by however little: for a subaccount that may do nothing else.
 */
export type ExpireMode = 'set' | 'shorten' | 'extend' | 'extend-any'

export type Operation =
  | { kind: 'store'; namespace: Namespace; timestampMs: TimestampMs; expiryMs: TimestampMs }
  | { kind: ExpireMode; expiryMs: TimestampMs; order: number }
  | { kind: 'delete' }
  | RangeOperation

/** On every message of a namespace or of the whole account, whether it has arrived yet or not. */
export type RangeOperation =
  | { kind: 'expire-range'; namespace: NamespaceChoice; expiryMs: TimestampMs }
  | { kind: 'delete-range'; namespace: NamespaceChoice; beforeMs: TimestampMs }

export interface StampedOperation {
  readonly stamp: OperationStamp
  readonly operation: Operation
  /** Stamp, kind and content. */
  readonly bytes: Buffer
}

/** Never change or reuse a number: the order of kinds decides ties, and they lie on the disk. */
const KINDS = {
  store: 1,
  set: 2,
  extend: 3,
  'extend-any': 4,
  shorten: 5,
  'expire-range': 6,
  delete: 7,
  'delete-range': 8,
} as const satisfies Record<Operation['kind'], number>

export const STAMP_SIZE = 7
const HEADER_SIZE = STAMP_SIZE + 1
const NAMESPACE_SIZE = 2
const U48_RANGE = U48_MAX + 1

const SIZES: Readonly<Record<number, number>> = {
  [KINDS.store]: HEADER_SIZE + NAMESPACE_SIZE + 2 * U48_SIZE,
  [KINDS.set]: HEADER_SIZE + 1 + U48_SIZE,
  [KINDS.extend]: HEADER_SIZE + 1 + U48_SIZE,
  [KINDS['extend-any']]: HEADER_SIZE + 1 + U48_SIZE,
  [KINDS.shorten]: HEADER_SIZE + 1 + U48_SIZE,
  [KINDS['expire-range']]: HEADER_SIZE + 1 + NAMESPACE_SIZE + U48_SIZE,
  [KINDS.delete]: HEADER_SIZE,
  [KINDS['delete-range']]: HEADER_SIZE + 1 + NAMESPACE_SIZE + U48_SIZE,
}

export function stamped(stamp: OperationStamp, operation: Operation): StampedOperation {
  return { stamp, operation, bytes: encodeOperation(stamp, operation) }
}

export function compareOperations(a: StampedOperation, b: StampedOperation): number {
  return a.stamp - b.stamp || Buffer.compare(a.bytes, b.bytes)
}

export function isRange(operation: Operation): operation is RangeOperation {
  return operation.kind === 'expire-range' || operation.kind === 'delete-range'
}

export function writeStamp(bytes: Buffer, stamp: OperationStamp, offset: number): void {
  bytes[offset] = Math.floor(stamp / U48_RANGE)
  bytes.writeUIntBE(stamp % U48_RANGE, offset + 1, U48_SIZE)
}

export function readStamp(bytes: Buffer, offset: number): OperationStamp {
  return bytes.readUInt8(offset) * U48_RANGE + bytes.readUIntBE(offset + 1, U48_SIZE)
}

function encodeOperation(stamp: OperationStamp, operation: Operation): Buffer {
  const kind = KINDS[operation.kind]
  const bytes = Buffer.allocUnsafe(SIZES[kind] ?? 0)
  writeStamp(bytes, stamp, 0)
  bytes[STAMP_SIZE] = kind
  switch (operation.kind) {
    case 'store':
      bytes.writeUInt16BE(encodeNamespace(operation.namespace), HEADER_SIZE)
      writeTime(bytes, operation.timestampMs, HEADER_SIZE + NAMESPACE_SIZE)
      writeTime(bytes, operation.expiryMs, HEADER_SIZE + NAMESPACE_SIZE + U48_SIZE)
      break
    case 'delete':
      break
    case 'expire-range':
    case 'delete-range':
      bytes[HEADER_SIZE] = operation.namespace === 'all' ? 1 : 0
      bytes.writeUInt16BE(operation.namespace === 'all' ? 0 : encodeNamespace(operation.namespace), HEADER_SIZE + 1)
      writeTime(bytes, limitOf(operation), HEADER_SIZE + 1 + NAMESPACE_SIZE)
      break
    default:
      bytes[HEADER_SIZE] = operation.order
      writeTime(bytes, operation.expiryMs, HEADER_SIZE + 1)
  }
  return bytes
}

/** A range may end beyond what any message can have. */
function limitOf(operation: RangeOperation): TimestampMs {
  return Math.min(operation.kind === 'delete-range' ? operation.beforeMs : operation.expiryMs, U48_MAX)
}

/** Reads operations up to the end of `bytes`, which the first `offset` bytes do not belong to. */
export function decodeOperations(bytes: Buffer, offset: number, count: number): StampedOperation[] {
  const operations: StampedOperation[] = []
  let start = offset
  for (let index = 0; index < count; index++) {
    const size = SIZES[bytes[start + STAMP_SIZE] ?? 0]
    if (size === undefined || start + size > bytes.length) throw corrupt()
    const own = bytes.subarray(start, start + size)
    operations.push({ stamp: readStamp(own, 0), operation: decodeContent(own), bytes: own })
    start += size
  }
  if (start !== bytes.length) throw corrupt()
  return operations
}

function decodeContent(bytes: Buffer): Operation {
  const kind = bytes[STAMP_SIZE]
  switch (kind) {
    case KINDS.store:
      return {
        kind: 'store',
        namespace: decodeNamespace(bytes.readUInt16BE(HEADER_SIZE)),
        timestampMs: bytes.readUIntBE(HEADER_SIZE + NAMESPACE_SIZE, U48_SIZE),
        expiryMs: bytes.readUIntBE(HEADER_SIZE + NAMESPACE_SIZE + U48_SIZE, U48_SIZE),
      }
    case KINDS.delete:
      return { kind: 'delete' }
    case KINDS['expire-range']:
      return { kind: 'expire-range', namespace: readChoice(bytes), expiryMs: readLimit(bytes) }
    case KINDS['delete-range']:
      return { kind: 'delete-range', namespace: readChoice(bytes), beforeMs: readLimit(bytes) }
    default:
      return {
        kind: expireModeOf(kind),
        order: bytes.readUInt8(HEADER_SIZE),
        expiryMs: bytes.readUIntBE(HEADER_SIZE + 1, U48_SIZE),
      }
  }
}

function expireModeOf(kind: number | undefined): ExpireMode {
  switch (kind) {
    case KINDS.set:
      return 'set'
    case KINDS.extend:
      return 'extend'
    case KINDS['extend-any']:
      return 'extend-any'
    case KINDS.shorten:
      return 'shorten'
    default:
      throw corrupt()
  }
}

function readChoice(bytes: Buffer): NamespaceChoice {
  return bytes[HEADER_SIZE] === 1 ? 'all' : decodeNamespace(bytes.readUInt16BE(HEADER_SIZE + 1))
}

function readLimit(bytes: Buffer): TimestampMs {
  return bytes.readUIntBE(HEADER_SIZE + 1 + NAMESPACE_SIZE, U48_SIZE)
}

function writeTime(bytes: Buffer, ms: TimestampMs, offset: number): void {
  if (!isStorableTime(ms)) throw unstorableTime()
  bytes.writeUIntBE(ms, offset, U48_SIZE)
}

function corrupt(): StorageError {
  return new StorageError('RECORD_CORRUPT', 'A kept operation cannot be read')
}
