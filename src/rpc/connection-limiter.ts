import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { RateLimiter } from '../base/rate-limiter.ts'
import { limitedAddress } from './client-address.ts'
import type { RpcMetrics } from './metrics.ts'
import type { RpcOptions } from './options.ts'

type ConnectionOptions = Pick<
  RpcOptions,
  'connectionsMax' | 'connectionsPerAddressMax' | 'connectionBurst' | 'connectionsPerSecond' | 'rateAddressesMax'
>

/**
 * Knows every open connection, from before its TLS handshake on, and closes those beyond the limits. When there are as many as may be,
 * whoever has most of them loses one to a newcomer, so that nobody keeps others out by opening many.
 */
export class ConnectionLimiter {
  readonly #metrics: RpcMetrics
  #options: ConnectionOptions
  readonly #rates: RateLimiter
  readonly #byAddress = new Map<string, Set<Duplex>>()
  #count = 0

  constructor(components: { metrics: RpcMetrics; clock: Pick<Clock, 'monotonicMs'> }, options: ConnectionOptions) {
    this.#metrics = components.metrics
    this.#options = options
    this.#rates = new RateLimiter(components, {
      burst: options.connectionBurst,
      perSecond: options.connectionsPerSecond,
      keysMax: options.rateAddressesMax,
      whenFull: 'refuse',
    })
  }

  /** False when it was closed. */
  accept(socket: Duplex): boolean {
    const address = limitedAddress(socket instanceof Socket ? socket.remoteAddress : undefined)
    const own = this.#byAddress.get(address)?.size ?? 0
    if (own >= this.#options.connectionsPerAddressMax || !this.#rates.take(address) || !this.#makeRoom(own)) {
      this.#reject(socket)
      return false
    }
    const same = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, same.add(socket))
    this.#setCount(this.#count + 1)
    socket.once('close', () => this.#forget(socket, address))
    return true
  }

  /** Connections that there are beyond the new limits stay. */
  setLimits(limits: Pick<ConnectionOptions, 'connectionsMax' | 'connectionsPerAddressMax'>): void {
    this.#options = { ...this.#options, ...limits }
  }

  closeAll(): void {
    for (const sockets of this.#byAddress.values()) for (const socket of sockets) socket.destroy()
  }

  /** False when there is none for a newcomer whose address has so many already. */
  #makeRoom(own: number): boolean {
    if (this.#count < this.#options.connectionsMax) return true
    let [largest, most] = ['', new Set<Duplex>()]
    for (const [address, sockets] of this.#byAddress) if (sockets.size > most.size) [largest, most] = [address, sockets]
    // With one less it must still have as many as the newcomer then has, or the two would take turns.
    const closed = most.size > own + 1 ? quietest(most) : undefined
    if (closed === undefined) return false
    this.#reject(closed)
    // Its end is told later, and more newcomers may be here before.
    this.#forget(closed, largest)
    return true
  }

  #reject(socket: Duplex): void {
    this.#metrics.rejected.inc({ reason: 'connections' })
    socket.destroy()
  }

  #forget(socket: Duplex, address: string): void {
    const same = this.#byAddress.get(address)
    if (same?.delete(socket) !== true) return
    if (same.size === 0) this.#byAddress.delete(address)
    this.#setCount(this.#count - 1)
  }

  #setCount(count: number): void {
    this.#count = count
    this.#metrics.connections.set(count)
  }
}

/** The connection that has brought the least: whoever floods says little on each, and honest clients say something. */
function quietest(sockets: ReadonlySet<Duplex>): Duplex | undefined {
  let [found, least]: [Duplex | undefined, number] = [undefined, Number.POSITIVE_INFINITY]
  for (const socket of sockets) {
    const bytes = socket instanceof Socket ? socket.bytesRead : 0
    if (bytes < least && !socket.destroyed) [found, least] = [socket, bytes]
  }
  return found
}
