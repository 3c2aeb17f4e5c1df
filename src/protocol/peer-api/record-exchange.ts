import { asBuffer } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { ed25519PublicKey } from '../../crypto/keys.ts'
import { ProtocolError } from '../errors.ts'
import { type ServiceNodeKey, serviceNodeKey, serviceNodeKeyBytes } from '../service-node.ts'

// Protocol `records`: two service nodes bring each other up to date about where everyone is. The asker hands over
// records of its own and says which others it holds; the answer is what is newer or missing there.
//
//   request  := asks u8 | list | held u16 | (key 32 | timestampMs u64) * held
//   response := list
//   list     := count u16 | (size u16 | envelope[size]) * count
//
//   asks     := 0 nothing, and held is 0 and the response an empty list | 1 for records
//             | 2 for records, in return for having been asked: so the other side does not ask back once more
//
// Integers are big-endian. An envelope is a signed node
// record (node-record.ts). The list is also how records lie on disk.

/** A signed record of about 400 bytes, with room for what envelopes may grow by. */
export const RECORD_ENVELOPE_MAX_BYTES = 1024
/** More service nodes than any network of this kind has had; bounds what one exchange costs. */
export const RECORDS_MAX = 10_000
/** Bytes of one request or response: all records of 2,000 members fit, the rest comes with the next exchange. */
export const RECORD_EXCHANGE_MAX_BYTES = 1024 * 1024

export interface HeldRecord {
  readonly key: ServiceNodeKey
  readonly timestampMs: TimestampMs
}

export interface RecordExchangeRequest {
  /** Records that the asker hands over. */
  readonly envelopes: readonly Uint8Array[]
  /** What the asker holds already; undefined when it wants nothing back. */
  readonly held: readonly HeldRecord[] | undefined
  /** Whether the asker asks only because it was asked. */
  readonly inReturn: boolean
}

const ASKS = { nothing: 0, records: 1, inReturn: 2 } as const

const HELD_SIZE = 40

export function encodeRecordExchangeRequest({ envelopes, held, inReturn }: RecordExchangeRequest): Uint8Array {
  const entries = Buffer.alloc(2 + (held?.length ?? 0) * HELD_SIZE)
  entries.writeUInt16BE(held?.length ?? 0)
  for (const [at, { key, timestampMs }] of (held ?? []).entries()) {
    entries.set(serviceNodeKeyBytes(key), 2 + at * HELD_SIZE)
    entries.writeBigUInt64BE(BigInt(timestampMs), 2 + at * HELD_SIZE + 32)
  }
  const asks = held === undefined ? ASKS.nothing : inReturn ? ASKS.inReturn : ASKS.records
  return Buffer.concat([Buffer.of(asks), encodeRecordList(envelopes), entries])
}

/** @throws {ProtocolError} */
export function decodeRecordExchangeRequest(bytes: Uint8Array): RecordExchangeRequest {
  const buffer = asBuffer(bytes)
  refuseOversize(buffer)
  const asks = readU8(buffer, 0)
  if (asks > ASKS.inReturn) throw new ProtocolError('FRAME_MALFORMED', 'A record exchange asks for what does not exist')
  const { envelopes, end } = readList(buffer, 1)
  const count = readU16(buffer, end)
  if (count > RECORDS_MAX || (asks === ASKS.nothing && count > 0)) {
    throw new ProtocolError('FRAME_MALFORMED', 'A record exchange holds more than it may')
  }
  requireExactly(buffer, end + 2 + count * HELD_SIZE)
  const held = Array.from({ length: count }, (_, index) => readHeld(buffer, end + 2 + index * HELD_SIZE))
  return { envelopes, held: asks === ASKS.nothing ? undefined : held, inReturn: asks === ASKS.inReturn }
}

export function encodeRecordList(envelopes: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [u16(envelopes.length)]
  for (const envelope of envelopes) parts.push(u16(envelope.length), envelope)
  return Buffer.concat(parts)
}

/** @throws {ProtocolError} */
export function decodeRecordList(bytes: Uint8Array): readonly Uint8Array[] {
  const buffer = asBuffer(bytes)
  const { envelopes, end } = readList(buffer, 0)
  requireExactly(buffer, end)
  return envelopes
}

function readList(buffer: Buffer, start: number): { envelopes: Uint8Array[]; end: number } {
  const count = readU16(buffer, start)
  if (count > RECORDS_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'Too many records in one list')
  const envelopes: Uint8Array[] = []
  let at = start + 2
  for (let index = 0; index < count; index++) {
    const size = readU16(buffer, at)
    if (size > RECORD_ENVELOPE_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'A record is too large')
    if (at + 2 + size > buffer.length) throw new ProtocolError('FRAME_TRUNCATED', 'A list of records ends too soon')
    envelopes.push(buffer.subarray(at + 2, at + 2 + size))
    at += 2 + size
  }
  return { envelopes, end: at }
}

function readHeld(buffer: Buffer, at: number): HeldRecord {
  const timestampMs = buffer.readBigUInt64BE(at + 32)
  if (timestampMs > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ProtocolError('FRAME_MALFORMED', 'A record timestamp beyond 2^53')
  }
  return { key: serviceNodeKey(ed25519PublicKey(buffer.subarray(at, at + 32))), timestampMs: Number(timestampMs) }
}

function requireExactly(buffer: Buffer, size: number): void {
  if (buffer.length < size) throw new ProtocolError('FRAME_TRUNCATED', 'A record exchange ends too soon')
  if (buffer.length > size) throw new ProtocolError('FRAME_TOO_LARGE', 'Bytes after a record exchange')
}

function refuseOversize(buffer: Buffer): void {
  if (buffer.length > RECORD_EXCHANGE_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'Too large an exchange')
}

function readU8(buffer: Buffer, at: number): number {
  if (at + 1 > buffer.length) throw new ProtocolError('FRAME_TRUNCATED', 'A record exchange ends too soon')
  return buffer.readUInt8(at)
}

function readU16(buffer: Buffer, at: number): number {
  if (at + 2 > buffer.length) throw new ProtocolError('FRAME_TRUNCATED', 'A record exchange ends too soon')
  return buffer.readUInt16BE(at)
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
