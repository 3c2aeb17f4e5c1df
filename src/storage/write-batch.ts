import type { TimestampMs } from '../base/clock.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { encodeTotals, type Totals } from './counters-codec.ts'
import type { Database } from './database.ts'
import { type ExpiryReference, encodeExpiryEntry } from './expiry-entry.ts'
import { expiryKey, TOTALS_KEY } from './keys.ts'
import type { MessageState } from './replay.ts'

export interface Write {
  key: Buffer
  /** Undefined deletes the key. */
  value: Buffer | undefined
}

/** Something that members compare, as it stands in keys. */
export type ContentsItem =
  | ({ readonly kind: 'message'; readonly account: Buffer; readonly id: Buffer } & MessageState)
  | { readonly kind: 'request'; readonly account: Buffer; readonly id: Buffer; readonly expiryMs: TimestampMs }

/** What comes (1) or goes (-1) with a batch. */
export interface ItemChange {
  readonly by: 1 | -1
  readonly item: ContentsItem
}

/** Something that records can be read from at once, by key and the string that stands for it in Maps. */
export interface RecordReader {
  get(key: Buffer, id: string): Buffer | undefined
}

/**
 * Changes that are to reach the disk together. Whoever reads through it sees them already, over those of the batch that
 * is being written (`below`), over the database.
 */
export class WriteBatch implements RecordReader {
  readonly #writes = new Map<string, Write>()
  readonly #expiring = new Map<number, ExpiryReference[]>()
  readonly #items: ItemChange[] = []
  #below: RecordReader
  /** Counters as they are once this batch is written. */
  readonly totals: Totals
  #bytes = 0

  constructor(below: RecordReader, totals: Totals) {
    this.#below = below
    this.totals = { ...totals }
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0
  }

  get records(): number {
    return this.#writes.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: Buffer, id: string = idOf(key)): Buffer | undefined {
    const write = this.#writes.get(id)
    return write === undefined ? this.#below.get(key, id) : write.value
  }

  writes(): Iterable<[id: string, write: Write]> {
    return this.#writes
  }

  put(key: Buffer, value: Buffer): void {
    this.#writes.set(idOf(key), { key, value })
    this.#bytes += key.length + value.length
  }

  delete(key: Buffer): void {
    this.#writes.set(idOf(key), { key, value: undefined })
    this.#bytes += key.length
  }

  /** Names a message in the expiry index of this batch. */
  indexExpiry(bucket: number, reference: ExpiryReference): void {
    const references = this.#expiring.get(bucket)
    if (references === undefined) this.#expiring.set(bucket, [reference])
    else references.push(reference)
  }

  /** Takes note of what comes or goes, for the sums. */
  noteItem(by: ItemChange['by'], item: ContentsItem): void {
    this.#items.push({ by, item })
  }

  get items(): readonly ItemChange[] {
    return this.#items
  }

  /** A sequence number larger than any before. */
  takeSequence(): number {
    return this.totals.nextSequence++
  }

  /** Keeps the greatest stamp, so that a restart gives none that is smaller. */
  noteStamp(stamp: OperationStamp): void {
    this.totals.newestStamp = Math.max(this.totals.newestStamp, stamp)
  }

  /** What lies below has been written, so from now on it is read from `below`. */
  rebase(below: RecordReader): void {
    this.#below = below
  }

  /** Adds the records that there is one of for each batch. Nothing may be added after it. */
  seal(): void {
    for (const [bucket, references] of this.#expiring) {
      this.put(expiryKey(bucket, this.takeSequence()), encodeExpiryEntry(references))
    }
    this.put(TOTALS_KEY, encodeTotals(this.totals))
  }

  /** Writes everything atomically, and resolves when the disk has it. */
  write(database: Database): Promise<void> {
    const batch = database.batch()
    for (const { key, value } of this.#writes.values()) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    return batch.write({ sync: true })
  }
}

/** A string can be looked up in a Map, bytes cannot. */
function idOf(key: Buffer): string {
  return key.toString('latin1')
}
