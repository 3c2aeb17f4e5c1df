import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../../base/logger.ts'
import type { RateLimiter } from '../../base/rate-limiter.ts'
import { AddressCounts } from '../address-counts.ts'
import { limitedAddress } from '../client-address.ts'
import { reportFailure } from '../error-response.ts'
import { MemoryBudget } from '../memory-budget.ts'
import type { RejectReason, RpcMetrics } from '../metrics.ts'
import { MonitorConnection } from './connection.ts'
import type { Monitor } from './monitor.ts'
import type { MonitorOptions } from './options.ts'

/** Where WebSockets for subscriptions are opened. */
export const MONITOR_PATH = '/monitor/v1'

/** What the endpoint needs of the monitor. */
export type MonitorService = Pick<Monitor, 'subscribe' | 'leave' | 'countOf' | 'isReady' | 'stop'>

export interface MonitorEndpointComponents {
  readonly log: Logger
  readonly metrics: RpcMetrics
  readonly monitor: MonitorService
  /** Whether this node has more to do than it can. */
  readonly overload: { readonly isOverloaded: boolean }
  /** Of requests, by address. */
  readonly rates: RateLimiter
  /** Of refusals, by address. */
  readonly freeRates: RateLimiter
}

interface Refusal {
  readonly status: number
  readonly text: string
  readonly reason: RejectReason
}

/** Pieces of one frame: clients send it whole, and each piece takes a hundred bytes besides its own. */
const FRAME_PIECES_MAX = 64
/** Pieces in which a frame may arrive: no network cuts it smaller. */
const FRAME_CHUNKS_MAX = 1024

/** Opens and closes WebSockets. Any origin is taken: what is asked is signed, and no cookie speaks for anybody. */
export class MonitorEndpoint {
  readonly #components: MonitorEndpointComponents
  #options: MonitorOptions
  readonly #sockets: WebSocketServer
  readonly #outgoing: MemoryBudget
  readonly #connections = new Set<MonitorConnection>()
  readonly #byAddress = new AddressCounts()
  readonly #heartbeat: NodeJS.Timeout
  #isStopped = false

  constructor(components: MonitorEndpointComponents, options: MonitorOptions) {
    this.#components = components
    this.#options = options
    this.#outgoing = new MemoryBudget(options.outgoingMaxBytes)
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: options.frameMaxBytes,
      maxFragments: FRAME_PIECES_MAX,
      maxBufferedChunks: FRAME_CHUNKS_MAX,
      // It takes memory for each connection, and what is sent is ciphertext.
      perMessageDeflate: false,
      autoPong: false,
    })
    this.#heartbeat = setInterval(() => this.beat(), options.heartbeatMs).unref()
  }

  /** Whether a request asks for a WebSocket here. Any other that wishes for an upgrade is answered as if it did not. */
  isFor({ method, url, headers }: IncomingMessage): boolean {
    return method === 'GET' && url?.split('?')[0] === MONITOR_PATH && headers.upgrade?.toLowerCase() === 'websocket'
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {})
    const address = limitedAddress(request.socket.remoteAddress)
    const refusal = this.#refusal(address)
    if (refusal !== undefined) return void this.#refuse(socket, refusal)
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, address))
  }

  /** Connections that there are beyond the new limits stay. */
  setLimits(limits: Pick<MonitorOptions, 'connectionsMax' | 'connectionsPerAddressMax'>): void {
    this.#options = { ...this.#options, ...limits }
  }

  /** Done every heartbeat. */
  beat(): void {
    for (const connection of this.#connections) connection.heartbeat()
  }

  /** Takes leave of every client. */
  stop(): void {
    this.#isStopped = true
    clearInterval(this.#heartbeat)
    for (const connection of this.#connections) connection.goAway()
    this.#components.monitor.stop()
  }

  #refusal(address: string): Refusal | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.#options
    const { monitor, overload, rates } = this.#components
    if (!rates.take(address)) return { status: 429, text: 'Too Many Requests\n', reason: 'rate' }
    if (this.#byAddress.of(address) >= connectionsPerAddressMax) {
      return { status: 429, text: 'Too many subscribers\n', reason: 'connections' }
    }
    if (overload.isOverloaded) return { status: 503, text: BUSY, reason: 'busy' }
    if (this.#connections.size >= connectionsMax) return { status: 503, text: BUSY, reason: 'connections' }
    if (this.#isStopped || !monitor.isReady()) {
      return { status: 503, text: 'Service node is not ready', reason: 'not_ready' }
    }
    return undefined
  }

  #refuse(socket: Duplex, { status, text, reason }: Refusal): void {
    this.#components.metrics.rejected.inc({ reason })
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain',
      `Content-Length: ${text.length}`,
      'Retry-After: 1',
    ]
    socket.once('finish', () => socket.destroy())
    socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
  }

  #open(socket: WebSocket, address: string): void {
    const { log, metrics } = this.#components
    const onFailure = (error: unknown) => void reportFailure({ log, metrics }, error)
    const components = { ...this.#components, metrics: metrics.monitor, outgoing: this.#outgoing, onFailure }
    const connection = new MonitorConnection(socket, address, components, this.#options)
    this.#connections.add(connection)
    this.#byAddress.add(address)
    this.#report()
    socket.once('close', () => {
      this.#connections.delete(connection)
      this.#byAddress.remove(address)
      this.#report()
    })
  }

  #report(): void {
    this.#components.metrics.monitor.connections.set(this.#connections.size)
  }
}

const BUSY = 'Server busy, try again later'
