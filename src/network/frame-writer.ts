import type { DurationMs } from '../base/clock.ts'
import { type Frame, framePieces, frameSize, payloadOf, writeFrame } from '../protocol/peer-api/frame.ts'

/** Frames are gathered up to this size for one write: with yamux's header of 12 bytes, it fills one Noise message. */
const BATCH_BYTES = 65_519 - 12

/** What a writer needs of a libp2p stream. */
export interface FrameTarget {
  /** False when it wants no more until its event `drain`. */
  send(bytes: Uint8Array): boolean
  addEventListener(type: 'drain', listener: () => void): void
  removeEventListener(type: 'drain', listener: () => void): void
}

interface QueuedFrame {
  readonly frame: Frame
  /** Called once the frame's bytes are with libp2p, or will never be. */
  readonly done: () => void
}

/**
 * Writes frames to one stream. Frames sent within one turn of the microtask queue go out in one write, since each write
 * costs an encryption, a header and a system call. When the stream is full it waits for `drain`.
 */
export class FrameWriter {
  readonly #stream: FrameTarget
  readonly #stallTimeoutMs: DurationMs
  readonly #onStall: () => void
  #queue: QueuedFrame[] = []
  /** Pieces of the batch being written that are not with libp2p, and the frames in it. */
  #pieces: Uint8Array[] = []
  #inBatch: QueuedFrame[] = []
  #scheduled = false
  /** Whether libp2p takes nothing until it says `drain`. */
  #blocked = false
  #drains = 0
  #watch: NodeJS.Timeout | undefined
  /** Frames that were ever queued, and those of them that are with libp2p. */
  #queued = 0
  #written = 0
  #closed = false

  constructor(stream: FrameTarget, options: { stallTimeoutMs: DurationMs; onStall: () => void }) {
    this.#stream = stream
    this.#stallTimeoutMs = options.stallTimeoutMs
    this.#onStall = options.onStall
    stream.addEventListener('drain', this.#drained)
  }

  send(frame: Frame, done: () => void = () => {}): void {
    if (this.#closed) {
      done()
      return
    }
    this.#queue.push({ frame, done })
    this.#queued++
    if (this.#scheduled || this.#blocked) return
    this.#scheduled = true
    queueMicrotask(this.#flush)
  }

  /** Frames that are not with libp2p yet. */
  get unwritten(): number {
    return this.#queued - this.#written
  }

  /** Drops what is queued; the stream itself is the caller's. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#watch)
    this.#stream.removeEventListener('drain', this.#drained)
    const dropped = [...this.#inBatch, ...this.#queue]
    this.#inBatch = []
    this.#queue = []
    for (const { done } of dropped) done()
  }

  readonly #drained = () => {
    if (!this.#blocked || this.#closed) return
    this.#blocked = false
    this.#drains++
    // The stream's own listener writes what it holds back in a microtask of its own, before this one.
    this.#scheduled = true
    queueMicrotask(this.#flush)
  }

  readonly #flush = () => {
    this.#scheduled = false
    while (!this.#closed && (this.#pieces.length > 0 || this.#fillBatch())) {
      const piece = this.#pieces.shift()
      if (piece === undefined) return
      const more = this.#write(piece)
      if (this.#pieces.length === 0) this.#finishBatch()
      if (!more) return
    }
  }

  #finishBatch(): void {
    const written = this.#inBatch
    this.#inBatch = []
    this.#written += written.length
    for (const { done } of written) done()
  }

  /**
   * What is queued when the stream is full must be with libp2p in time. A drop now and then is not enough: the queue of a peer that
   * reads less than it is sent would only grow.
   */
  #watchProgress(): void {
    if (this.#watch !== undefined) return
    const [queued, drains] = [this.#queued, this.#drains]
    this.#watch = setTimeout(() => {
      this.#watch = undefined
      if (this.#written < queued || this.#drains === drains) this.#onStall()
      else if (this.#blocked) this.#watchProgress()
    }, this.#stallTimeoutMs)
    this.#watch.unref()
  }

  /** False when nothing more can be written now. */
  #write(bytes: Uint8Array): boolean {
    try {
      if (this.#stream.send(bytes)) return true
      this.#blocked = true
      this.#watchProgress()
    } catch {
      // The stream has ended; its `close` event tells everyone who waits.
    }
    return false
  }

  /** Takes as many whole frames as fit one write, or one frame of any size. False when none is queued. */
  #fillBatch(): boolean {
    let size = 0
    let count = 0
    for (const { frame } of this.#queue) {
      const next = size + frameSize(payloadOf(frame).length)
      if (size > 0 && next > BATCH_BYTES) break
      size = next
      count++
    }
    if (count === 0) return false

    this.#inBatch = this.#queue.splice(0, count)
    const [first] = this.#inBatch
    if (first !== undefined && size > BATCH_BYTES) {
      this.#pieces = framePieces(first.frame, BATCH_BYTES)
      return true
    }
    const batch = Buffer.allocUnsafe(size)
    let at = 0
    for (const { frame } of this.#inBatch) at = writeFrame(batch, at, frame)
    this.#pieces = [batch]
    return true
  }
}
