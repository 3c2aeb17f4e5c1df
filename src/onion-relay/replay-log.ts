import { type FileHandle, open, readFile, unlink } from 'node:fs/promises'
import { asBuffer, bytesEqual, concat, utf8 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { REPLAY_TAG_SIZE } from '../protocol/onion/encryption.ts'

// The tags of one replay window on disk, in the order in which they came. The format never changes; another one would get
// another magic.
//
//   file :=
//     magic:   "STRLRPL1"
//     startMs: uint64 big-endian   // Unix milliseconds
//     tags:    uint8[8] each       // up to the end; a torn last one is ignored

const MAGIC = utf8('STRLRPL1')
const HEAD_SIZE = 16

export interface ReplayLogContent {
  readonly startMs: TimestampMs
  readonly tags: readonly Uint8Array[]
}

/** What a file holds, or undefined when it is not a replay log. */
export async function readReplayLog(path: string): Promise<ReplayLogContent | undefined> {
  const bytes = await readFile(path)
  if (bytes.length < HEAD_SIZE || !bytesEqual(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined
  const tags: Uint8Array[] = []
  for (let end = HEAD_SIZE + REPLAY_TAG_SIZE; end <= bytes.length; end += REPLAY_TAG_SIZE) {
    tags.push(bytes.subarray(end - REPLAY_TAG_SIZE, end))
  }
  return { startMs: Number(bytes.readBigUInt64BE(MAGIC.length)), tags }
}

/** Where a log's file begins: a new one, or one that is there with this many tags. */
export type ReplayLogStart = { readonly startMs: TimestampMs } | { readonly tagCount: number }

/**
 * Appends tags to a file. Those that come while a write is under way go together into the next one. A write reaches the
 * operating system, which survives the end of this process but not a power cut: an fsync for each request would cost more
 * than what it protects.
 */
export class ReplayLog implements AsyncDisposable {
  readonly #path: string
  readonly #onFailure: (error: unknown) => void
  #file: FileHandle | undefined
  /** Where the next tag goes. After a failed write it stays, so that tags never lie at odd places. */
  #position = HEAD_SIZE
  #pending: Uint8Array[] = []
  /** The write that will take what is pending. */
  #next: Promise<void> | undefined
  /** Settles when everything given so far was tried. */
  #done: Promise<void>

  constructor(path: string, start: ReplayLogStart, onFailure: (error: unknown) => void) {
    this.#path = path
    this.#onFailure = onFailure
    this.#done = this.#try(() => this.#begin(start))
  }

  /** Settles when the tag has been written, or when that has failed and been reported. */
  append(tag: Uint8Array): Promise<void> {
    this.#pending.push(tag)
    this.#next ??= this.#done.then(() => this.#try(() => this.#write()))
    this.#done = this.#next
    return this.#next
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]()
    await this.#try(() => unlink(this.#path))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#done
    await this.#file?.close()
    this.#file = undefined
  }

  async #begin(start: ReplayLogStart): Promise<void> {
    if ('tagCount' in start) {
      this.#position = HEAD_SIZE + start.tagCount * REPLAY_TAG_SIZE
      this.#file = await open(this.#path, 'r+')
      return
    }
    const head = Buffer.alloc(HEAD_SIZE)
    head.set(MAGIC)
    head.writeBigUInt64BE(BigInt(start.startMs), MAGIC.length)
    this.#file = await open(this.#path, 'w', 0o600)
    await writeWhole(this.#file, head, 0)
  }

  async #write(): Promise<void> {
    this.#next = undefined
    const bytes = concat(...this.#pending)
    this.#pending = []
    if (this.#file === undefined) throw new Error('The file of replay tags is not open')
    await writeWhole(this.#file, bytes, this.#position)
    this.#position += bytes.length
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#onFailure(error)
    }
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  const { bytesWritten } = await file.write(asBuffer(bytes), 0, bytes.length, position)
  if (bytesWritten !== bytes.length) throw new Error('The disk took only a part of a write')
}
