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
    let total = 0n
    for (const [bucket, cells] of this.#buckets) if (bucket >= fromBucket) total += sumAt(cells, TOTAL_AT)
    return bytesOf(BigInt.asUintN(CONTENTS_SUM_SIZE * 8, total))
  }

  buckets(fromBucket: number): ReadonlyMap<number, Uint8Array> {
    const from = [...this.#buckets].filter(([bucket]) => bucket >= fromBucket).sort(([a], [b]) => a - b)
    return new Map(from.map(([bucket, cells]) => [bucket, bytesOf(sumAt(cells, TOTAL_AT))]))
  }

  slots(bucket: number): readonly Uint8Array[] {
    const cells = this.#buckets.get(bucket) ?? new Uint32Array(CELLS_SIZE)
    return Array.from({ length: CONTENTS_SLOTS }, (_, slot) => bytesOf(sumAt(cells, slot * SUM_WORDS)))
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

function sumAt(cells: Uint32Array, at: number): bigint {
  let sum = 0n
  for (let word = SUM_WORDS - 1; word >= 0; word--) sum = (sum << BigInt(WORD_BITS)) | BigInt(cells[at + word] ?? 0)
  return sum
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

function bytesOf(sum: bigint): Uint8Array {
  const bytes = Buffer.alloc(CONTENTS_SUM_SIZE)
  bytes.writeBigUInt64BE(sum >> 64n)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, sum), 8)
  return bytes
}
