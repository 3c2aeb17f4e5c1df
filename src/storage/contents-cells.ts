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

interface Cells {
  /** Over all slots. */
  total: bigint
  readonly slots: bigint[]
}

const SUM_BITS = CONTENTS_SUM_SIZE * 8
const ID_AT = 1 + ACCOUNT_ID_SIZE
const VERSION_AT = ID_AT + CONTENTS_ID_SIZE
const NO_VERSION = new Uint8Array(CONTENTS_VERSION_SIZE)
/** Each fingerprint is made from what is written here, for there are as many as there are messages. */
const entryBytes = Buffer.alloc(VERSION_AT + CONTENTS_VERSION_SIZE)

export class ContentsCells implements ContentsSums {
  readonly #buckets = new Map<number, Cells>()

  apply({ by, item }: ItemChange): void {
    const bucket = expiryBucket(item.expiryMs)
    const cells = this.#buckets.get(bucket) ?? { total: 0n, slots: Array.from({ length: CONTENTS_SLOTS }, () => 0n) }
    const slot = slotOfBytes(item.account)
    const fingerprint = fingerprintOf(item)
    const change = by > 0 ? fingerprint : -fingerprint
    cells.total = BigInt.asUintN(SUM_BITS, cells.total + change)
    cells.slots[slot] = BigInt.asUintN(SUM_BITS, (cells.slots[slot] ?? 0n) + change)
    if (cells.total === 0n && cells.slots.every((sum) => sum === 0n)) this.#buckets.delete(bucket)
    else this.#buckets.set(bucket, cells)
  }

  total(fromBucket: number): Uint8Array {
    let total = 0n
    for (const [bucket, cells] of this.#buckets) if (bucket >= fromBucket) total += cells.total
    return bytesOf(BigInt.asUintN(SUM_BITS, total))
  }

  buckets(fromBucket: number): ReadonlyMap<number, Uint8Array> {
    const from = [...this.#buckets].filter(([bucket]) => bucket >= fromBucket).sort(([a], [b]) => a - b)
    return new Map(from.map(([bucket, { total }]) => [bucket, bytesOf(total)]))
  }

  slots(bucket: number): readonly Uint8Array[] {
    const slots = this.#buckets.get(bucket)?.slots ?? Array.from({ length: CONTENTS_SLOTS }, () => 0n)
    return slots.map(bytesOf)
  }
}

/** Which of the parts of a bucket an account is in. */
export function slotOfBytes(account: Buffer): number {
  return Math.floor((account[1] ?? 0) / CONTENTS_SLOTS)
}

/** The first bytes of BLAKE2b-256 over kind u8 | account 33 | id 33 | version 8 */
function fingerprintOf(item: ContentsItem): bigint {
  const isRequest = item.kind === 'request'
  entryBytes[0] = isRequest ? 1 : 0
  entryBytes.set(item.account, 1)
  entryBytes.set(item.id, ID_AT)
  entryBytes.set(isRequest ? NO_VERSION : messageVersionOf(item), VERSION_AT)
  const digest = asBuffer(blake2b256(entryBytes))
  return (digest.readBigUInt64BE(0) << 64n) | digest.readBigUInt64BE(8)
}

function bytesOf(sum: bigint): Uint8Array {
  const bytes = Buffer.alloc(CONTENTS_SUM_SIZE)
  bytes.writeBigUInt64BE(sum >> 64n)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, sum), 8)
  return bytes
}
