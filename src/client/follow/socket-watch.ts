import { type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import { raceSignal, withDeadline } from '../../base/deadline.ts'
import { MONITOR_ERROR } from '../../protocol/client-api/monitor-error.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJsonText } from '../../protocol/json.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import { ClientError } from '../errors.ts'
import type { NetworkClock } from '../network-clock.ts'
import type { ReachableNode } from '../reachable-node.ts'
import type { SwarmDirectory } from '../swarm-directory.ts'
import type { WebSocketLike } from '../transport.ts'
import type { MemberWatch, OpenWatch, Watched } from './member-watch.ts'
import { monitorParams } from './monitor-params.ts'

export interface SocketWatchComponents {
  readonly openWebSocket: (url: string) => WebSocketLike
  readonly swarms: SwarmDirectory
  readonly clock: NetworkClock
}

export interface SocketWatchOptions {
  /** Time to connect and be answered. */
  readonly openTimeoutMs: DurationMs
  /** Time between two renewals: four of them fit into a lease. */
  readonly renewMs: DurationMs
}

export const defaultSocketWatchOptions: SocketWatchOptions = { openTimeoutMs: 10 * SECOND, renewMs: 15 * MINUTE }

/** Connects to the member itself and is told. What it says is a hint to ask, so nothing rests on its certificate. */
export function createSocketWatch(components: SocketWatchComponents, options: SocketWatchOptions): OpenWatch {
  return async (member, watched, signal) => {
    const socket = components.openWebSocket(`wss://${member.ip}:${member.httpsPort}/monitor/v1`)
    const watch = new SocketWatch(socket, member, watched, components)
    try {
      await watch.subscribe(withDeadline(options.openTimeoutMs, signal))
    } catch (error) {
      await watch[Symbol.asyncDispose]()
      signal.throwIfAborted()
      throw error instanceof ClientError ? error : unavailable(error)
    }
    watch.renewEvery(options.renewMs)
    return watch
  }
}

class SocketWatch implements MemberWatch {
  readonly #socket: WebSocketLike
  readonly #member: ReachableNode
  readonly #watched: Watched
  readonly #components: SocketWatchComponents
  readonly #opened = Promise.withResolvers<void>()
  /** Settles with the first subscription's answer. */
  readonly #subscribed = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<never>()
  readonly #news = new Set<Namespace>()
  #onNews: () => void = () => {}
  #renewal: ReturnType<typeof setInterval> | undefined

  constructor(socket: WebSocketLike, member: ReachableNode, watched: Watched, components: SocketWatchComponents) {
    this.#socket = socket
    this.#member = member
    this.#watched = watched
    this.#components = components
    // Waited for by whoever comes first; nobody need be there.
    this.#ended.promise.catch(() => {})
    socket.addEventListener('open', () => this.#opened.resolve())
    socket.addEventListener('message', ({ data }) => this.#receive(data))
    socket.addEventListener('error', () => this.#end(unavailable()))
    socket.addEventListener('close', () => this.#end(new ClientError('TRANSPORT_FAILED', 'The connection was closed')))
  }

  async subscribe(signal: AbortSignal): Promise<void> {
    await raceSignal(Promise.race([this.#opened.promise, this.#ended.promise]), signal)
    this.#send()
    await raceSignal(Promise.race([this.#subscribed.promise, this.#ended.promise]), signal)
  }

  renewEvery(renewMs: DurationMs): void {
    this.#renewal = setInterval(() => this.#send(), renewMs)
  }

  async next(maxMs: DurationMs, signal: AbortSignal): Promise<readonly Namespace[]> {
    if (this.#news.size === 0) {
      const deadline = withDeadline(maxMs, signal)
      const told = new Promise<void>((resolve) => {
        this.#onNews = resolve
      })
      try {
        await raceSignal(Promise.race([told, this.#ended.promise]), deadline)
      } catch (error) {
        signal.throwIfAborted()
        if (!deadline.aborted) throw error
      }
    }
    const news = this.#watched.namespaces.filter((namespace) => this.#news.has(namespace))
    this.#news.clear()
    return news
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal)
    this.#socket.close()
  }

  #send(): void {
    const { signer, namespaces } = this.#watched
    this.#socket.send(JSON.stringify(monitorParams(signer, namespaces, this.#components.clock.nowMs())))
  }

  #receive(data: unknown): void {
    const frame = typeof data === 'string' ? parsed(data) : undefined
    if (!isJsonObject(frame)) return void this.#end(invalid())
    if (frame['errcode'] !== undefined) return void this.#refused(frame)
    if (frame['success'] !== undefined) return void this.#subscribed.resolve()
    const namespace = this.#watched.namespaces.find((each) => each === frame['n'])
    if (frame['@'] !== this.#watched.signer.id || namespace === undefined) return
    this.#news.add(namespace)
    this.#onNews()
  }

  /** A request was, or what was granted has ended. */
  #refused({ errcode, swarm }: JsonObject): void {
    if (errcode !== MONITOR_ERROR.wrongSwarm) return void this.#end(unavailable())
    this.#components.swarms.correct(this.#watched.signer.id, this.#member.key, swarm ?? null)
    this.#end(new ClientError('SWARM_UNAVAILABLE', 'Other nodes keep the messages of this account now'))
  }

  #end(error: ClientError): void {
    this.#ended.reject(error)
    this.#socket.close()
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return parseJsonText(text)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function invalid(): ClientError {
  return new ClientError('ANSWER_INVALID', 'The node tells of new messages in a way that is not understood')
}

function unavailable(cause?: unknown): ClientError {
  return new ClientError('MONITOR_UNAVAILABLE', 'The node does not tell of new messages now', { cause })
}
