import type { Clock, DurationMs } from '../base/clock.ts'
import type { RpcOptions } from './options.ts'

/** Buckets looked at for one that is full again, when a newcomer needs room. */
const EVICTIONS_TRIED = 8

/**
 * A token bucket for each address. A bucket is kept as the moment at which it will be full, and forgotten when it is:
 * a full bucket is the same as none. When all of them are in use a newcomer is refused, so memory is bounded.
 */
export class RateLimiter {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #addressesMax: number
  readonly #tokenMs: DurationMs
  readonly #bucketMs: DurationMs
  /** Address to the moment of being full, the least recently used first. */
  readonly #fullAtMs = new Map<string, DurationMs>()

  constructor(
    { clock }: { clock: Pick<Clock, 'monotonicMs'> },
    options: Pick<RpcOptions, 'rateBurst' | 'ratePerSecond' | 'rateAddressesMax'>,
  ) {
    this.#clock = clock
    this.#addressesMax = options.rateAddressesMax
    this.#tokenMs = 1000 / options.ratePerSecond
    this.#bucketMs = options.rateBurst * this.#tokenMs
  }

  /** Takes a token of this address. False when it has none left. */
  take(address: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const heldMs = this.#fullAtMs.get(address)
    if (heldMs === undefined && !this.#makeRoom(nowMs)) return false
    const fullAtMs = Math.max(heldMs ?? nowMs, nowMs) + this.#tokenMs
    // Half a token of slack keeps rounding from refusing the last token of a bucket.
    if (fullAtMs - nowMs > this.#bucketMs + this.#tokenMs / 2) return false
    this.#fullAtMs.delete(address)
    this.#fullAtMs.set(address, fullAtMs)
    return true
  }

  /** Takes more tokens of an address that has taken one; what it lacks, later requests wait for. */
  charge(address: string, tokens: number): void {
    const heldMs = this.#fullAtMs.get(address)
    if (heldMs === undefined || tokens === 0) return
    this.#fullAtMs.set(address, Math.max(heldMs, this.#clock.monotonicMs()) + tokens * this.#tokenMs)
  }

  #makeRoom(nowMs: DurationMs): boolean {
    let tried = 0
    for (const [address, fullAtMs] of this.#fullAtMs) {
      if (tried++ === EVICTIONS_TRIED) break
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(address)
    }
    return this.#fullAtMs.size < this.#addressesMax
  }
}
