// What could not be told to a peer yet.
//
//   hint       = version u8 (1) | queued u48 | expiry u48 | payload
//   hint queue = version u8 (1) | hints u32 | bytes u48                   of one peer, counted by the bytes of the payloads
import type { TimestampMs } from '../base/clock.ts'
import { StorageError } from './errors.ts'
import { U48_SIZE } from './keys.ts'

const VERSION = 1
const HINT = { queued: 1, expiry: 7, payload: 13 }
const QUEUE = { hints: 1, bytes: 5, end: 11 }

export interface HintRecord {
  readonly queuedMs: TimestampMs
  readonly expiryMs: TimestampMs
  readonly payload: Uint8Array
}

export interface HintQueue {
  readonly hints: number
  readonly bytes: number
}

export function encodeHint({ queuedMs, expiryMs, payload }: HintRecord): Buffer {
  const bytes = Buffer.allocUnsafe(HINT.payload + payload.length)
  bytes[0] = VERSION
  bytes.writeUIntBE(queuedMs, HINT.queued, U48_SIZE)
  bytes.writeUIntBE(expiryMs, HINT.expiry, U48_SIZE)
  bytes.set(payload, HINT.payload)
  return bytes
}

/** The payload is a view. */
export function decodeHint(bytes: Buffer): HintRecord {
  if (bytes.length < HINT.payload || bytes[0] !== VERSION) throw corrupt('hint')
  const queuedMs = bytes.readUIntBE(HINT.queued, U48_SIZE)
  return { queuedMs, expiryMs: bytes.readUIntBE(HINT.expiry, U48_SIZE), payload: bytes.subarray(HINT.payload) }
}

export function encodeHintQueue({ hints, bytes }: HintQueue): Buffer {
  const record = Buffer.allocUnsafe(QUEUE.end)
  record[0] = VERSION
  record.writeUInt32BE(hints, QUEUE.hints)
  record.writeUIntBE(bytes, QUEUE.bytes, U48_SIZE)
  return record
}

export function decodeHintQueue(bytes: Buffer): HintQueue {
  if (bytes.length !== QUEUE.end || bytes[0] !== VERSION) throw corrupt('hint queue')
  return { hints: bytes.readUInt32BE(QUEUE.hints), bytes: bytes.readUIntBE(QUEUE.bytes, U48_SIZE) }
}

function corrupt(record: string): StorageError {
  return new StorageError('RECORD_CORRUPT', `A ${record} cannot be read`)
}
