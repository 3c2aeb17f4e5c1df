import type { Stream } from '@libp2p/interface'
import type { DurationMs } from '../base/clock.ts'
import type { FailureCode, Frame, FrameHeader } from '../protocol/peer-api/frame.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ByteBudget } from './byte-budget.ts'
import { FrameStream, type StreamEnd } from './frame-stream.ts'
import type { HandlingOutcome } from './metrics.ts'
import type { ProtocolLimits } from './options.ts'

export interface PeerSessionComponents {
  /** Answers one request; what it rejects with becomes a failure. */
  handle(payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
  /** Whether the peer may ask at this moment: it may have ceased to be a member. */
  mayAsk(): boolean
  /** Requests under way from this peer in this protocol, over all its streams. */
  underWay: { count: number }
  budget: ByteBudget
  onHandled(outcome: HandlingOutcome): void
  onEnd(why: StreamEnd): void
}

export interface PeerSessionOptions extends ProtocolLimits {
  stallTimeoutMs: DurationMs
}

/** No hop waits longer, so a peer that claims to is not given more. */
const HANDLING_MAX_MS = 60_000

/** Frames that may wait for a peer that does not read; beyond it refusals are not sent, for asking costs it nothing. */
export const UNREAD_MAX = 128

/** One peer's requests to us over one stream: a bounded number is worked on at once, the rest is answered busy. */
export class PeerSession {
  readonly #components: PeerSessionComponents
  readonly #options: PeerSessionOptions
  readonly #stream: FrameStream
  readonly #handling = new Map<number, AbortController>()
  /** Size of the request whose payload is still arriving: it holds its place already. */
  #arriving: number | undefined

  constructor(stream: Stream, components: PeerSessionComponents, options: PeerSessionOptions) {
    this.#components = components
    this.#options = options
    this.#stream = new FrameStream(
      stream,
      {
        accept: (header) => this.#accept(header),
        deliver: (frame) => this.#deliver(frame),
        ended: (why) => this.#ended(why),
      },
      { sizeMax: options.payloadMaxBytes, kinds: ['request', 'cancel'], stallTimeoutMs: options.stallTimeoutMs },
    )
  }

  abort(): void {
    this.#stream.abort('closed')
  }

  #accept({ kind, id, size }: FrameHeader): boolean {
    if (kind === 'cancel') return true
    if (!this.#components.mayAsk()) return this.#refuse(id, 'refused')
    const full = this.#components.underWay.count >= this.#options.handlersMax
    if (full || this.#handling.has(id) || !this.#components.budget.take(size)) return this.#refuse(id, 'busy')
    this.#components.underWay.count++
    this.#arriving = size
    return true
  }

  #refuse(id: number, code: 'busy' | 'refused'): false {
    this.#components.onHandled(code)
    if (this.#stream.unwritten < UNREAD_MAX) this.#stream.send({ kind: 'failure', id, code })
    return false
  }

  #deliver(frame: Frame): void {
    if (frame.kind === 'cancel') this.#handling.get(frame.id)?.abort()
    if (frame.kind !== 'request') return
    this.#arriving = undefined
    const control = new AbortController()
    const timer = setTimeout(() => control.abort(), Math.min(frame.timeoutMs, HANDLING_MAX_MS))
    this.#handling.set(frame.id, control)
    this.#components
      .handle(frame.payload, control.signal)
      .then(
        (payload) => this.#answer(frame.id, payload),
        (error: unknown) => this.#fail(frame.id, error),
      )
      .finally(() => {
        clearTimeout(timer)
        this.#handling.delete(frame.id)
        this.#release(frame.payload.length)
      })
  }

  #answer(id: number, payload: Uint8Array): void {
    const { budget, onHandled } = this.#components
    if (payload.length > this.#options.payloadMaxBytes) this.#sendFailure(id, 'failed')
    else if (!budget.take(payload.length)) this.#sendFailure(id, 'busy')
    else {
      onHandled('answered')
      this.#stream.send({ kind: 'response', id, payload }, () => budget.give(payload.length))
    }
  }

  /** A handler that is itself overloaded says so with PEER_BUSY. */
  #fail(id: number, error: unknown): void {
    const busy = error instanceof PeerRequestError && error.code === 'PEER_BUSY'
    this.#sendFailure(id, busy ? 'busy' : 'failed')
  }

  #sendFailure(id: number, code: FailureCode): void {
    this.#components.onHandled(code)
    this.#stream.send({ kind: 'failure', id, code })
  }

  #release(size: number): void {
    this.#components.underWay.count--
    this.#components.budget.give(size)
  }

  /** Work under way goes on until its handler notices the signal; its place is free only then. */
  #ended(why: StreamEnd): void {
    if (this.#arriving !== undefined) this.#release(this.#arriving)
    this.#arriving = undefined
    for (const control of this.#handling.values()) control.abort()
    this.#components.onEnd(why)
  }
}
