import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, DurationMs } from '../base/clock.ts'
import { raceSignal, withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import { RateLimiter, retryAfterSeconds } from '../base/rate-limiter.ts'
import { AddressCounts } from './address-counts.ts'
import { followCertificate, loadCertificate, TLS_MIN_VERSION } from './certificate-files.ts'
import { limitedAddress } from './client-address.ts'
import { ConnectionLimiter } from './connection-limiter.ts'
import { crossOriginHeaders, isPreflight, PREFLIGHT_ROUTE } from './cross-origin.ts'
import { refusalOf, reportFailure } from './error-response.ts'
import { RpcError, type RpcErrorCode } from './errors.ts'
import {
  createFixedAnswers,
  createRoutes,
  type HttpAnswer,
  type Route,
  type RouteCall,
  type RouteComponents,
  textAnswer,
} from './https-routes.ts'
import { type Listeners, listen } from './listeners.ts'
import { MemoryBudget } from './memory-budget.ts'
import type { RejectReason, RpcMetrics } from './metrics.ts'
import { MonitorEndpoint, type MonitorService } from './monitor/endpoint.ts'
import type { RpcOptions } from './options.ts'
import { BodyReader } from './request-body.ts'

export interface HttpsServerComponents extends RouteComponents {
  readonly rpc: RouteComponents['rpc'] & { readonly monitor: MonitorService }
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: RpcMetrics
  /** Whether this node has more to do than it can. */
  readonly overload: { readonly isOverloaded: boolean }
}

/** What a running server takes anew. */
export interface ClientLimits
  extends Pick<RpcOptions, 'connectionsMax' | 'connectionsPerAddressMax' | 'rateBurst' | 'ratePerSecond'> {
  readonly monitor: Pick<RpcOptions['monitor'], 'connectionsMax' | 'connectionsPerAddressMax'>
}

export interface HttpsServer extends AsyncDisposable {
  /** The port that it listens on. */
  readonly port: number
  /** Takes other limits. Nobody who is connected is turned away for them. */
  setLimits(limits: ClientLimits): void
}

/** Opens the clients' entry. Disposal stops accepting, lets requests under way finish, and then closes what is left. */
export async function startHttpsServer(components: HttpsServerComponents, options: RpcOptions): Promise<HttpsServer> {
  const certificate = await loadCertificate(options, components)
  const entry = new HttpsEntry(components, options)
  const server = createServer(
    {
      ...certificate,
      minVersion: TLS_MIN_VERSION,
      handshakeTimeout: options.handshakeTimeoutMs,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: options.keepAliveMs,
      // How often the two timeouts above are looked at, so they may be late by as much.
      connectionsCheckingInterval: Math.min(1000, options.headersTimeoutMs),
      maxHeaderSize: options.headersMaxBytes,
      noDelay: true,
      // Only these connections become WebSockets; whoever wishes for anything else is answered as usual.
      shouldUpgradeCallback: (request) => entry.isWebSocket(request),
    },
    (request, response) => entry.handle(request, response),
  )
  // Node leaves out what is beyond this and says nothing. With one more than there may be, it is seen.
  server.maxHeadersCount = options.headersMax + 1
  server.timeout = options.idleTimeoutMs
  entry.attach(server)
  const listeners = await listen({ server, admit: (socket) => entry.admit(socket) }, options)
  const { port } = listeners
  components.log.info({ port }, 'The HTTPS server listens')
  const following = followCertificate(server, certificate, components, options)
  return {
    port,
    setLimits: (limits) => entry.setLimits(limits),
    async [Symbol.asyncDispose]() {
      await following[Symbol.asyncDispose]()
      await entry.stop(server, listeners)
    },
  }
}

/** Which refusals count as rejections, and under which name. */
const REJECTIONS: Partial<Record<RpcErrorCode, RejectReason>> = {
  BODY_TOO_LARGE: 'body_too_large',
  BODY_INCOMPLETE: 'slow',
  SERVER_BUSY: 'busy',
}

/** Memory of an answer that has not been taken, besides its body. */
const ANSWER_OVERHEAD_BYTES = 4096
/** Whoever shares the address of somebody who asked for much waits twenty seconds at most. */
const DEBT_MAX_BUCKETS = 10
/** What TLS has made of a body waits beside it. */
const UNTAKEN_FACTOR = 2

class HttpsEntry {
  readonly #components: HttpsServerComponents
  readonly #options: RpcOptions
  readonly #routes: ReadonlyMap<string, Route>
  readonly #fixedAnswers: ReadonlyMap<string, HttpAnswer>
  readonly #rates: RateLimiter
  /** Of pings and refusals. */
  readonly #freeRates: RateLimiter
  /** Requests under way. */
  readonly #byAddress = new AddressCounts()
  readonly #connections: ConnectionLimiter
  readonly #bodies: BodyReader
  /** Answers that clients have not taken yet. */
  readonly #answers: MemoryBudget
  readonly #monitor: MonitorEndpoint
  readonly #stopping = new AbortController()
  readonly #serverName: string
  #inFlight = 0
  #onIdle: () => void = () => {}
  #isDraining = false

  constructor(components: HttpsServerComponents, options: RpcOptions) {
    this.#components = components
    this.#options = options
    this.#routes = createRoutes(components)
    this.#fixedAnswers = createFixedAnswers(components)
    const { rateAddressesMax, rateBurst, ratePerSecond } = options
    const limits = {
      burst: rateBurst,
      perSecond: ratePerSecond,
      keysMax: rateAddressesMax,
      whenFull: 'refuse',
      debtMaxBuckets: DEBT_MAX_BUCKETS,
    } as const
    this.#rates = new RateLimiter(components, limits)
    this.#freeRates = new RateLimiter(components, {
      burst: options.freeBurst,
      perSecond: options.freePerSecond,
      keysMax: rateAddressesMax,
      whenFull: 'refuse',
    })
    const monitorParts = {
      ...components,
      monitor: components.rpc.monitor,
      rates: this.#rates,
      freeRates: this.#freeRates,
    }
    this.#monitor = new MonitorEndpoint(monitorParts, options.monitor)
    this.#connections = new ConnectionLimiter(components, options)
    this.#bodies = new BodyReader(options)
    this.#answers = new MemoryBudget(options.answersMaxBytes)
    this.#serverName = `Starling/${components.info.version.join('.')}`
  }

  attach(server: Server): void {
    server.on('tlsClientError', (_error, socket) => {
      this.#reject('tls')
      socket.destroy()
    })
    server.on('upgrade', (request, socket, head) => this.#monitor.upgrade(request, socket, head))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuseMalformed(error, socket))
  }

  /** Closes a connection that is too many. */
  admit(socket: Socket): boolean {
    return this.#connections.accept(socket)
  }

  isWebSocket(request: IncomingMessage): boolean {
    return this.#monitor.isFor(request)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#setInFlight(this.#inFlight + 1)
    try {
      this.#send(request, response, await this.#answer(request, response))
    } catch (error) {
      reportFailure(this.#components, error)
      response.destroy()
    } finally {
      this.#setInFlight(this.#inFlight - 1)
    }
  }

  setLimits(limits: ClientLimits): void {
    this.#rates.setRate({ burst: limits.rateBurst, perSecond: limits.ratePerSecond })
    this.#connections.setLimits(limits)
    this.#monitor.setLimits(limits.monitor)
  }

  async stop(server: Server, listeners: Listeners): Promise<void> {
    this.#isDraining = true
    this.#monitor.stop()
    const closed = listeners.close()
    // It listens nowhere, which it says, but it lets go of connections that are idle.
    server.close(() => {})
    server.closeIdleConnections()
    const finished = Promise.all([closed, this.#answered()])
    await raceSignal(finished, withDeadline(this.#options.drainMs)).catch(() => {})
    this.#stopping.abort(new RpcError('SERVER_BUSY', 'The server stops'))
    this.#connections.closeAll()
    // What requests use is closed next, so those whose client is gone already are waited for too.
    await raceSignal(finished, withDeadline(this.#options.abortMs)).catch(() => {})
  }

  /** Settles once no request is under way. */
  #answered(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      if (this.#inFlight === 0) resolve()
    })
  }

  /** Never rejects. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer> {
    try {
      // Names and values are in one list.
      if (request.rawHeaders.length / 2 > this.#options.headersMax)
        return textAnswer(431, 'Too many headers', 'malformed')
      const path = request.url?.split('?')[0]
      const name = `${request.method} ${path}`
      const route = isPreflight(request) && this.#routes.has(`POST ${path}`) ? PREFLIGHT_ROUTE : this.#routes.get(name)
      if (route !== undefined) return await this.#runRoute(route, request, response)
      return this.#fixedAnswers.get(name) ?? notFound(request)
    } catch (error) {
      return this.#failed(error)
    }
  }

  async #runRoute(route: Route, request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer> {
    const address = limitedAddress(request.socket.remoteAddress)
    const refusal = this.#refusalBeforeBody(address, request)
    if (refusal !== undefined) return refusal
    const gone = new AbortController()
    const leave = () => gone.abort(new RpcError('BODY_INCOMPLETE', 'The client is gone'))
    response.once('close', leave)
    this.#byAddress.add(address)
    try {
      const client = { address, gone: gone.signal }
      const answer = await this.#bodies.use(request, (body) => this.#ask(route, request, body, client))
      this.#rates.charge(address, this.#costBesides(answer))
      return answer
    } finally {
      this.#byAddress.remove(address)
      response.off('close', leave)
    }
  }

  /** A small request may have an answer that costs as much as a hundred others, and a batch is as much work as what is in it. */
  #costBesides({ body, requests = 1 }: HttpAnswer): number {
    return requests - 1 + Math.floor(body.length / this.#options.rateAnswerBytes)
  }

  #ask(
    route: Route,
    { headers }: IncomingMessage,
    body: Uint8Array,
    { address, gone }: Pick<RouteCall, 'address' | 'gone'>,
  ): Promise<HttpAnswer> {
    this.#components.metrics.receivedBytes.add(body.length)
    const stopping = this.#stopping.signal
    return route.answer({ address, body, headers, stopping, gone: AbortSignal.any([stopping, gone]) })
  }

  #refusalBeforeBody(address: string, { headers }: IncomingMessage): HttpAnswer | undefined {
    const { requestsFairPerAddress, requestsMax, requestsPerAddressMax } = this.#options
    if (this.#byAddress.of(address) >= requestsPerAddressMax) return tooManyRequests(0)
    if (!this.#rates.take(address)) return tooManyRequests(this.#rates.waitMs(address))
    if (this.#components.overload.isOverloaded) return textAnswer(503, 'Server busy, try again later', 'overload')
    const isGreedy = this.#byAddress.of(address) >= requestsFairPerAddress
    if (this.#inFlight > requestsMax && isGreedy) return textAnswer(503, 'Server busy, try again later', 'busy')
    const encoding = headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity') return textAnswer(415, 'Compressed request bodies are not accepted', 'encoding')
    return undefined
  }

  #failed(error: unknown): HttpAnswer {
    const refusal = refusalOf(error)
    if (refusal !== undefined) {
      return textAnswer(refusal.status, refusal.body, error instanceof RpcError ? REJECTIONS[error.code] : undefined)
    }
    const { status, body } = reportFailure(this.#components, error)
    return textAnswer(status, body)
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
    if (answer.rejected !== undefined) this.#reject(answer.rejected)
    if (response.destroyed || request.socket.destroyed) return
    // What costs an address nothing costs this node something: a flood of it ends with its connection, which has a rate too.
    const isFree = answer.isFree === true || answer.rejected !== undefined
    if (isFree && !this.#freeRates.take(limitedAddress(request.socket.remoteAddress))) {
      this.#reject('rate')
      request.socket.destroy()
      return
    }
    const share = this.#answers.open(() => response.destroy())
    response.once('close', () => share[Symbol.dispose]())
    share.take(ANSWER_OVERHEAD_BYTES + UNTAKEN_FACTOR * answer.body.length)
    if (response.destroyed) return
    this.#components.metrics.sentBytes.add(answer.body.length)
    response.setHeader('Server', this.#serverName)
    response.setHeader('Content-Type', answer.contentType)
    response.setHeader('Content-Length', answer.body.length)
    const headers = { ...crossOriginHeaders(request), ...retryHeader(answer.status), ...answer.headers }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    // A body that was not read to its end cannot be followed by another request.
    if (this.#isDraining || !request.complete) response.setHeader('Connection', 'close')
    response.writeHead(isFinalStatus(answer.status) ? answer.status : 500).end(answer.body)
  }

  #refuseMalformed({ code }: NodeJS.ErrnoException, socket: Duplex): void {
    // What goes wrong before there is HTTP is told once more, as an error of TLS.
    const isHttp = code?.startsWith('HPE_') === true || code?.startsWith('ERR_HTTP_') === true
    if (!isHttp || !socket.writable) return void socket.destroy()
    const status = code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
    this.#reject(status === 408 ? 'slow' : 'malformed')
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }

  #reject(reason: RejectReason): void {
    this.#components.metrics.rejected.inc({ reason })
  }

  #setInFlight(count: number): void {
    this.#inFlight = count
    this.#components.metrics.requestsInFlight.set(count)
    if (count === 0) this.#onIdle()
  }
}

/** A status that came from another hop may be any number. */
function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599
}

/** What is overloaded may have room in a moment; what is full has it when messages have ended and were swept. */
const RETRY_SECONDS: ReadonlyMap<number, number> = new Map([
  [503, 1],
  [507, 60],
])

/** How long the client should wait before it tries again, where the answer does not say. */
function retryHeader(status: number): Readonly<Record<string, string>> {
  const seconds = RETRY_SECONDS.get(status)
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) }
}

function tooManyRequests(waitMs: DurationMs): HttpAnswer {
  const headers = { 'Retry-After': String(retryAfterSeconds(waitMs)) }
  return { ...textAnswer(429, 'Too Many Requests\n', 'rate'), headers }
}

function notFound({ method, url }: IncomingMessage): HttpAnswer {
  return textAnswer(404, `${method} ${url} Not Found`, 'unknown_url')
}
