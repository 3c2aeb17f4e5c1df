// What has been done with a message lately, at the end of its locator:
//
//   history = stamp u56 | base | count u8 | operation * count
//   base    = 0 u8, not held | 1 u8 | namespace u16 | timestamp u48 | expiry u48
//
// The base is what was there after everything up to the stamp; nothing before it can be asked for any more. Operations
// (operation.ts) come after it, in their order.
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { decodeNamespace, encodeNamespace, U48_SIZE } from './keys.ts'
import { decodeOperations, readStamp, STAMP_SIZE, type StampedOperation, writeStamp } from './operation.ts'
import type { MessageState } from './replay.ts'

export interface History {
  readonly stamp: OperationStamp
  readonly base: MessageState | undefined
  readonly operations: readonly StampedOperation[]
}

/** Of one message. More fold the oldest before their time: a client that does so much in minutes waits for no stragglers. */
export const HISTORY_OPERATIONS_MAX = 32

const STATE_SIZE = 2 + 2 * U48_SIZE
const ABSENT = 0
const PRESENT = 1

export function encodeHistory({ stamp, base, operations }: History): Buffer {
  const head = Buffer.alloc(STAMP_SIZE + 1 + (base === undefined ? 0 : STATE_SIZE) + 1)
  writeStamp(head, stamp, 0)
  if (base !== undefined) {
    head[STAMP_SIZE] = PRESENT
    head.writeUInt16BE(encodeNamespace(base.namespace), STAMP_SIZE + 1)
    head.writeUIntBE(base.timestampMs, STAMP_SIZE + 3, U48_SIZE)
    head.writeUIntBE(base.expiryMs, STAMP_SIZE + 3 + U48_SIZE, U48_SIZE)
  }
  head[head.length - 1] = operations.length
  return Buffer.concat([head, ...operations.map(({ bytes }) => bytes)])
}

export function decodeHistory(bytes: Buffer, start: number): History {
  const kindAt = start + STAMP_SIZE
  const countAt = kindAt + 1 + (bytes[kindAt] === PRESENT ? STATE_SIZE : 0)
  const count = bytes[countAt]
  if (count === undefined || (bytes[kindAt] !== ABSENT && bytes[kindAt] !== PRESENT)) {
    throw new StorageError('RECORD_CORRUPT', 'The history of a message cannot be read')
  }
  return {
    stamp: readStamp(bytes, start),
    base: bytes[kindAt] === PRESENT ? readState(bytes, kindAt + 1) : undefined,
    operations: decodeOperations(bytes, countAt + 1, count),
  }
}

function readState(bytes: Buffer, at: number): MessageState {
  return {
    namespace: decodeNamespace(bytes.readUInt16BE(at)),
    timestampMs: bytes.readUIntBE(at + 2, U48_SIZE),
    expiryMs: bytes.readUIntBE(at + 2 + U48_SIZE, U48_SIZE),
  }
}
