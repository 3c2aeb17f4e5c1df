// Sums over what is held, a cell for each bucket of time and slot of accounts. What comes is added to its cell, what goes is taken away
// again, so that they are right at any moment without a look at anything else.
import { asBuffer } from '../base/bytes.ts'
import { blake2b256 } from '../crypto/hash.ts'
import { ACCOUNT_ID_SIZE } from '../protocol/account.ts'
import { CONTENTS_ID_SIZE, CONTENTS_SLOTS, CONTENTS_SUM_SIZE, CONTENTS_VERSION_SIZE } from '../protocol/contents.ts'
import { messageVersionOf } from '../protocol/contents-entry.ts'
import type { ContentsSums } from './contents.ts'
import { expiryBucket } from './expiry-entry.ts'
import type { ContentsItem, ItemChange } from './write-batch.ts'

const SUM_WORDS = CONTENTS_SUM_SIZE / 4
const WORD_BITS = 32
/** Over all slots, behind the sums of each. */
const TOTAL_AT = CONTENTS_SLOTS * SUM_WORDS
const CELLS_SIZE = TOTAL_AT + SUM_WORDS
const ID_AT = 1 + ACCOUNT_ID_SIZE
const VERSION_AT = ID_AT + CONTENTS_ID_SIZE
const NO_VERSION = new Uint8Array(CONTENTS_VERSION_SIZE)
/** Each fingerprint is made from what is written here, for there are as many as there are messages. */
const entryBytes = Buffer.alloc(VERSION_AT + CONTENTS_VERSION_SIZE)

export class ContentsCells implements ContentsSums {
  /** Of each bucket, the sums of its slots and the total, in words of 32 bits, the least significant first: they change with each message, and bigints would be made anew. */
  readonly #buckets = new Map<number, Uint32Array>()

  apply({ by, item }: ItemChange): void {
    const bucket = expiryBucket(item.expiryMs)
    const cells = this.#buckets.get(bucket) ?? new Uint32Array(CELLS_SIZE)
    const fingerprint = fingerprintOf(item)
    addTo(cells, slotOfBytes(item.account) * SUM_WORDS, fingerprint, by)
    addTo(cells, TOTAL_AT, fingerprint, by)
    const mayBeEmpty = cells[TOTAL_AT] === 0
    if (mayBeEmpty && cells.every((word) => word === 0)) this.#buckets.delete(bucket)
    else this.#buckets.set(bucket, cells)
  }

  total(fromBucket: number): Uint8Array {
    // Words of as many buckets as there may be stay far below 2^53, so what is carried over waits for the end.
    const sums = new Float64Array(SUM_WORDS)
    for (const [bucket, cells] of this.#buckets) {
      if (bucket < fromBucket) continue
      for (let word = 0; word < SUM_WORDS; word++) sums[word] = (sums[word] ?? 0) + (cells[TOTAL_AT + word] ?? 0)
    }
    return bytesAt(carriedOver(sums), 0)
  }

  buckets(fromBucket: number): ReadonlyMap<number, Uint8Array> {
    const from = [...this.#buckets].filter(([bucket]) => bucket >= fromBucket).sort(([a], [b]) => a - b)
    return new Map(from.map(([bucket, cells]) => [bucket, bytesAt(cells, TOTAL_AT)]))
  }

  slots(bucket: number): readonly Uint8Array[] {
    const cells = this.#buckets.get(bucket) ?? new Uint32Array(CELLS_SIZE)
    return Array.from({ length: CONTENTS_SLOTS }, (_, slot) => bytesAt(cells, slot * SUM_WORDS))
  }
}

/** Adds a fingerprint to the sum at a place, or takes it away, modulo 2^128. */
function addTo(cells: Uint32Array, at: number, fingerprint: Buffer, by: 1 | -1): void {
  let carry = 0
  for (let word = 0; word < SUM_WORDS; word++) {
    const addend = fingerprint.readUInt32BE((SUM_WORDS - 1 - word) * 4)
    const sum = (cells[at + word] ?? 0) + by * addend + carry
    cells[at + word] = sum
    carry = Math.floor(sum / 2 ** WORD_BITS)
  }
}

/** Modulo 2^128. */
function carriedOver(sums: Float64Array): Uint32Array {
  const words = new Uint32Array(SUM_WORDS)
  let carry = 0
  for (let word = 0; word < SUM_WORDS; word++) {
    const sum = (sums[word] ?? 0) + carry
    words[word] = sum
    carry = Math.floor(sum / 2 ** WORD_BITS)
  }
  return words
}

/** A sum as it is sent, the most significant byte first. Members compare thousands of them at a time. */
function bytesAt(cells: Uint32Array, at: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(CONTENTS_SUM_SIZE)
  for (let word = 0; word < SUM_WORDS; word++) bytes.writeUInt32BE(cells[at + SUM_WORDS - 1 - word] ?? 0, word * 4)
  return bytes
}

/** Which of the parts of a bucket an account is in. */
export function slotOfBytes(account: Buffer): number {
  return Math.floor((account[1] ?? 0) / CONTENTS_SLOTS)
}

/** The first bytes of BLAKE2b-256 over kind u8 | account 33 | id 33 | version 8 */
function fingerprintOf(item: ContentsItem): Buffer {
  const isRequest = item.kind === 'request'
  entryBytes[0] = isRequest ? 1 : 0
  entryBytes.set(item.account, 1)
  entryBytes.set(item.id, ID_AT)
  entryBytes.set(isRequest ? NO_VERSION : messageVersionOf(item), VERSION_AT)
  return asBuffer(blake2b256(entryBytes))
}
