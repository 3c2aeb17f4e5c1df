import type { RawData, WebSocket } from 'ws'
import { CodedError } from '../../base/coded-error.ts'
import type { RateLimiter } from '../../base/rate-limiter.ts'
import type { MonitorAnswer, MonitorEnd } from '../../protocol/client-api/monitor.ts'
import { MONITOR_ERROR } from '../../protocol/client-api/monitor-error.ts'
import {
  decodeMonitorFrame,
  encodeMonitorAnswers,
  encodeMonitorEnd,
  type MonitorForm,
} from '../../protocol/client-api/monitor-frame.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { MonitorMetrics } from './metrics.ts'
import type { Monitor } from './monitor.ts'
import type { Notification } from './notification.ts'
import type { MonitorOptions } from './options.ts'
import { refusedAnswer } from './refusal.ts'
import type { Subscriber } from './subscriptions.ts'

export interface ConnectionComponents {
  readonly metrics: Pick<MonitorMetrics, 'notifications'>
  readonly monitor: Pick<Monitor, 'subscribe' | 'leave' | 'countOf' | 'isReady'>
  readonly rates: Pick<RateLimiter, 'take' | 'charge'>
  /** Of refusals. */
  readonly freeRates: Pick<RateLimiter, 'take'>
  /** Told of a bug. */
  readonly onFailure: (error: unknown) => void
  /** What all connections have not taken yet. */
  readonly outgoing: MemoryBudget
}

type ConnectionOptions = Pick<MonitorOptions, 'outgoingPerConnectionMaxBytes' | 'emptyHeartbeatsMax'>

/** Codes of RFC 6455 7.4.1 with which connections are closed. */
const CLOSE = { normal: 1000, goingAway: 1001, failed: 1011, tryAgainLater: 1013 } as const
/** A client that does not take its leave within this is left. */
const LEAVE_MS = 1_000
/** What a frame takes besides its bytes, until it is taken. */
const FRAME_OVERHEAD_BYTES = 256

/** One client's WebSocket: subscriptions come in, notifications go out. */
export class MonitorConnection implements Subscriber {
  readonly address: string
  readonly #socket: WebSocket
  readonly #components: ConnectionComponents
  readonly #options: ConnectionOptions
  #hasAnsweredPing = true
  #emptyHeartbeats = 0

  constructor(socket: WebSocket, address: string, components: ConnectionComponents, options: ConnectionOptions) {
    this.address = address
    this.#socket = socket
    this.#components = components
    this.#options = options
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary ? 'bencode' : 'json'))
    socket.on('pong', () => {
      this.#hasAnsweredPing = true
    })
    // Each costs an answer, so they are counted like requests.
    socket.on('ping', (data) => (this.#components.rates.take(address) ? socket.pong(data) : socket.terminate()))
    // A frame that is no WebSocket's, or too large, closes the connection; nobody here needs to know why.
    socket.on('error', () => {})
    socket.once('close', () => this.#components.monitor.leave(this))
  }

  notify(notification: Notification, withData: boolean, form: MonitorForm): void {
    const isSent = this.#send(notification.frame(withData, form), form)
    this.#components.metrics.notifications.inc({ outcome: isSent ? 'sent' : 'slow' })
  }

  end(end: MonitorEnd, form: MonitorForm): void {
    this.#send(encodeMonitorEnd(end, form), form)
  }

  overflow(): void {
    this.#components.monitor.leave(this)
    this.#close(CLOSE.tryAgainLater, 'Too much to tell at once')
  }

  /** The server stops. */
  goAway(): void {
    this.#close(CLOSE.goingAway, 'The server stops')
  }

  /** Whoever watches nothing needs no connection, and whoever did not answer the last ping is gone. */
  heartbeat(): void {
    this.#emptyHeartbeats = this.#components.monitor.countOf(this) === 0 ? this.#emptyHeartbeats + 1 : 0
    if (this.#emptyHeartbeats >= this.#options.emptyHeartbeatsMax)
      return void this.#close(CLOSE.normal, 'No subscription')
    if (!this.#hasAnsweredPing) return void this.#socket.terminate()
    this.#hasAnsweredPing = false
    this.#socket.ping()
  }

  #receive(data: RawData, form: MonitorForm): void {
    const { rates } = this.#components
    if (!rates.take(this.address)) return void this.#refuseOneMore(form)
    if (!Buffer.isBuffer(data)) return
    try {
      const { dictionaries, isList } = decodeMonitorFrame(data, form)
      rates.charge(this.address, dictionaries.length - 1)
      this.#answer(
        dictionaries.map((fields) => this.#subscribe(fields, form)),
        isList,
        form,
      )
    } catch (error) {
      this.#refuse(error, form)
    }
  }

  /** A refusal costs this node something too: a flood of them ends with the connection. */
  #refuseOneMore(form: MonitorForm): void {
    if (this.#components.freeRates.take(this.address)) return void this.#answer([TOO_MANY], false, form)
    this.#socket.terminate()
  }

  /** A failure that nobody foresaw costs the client its connection, and not the node its life. */
  #refuse(error: unknown, form: MonitorForm): void {
    if (error instanceof CodedError) return void this.#answer([refusedAnswer(error)], false, form)
    this.#components.onFailure(error)
    this.#close(CLOSE.failed, 'The node failed')
  }

  #subscribe(fields: Parameters<Monitor['subscribe']>[1], form: MonitorForm): MonitorAnswer {
    if (!this.#components.monitor.isReady()) return NOT_READY
    return this.#components.monitor.subscribe(this, fields, form)
  }

  #answer(answers: readonly MonitorAnswer[], isList: boolean, form: MonitorForm): void {
    this.#send(encodeMonitorAnswers(answers, isList, form), form)
  }

  /** False when the client does not take what it is sent; its connection is closed then. */
  #send(frame: Uint8Array, form: MonitorForm): boolean {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return false
    if (socket.bufferedAmount + frame.length > this.#options.outgoingPerConnectionMaxBytes) {
      socket.terminate()
      return false
    }
    const share = this.#components.outgoing.open(() => socket.terminate())
    share.take(frame.length + FRAME_OVERHEAD_BYTES)
    socket.send(frame, { binary: form === 'bencode' }, () => share[Symbol.dispose]())
    return true
  }

  #close(code: number, reason: string): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    socket.close(code, reason)
    const timer = setTimeout(() => socket.terminate(), LEAVE_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}

const TOO_MANY: MonitorAnswer = { errcode: MONITOR_ERROR.busy, error: 'Too many requests, try again later' }
const NOT_READY: MonitorAnswer = { errcode: MONITOR_ERROR.busy, error: 'Service node is not ready, try again later' }
