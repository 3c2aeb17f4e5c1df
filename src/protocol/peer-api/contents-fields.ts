import { CONTENTS_EXCHANGE_MAX_BYTES } from '../contents.ts'
import { ProtocolError } from '../errors.ts'
import type { SwarmArc } from '../swarm-assignment.ts'
import { CONTENTS_BUCKETS_MAX } from './contents-exchange.ts'
import { countOf } from './contents-item.ts'
import type { FieldReader } from './field-reader.ts'

// What requests and answers about contents have in common.

export function bucketCountOf(reader: FieldReader, sumsSize: number): number {
  const count = countOf(reader, 4 + sumsSize)
  if (count > CONTENTS_BUCKETS_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'More buckets than there are')
  return count
}

export function takeFlag(reader: FieldReader): boolean {
  const flag = reader.u8()
  if (flag > 1) throw malformed('Neither yes nor no')
  return flag === 1
}

export function refuseLarge({ length }: Uint8Array): void {
  if (length <= CONTENTS_EXCHANGE_MAX_BYTES) return
  throw new ProtocolError('FRAME_TOO_LARGE', 'More about contents than may be said at once')
}

export function malformed(message: string): ProtocolError {
  return new ProtocolError('FRAME_MALFORMED', message)
}

export function unsigned(value: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

/** first u64 | last u64 */
export function encodeArc({ first, last }: SwarmArc): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64BE(first)
  bytes.writeBigUInt64BE(last, 8)
  return bytes
}

export function takeArc(reader: FieldReader): SwarmArc {
  return { first: reader.u64(), last: reader.u64() }
}
