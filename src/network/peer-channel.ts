import type { Stream } from '@libp2p/interface'
import type { DurationMs } from '../base/clock.ts'
import type { Frame, FrameHeader } from '../protocol/peer-api/frame.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ByteBudget } from './byte-budget.ts'
import { FrameStream, type StreamEnd } from './frame-stream.ts'
import type { ProtocolLimits } from './options.ts'

export interface PeerChannelComponents {
  /** Opens a stream to the peer. @throws {PeerRequestError} */
  openStream(): Promise<OpenedStream>
  onEnd(why: StreamEnd): void
  budget: ByteBudget
}

export interface OpenedStream {
  stream: Stream
  /** Ends the connection that it runs over: the peer does not answer any more although it is open. */
  endConnection(): void
}

export interface PeerChannelOptions extends ProtocolLimits {
  stallTimeoutMs: DurationMs
  unansweredMax: number
}

export interface RequestOptions {
  timeoutMs: DurationMs
  signal?: AbortSignal
}

interface Pending {
  readonly payload: Uint8Array
  /** Reasons to keep the payload: that someone waits, and that it is not written yet. */
  holds: number
  readonly timeoutMs: DurationMs
  resolve(payload: Uint8Array): void
  reject(error: unknown): void
  timer: NodeJS.Timeout
  /** Chunks received on the stream when this request was sent. */
  receivedBefore: number
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
}

const ID_MAX = 0xff_ff_ff_ff

/** Our requests to one peer in one protocol, all over one stream that is opened when first needed. */
export class PeerChannel {
  readonly #components: PeerChannelComponents
  readonly #options: PeerChannelOptions
  readonly #pending = new Map<number, Pending>()
  #stream: FrameStream | undefined
  #endConnection: () => void = () => {}
  #opening = false
  /** Requests that a stream has not taken yet, whether anyone still waits for them or not. */
  #unwritten = 0
  /** Size of the answer whose payload is still arriving: it holds its place already. */
  #arriving: number | undefined
  #lastId = 0
  #unanswered = 0

  constructor(components: PeerChannelComponents, options: PeerChannelOptions) {
    this.#components = components
    this.#options = options
  }

  get inFlight(): number {
    return this.#pending.size
  }

  /** @throws {PeerRequestError}, or the signal's reason */
  request(payload: Uint8Array, { timeoutMs, signal }: RequestOptions): Promise<Uint8Array> {
    if (payload.length > this.#options.payloadMaxBytes) {
      return reject('PEER_FAILED', 'The request is larger than its protocol allows')
    }
    // What a peer does not read piles up here even when nobody waits for it any more.
    const full = Math.max(this.#pending.size, this.#unwritten) >= this.#options.inFlightMax
    if (full || !this.#components.budget.take(payload.length)) {
      return reject('PEER_BUSY', 'Too many requests wait for this service node')
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId()
      const pending: Pending = {
        payload,
        holds: 1,
        timeoutMs: Math.max(1, Math.ceil(timeoutMs)),
        resolve,
        reject,
        timer: setTimeout(() => this.#timeOut(id), timeoutMs),
        receivedBefore: this.#stream?.received ?? 0,
        signal,
        onAbort: () => this.#cancel(id, signal?.reason),
      }
      this.#pending.set(id, pending)
      signal?.addEventListener('abort', pending.onAbort, { once: true })
      if (this.#stream !== undefined) this.#send(this.#stream, id, pending)
      else if (!this.#opening) this.#open()
    })
  }

  /** Fails what is pending; the next request opens a new stream. */
  abort(): void {
    if (this.#stream !== undefined) this.#stream.abort('closed')
    else this.#failAll(new PeerRequestError('PEER_UNREACHABLE', 'The connection was closed'))
  }

  #open(): void {
    this.#opening = true
    // The flag falls before anyone hears of the failure: who tries again at once must open anew.
    this.#components.openStream().then(
      (opened) => {
        this.#opening = false
        this.#opened(opened)
      },
      (error: unknown) => {
        this.#opening = false
        this.#failAll(error)
      },
    )
  }

  #opened({ stream, endConnection }: OpenedStream): void {
    if (this.#pending.size === 0) {
      stream.abort(new Error('Nobody waits for this stream any more'))
      return
    }
    const frames: FrameStream = new FrameStream(
      stream,
      {
        accept: (header) => this.#accept(header),
        deliver: (frame) => this.#deliver(frame),
        ended: (why) => this.#ended(why),
      },
      {
        sizeMax: this.#options.payloadMaxBytes,
        kinds: ['response', 'failure'],
        stallTimeoutMs: this.#options.stallTimeoutMs,
      },
    )
    this.#stream = frames
    this.#endConnection = endConnection
    for (const [id, pending] of this.#pending) this.#send(frames, id, pending)
  }

  #send(stream: FrameStream, id: number, pending: Pending): void {
    const { payload, timeoutMs } = pending
    pending.holds++
    this.#unwritten++
    stream.send({ kind: 'request', id, timeoutMs, payload }, () => {
      this.#unwritten--
      this.#letGo(pending)
    })
  }

  #letGo(pending: Pending): void {
    if (--pending.holds === 0) this.#components.budget.give(pending.payload.length)
  }

