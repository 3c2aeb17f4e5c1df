// An expiry entry names the messages that one batch put into one bucket of time:
//
//   entry = version u8 (1) | count u16 | count * (account 33 | hash 33)
//
// One record for many messages is much cheaper than one each. Entries are never changed: a message whose expiry moves to
// another bucket is named there too, and the sweeper skips what an entry says of messages that are gone or live longer.
import { MINUTE, type TimestampMs } from '../base/clock.ts'
import { ACCOUNT_ID_SIZE } from '../protocol/account.ts'
import { type OperationStamp, stampMs } from '../protocol/operation-stamp.ts'
import { ORDER_KEPT_MS } from './circumstances.ts'
import { StorageError } from './errors.ts'
import { HASH_SIZE } from './keys.ts'

const VERSION = 1
const HEADER_SIZE = 3
const REFERENCE_SIZE = ACCOUNT_ID_SIZE + HASH_SIZE
const COUNT_MAX = 0xffff

/** Space comes back at the end of a bucket, so this is how much later than its expiry a message may be removed. */
export const EXPIRY_BUCKET_MS = 10 * MINUTE

export interface ExpiryReference {
  account: Buffer
  hash: Buffer
}

/** The bucket that a moment lies in. */
export function expiryBucket(ms: TimestampMs): number {
  return Math.floor(ms / EXPIRY_BUCKET_MS)
}

/** The bucket from which on nothing can arrive any more that comes before an operation. */
export function orderBucket(stamp: OperationStamp): number {
  return expiryBucket(stampMs(stamp) + ORDER_KEPT_MS)
}

/** The moment that a bucket ends at. */
export function bucketEndMs(bucket: number): TimestampMs {
  return (bucket + 1) * EXPIRY_BUCKET_MS
}

export function encodeExpiryEntry(references: readonly ExpiryReference[]): Buffer {
  if (references.length > COUNT_MAX) throw new RangeError('An expiry entry has room for 65,535 messages')
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + references.length * REFERENCE_SIZE)
  bytes[0] = VERSION
  bytes.writeUInt16BE(references.length, 1)
  let offset = HEADER_SIZE
  for (const { account, hash } of references) {
    bytes.set(account, offset)
    bytes.set(hash, offset + ACCOUNT_ID_SIZE)
    offset += REFERENCE_SIZE
  }
  return bytes
}

export function decodeExpiryEntry(bytes: Buffer): ExpiryReference[] {
  if (bytes.length < HEADER_SIZE) throw corrupt('is too short')
  if (bytes[0] !== VERSION) throw corrupt('has an unknown version')
  const count = bytes.readUInt16BE(1)
  if (bytes.length !== HEADER_SIZE + count * REFERENCE_SIZE) throw corrupt('has a wrong size')
  return Array.from({ length: count }, (_, index) => {
    const start = HEADER_SIZE + index * REFERENCE_SIZE
    const middle = start + ACCOUNT_ID_SIZE
    return { account: bytes.subarray(start, middle), hash: bytes.subarray(middle, start + REFERENCE_SIZE) }
  })
}

function corrupt(why: string): StorageError {
  return new StorageError('RECORD_CORRUPT', `An expiry entry ${why}`)
}
