// The messages of a public outbox whose operations still matter to one another, when they are not just the one that is held:
//
//   outbox list = version u8 (1) | hash 33 *
import { StorageError } from './errors.ts'
import { HASH_SIZE } from './keys.ts'

const VERSION = 1
/** Messages of one outbox that are remembered together. Of more, the oldest are taken for settled. */
export const OUTBOX_LIST_MAX = 16

export function encodeOutboxList(hashes: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), ...hashes])
}

export function decodeOutboxList(bytes: Buffer): Buffer[] {
  if (bytes[0] !== VERSION || (bytes.length - 1) % HASH_SIZE !== 0) {
    throw new StorageError('RECORD_CORRUPT', 'The list of an outbox cannot be read')
  }
  return Array.from({ length: (bytes.length - 1) / HASH_SIZE }, (_, index) =>
    bytes.subarray(1 + index * HASH_SIZE, 1 + (index + 1) * HASH_SIZE),
  )
}