  /** Answers that nobody waits for any more are skipped; so are those that there is no memory for. */
  #accept({ kind, id, size }: FrameHeader): boolean {
    if (!this.#pending.has(id)) return false
    if (kind === 'failure') return true
    if (this.#components.budget.take(size)) {
      this.#arriving = size
      return true
    }
    this.#settle(id)?.reject(new PeerRequestError('PEER_BUSY', 'This node has no room for the answer'))
    return false
  }

  #deliver(frame: Frame): void {
    this.#releaseArriving()
    const pending = this.#settle(frame.id)
    this.#unanswered = 0
    if (frame.kind === 'response') pending?.resolve(frame.payload)
    if (frame.kind === 'failure') {
      const code = frame.code === 'busy' ? 'PEER_BUSY' : 'PEER_FAILED'
      pending?.reject(new PeerRequestError(code, `The service node answered: ${frame.code}`))
    }
  }

  #timeOut(id: number): void {
    const pending = this.#settle(id)
    if (pending === undefined) return
    pending.reject(new PeerRequestError('PEER_TIMEOUT', 'The service node did not answer in time'))
    const stream = this.#stream
    if (stream === undefined || stream.received !== pending.receivedBefore) return
    // A slow handler is no reason to break a stream; silence after several requests is.
    if (++this.#unanswered < this.#options.unansweredMax) return
    stream.abort('unanswered')
    this.#endConnection()
  }

  #cancel(id: number, reason: unknown): void {
    const pending = this.#settle(id)
    if (pending === undefined) return
    this.#stream?.send({ kind: 'cancel', id })
    pending.reject(reason)
  }

  #releaseArriving(): void {
    if (this.#arriving !== undefined) this.#components.budget.give(this.#arriving)
    this.#arriving = undefined
  }

  #ended(why: StreamEnd): void {
    this.#stream = undefined
    this.#releaseArriving()
    this.#unanswered = 0
    this.#failAll(new PeerRequestError('PEER_UNREACHABLE', 'The stream broke before an answer came'))
    this.#components.onEnd(why)
  }

  #failAll(error: unknown): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error)
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    this.#pending.delete(id)
    clearTimeout(pending.timer)
    pending.signal?.removeEventListener('abort', pending.onAbort)
    this.#letGo(pending)
    return pending
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === ID_MAX ? 1 : this.#lastId + 1
    while (this.#pending.has(this.#lastId))
    return this.#lastId
  }
}

function reject(code: 'PEER_BUSY' | 'PEER_FAILED', sentence: string): Promise<never> {
  return Promise.reject(new PeerRequestError(code, sentence))
}
