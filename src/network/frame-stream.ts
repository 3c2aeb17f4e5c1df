import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { DurationMs } from '../base/clock.ts'
import { type Frame, FrameDecoder, type FrameDecoderOptions, type FrameSink } from '../protocol/peer-api/frame.ts'
import { FrameWriter } from './frame-writer.ts'

/** Why a stream ended. */
export type StreamEnd = 'closed' | 'protocol' | 'stalled' | 'unanswered'

export interface FrameStreamEvents extends FrameSink {
  /** Called once. */
  ended(why: StreamEnd): void
}

/** A libp2p stream that carries frames both ways until either side breaks it. */
export class FrameStream {
  readonly #stream: Stream
  readonly #decoder: FrameDecoder
  readonly #writer: FrameWriter
  readonly #events: FrameStreamEvents
  readonly #stallTimeoutMs: DurationMs
  #frameTimer: NodeJS.Timeout | undefined
  /** Number of the frame that the timer is for. */
  #watchedFrame = 0
  #ended = false
  /** Counts chunks, so that a caller can tell whether anything came since. */
  received = 0

  constructor(
    stream: Stream,
    events: FrameStreamEvents,
    options: FrameDecoderOptions & { stallTimeoutMs: DurationMs },
  ) {
    this.#stream = stream
    this.#events = events
    this.#stallTimeoutMs = options.stallTimeoutMs
    this.#decoder = new FrameDecoder(events, options)
    this.#writer = new FrameWriter(stream, {
      stallTimeoutMs: options.stallTimeoutMs,
      onStall: () => this.abort('stalled'),
    })
    stream.addEventListener('message', this.#received)
    stream.addEventListener('close', this.#closed)
    stream.addEventListener('remoteCloseWrite', this.#closed)
    // libp2p does not repeat events that came before the listener.
    if (stream.status !== 'open') queueMicrotask(this.#closed)
  }

  send(frame: Frame, done?: () => void): void {
    this.#writer.send(frame, done)
  }

  /** Frames that wait for the peer to read. */
  get unwritten(): number {
    return this.#writer.unwritten
  }

  abort(why: StreamEnd): void {
    if (this.#ended) return
    this.#end(why)
    this.#stream.abort(new Error(`Stream ${why}`))
  }

  readonly #received = ({ data }: StreamMessageEvent) => {
    this.received++
    try {
      for (const chunk of data instanceof Uint8Array ? [data] : data) {
        this.#decoder.push(chunk)
        // A frame that was delivered may have made someone end this stream.
        if (this.#ended) return
      }
    } catch {
      return this.abort('protocol')
    }
    this.#watchFrame()
  }

  readonly #closed = () => {
    if (this.#ended) return
    this.#end('closed')
    if (this.#stream.status === 'open') this.#stream.abort(new Error('The other side ended the stream'))
  }

  /** A frame, once begun, must become complete in time: what it takes of the budget must come back. */
  #watchFrame(): void {
    if (!this.#decoder.midFrame) {
      clearTimeout(this.#frameTimer)
      this.#frameTimer = undefined
    } else if (this.#frameTimer === undefined) {
      this.#frameTimer = setTimeout(() => this.abort('stalled'), this.#stallTimeoutMs)
      this.#frameTimer.unref()
    } else if (this.#watchedFrame !== this.#decoder.completed) {
      this.#frameTimer.refresh()
    }
    this.#watchedFrame = this.#decoder.completed
  }

  #end(why: StreamEnd): void {
    this.#ended = true
    clearTimeout(this.#frameTimer)
    this.#stream.removeEventListener('message', this.#received)
    this.#stream.removeEventListener('close', this.#closed)
    this.#stream.removeEventListener('remoteCloseWrite', this.#closed)
    this.#writer.close()
    this.#events.ended(why)
  }
}
