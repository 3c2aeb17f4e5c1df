import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { RateLimiter } from '../base/rate-limiter.ts'
import { AddressCounts } from './address-counts.ts'
import { limitedAddress } from './client-address.ts'
import type { RpcMetrics } from './metrics.ts'
import type { RpcOptions } from './options.ts'

type ConnectionOptions = Pick<
  RpcOptions,
  'connectionsMax' | 'connectionsPerAddressMax' | 'connectionBurst' | 'connectionsPerSecond' | 'rateAddressesMax'
>

/** Knows every open connection, from before its TLS handshake on, and closes those beyond the limits. */
export class ConnectionLimiter {
  readonly #metrics: RpcMetrics
  readonly #options: ConnectionOptions
  readonly #rates: RateLimiter
  readonly #open = new Set<Duplex>()
  readonly #byAddress = new AddressCounts()

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

  accept(socket: Duplex): void {
    const address = limitedAddress(socket instanceof Socket ? socket.remoteAddress : undefined)
    const { connectionsMax, connectionsPerAddressMax } = this.#options
    const isFull = this.#open.size >= connectionsMax || this.#byAddress.of(address) >= connectionsPerAddressMax
    if (isFull || !this.#rates.take(address)) {
      this.#metrics.rejected.inc({ reason: 'connections' })
      socket.destroy()
      return
    }
    this.#open.add(socket)
    this.#byAddress.add(address)
    this.#metrics.connections.set(this.#open.size)
    socket.once('close', () => this.#forget(socket, address))
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #forget(socket: Duplex, address: string): void {
    this.#open.delete(socket)
    this.#byAddress.remove(address)
    this.#metrics.connections.set(this.#open.size)
  }
}
