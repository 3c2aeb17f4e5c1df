import type { Clock, DurationMs } from './clock.ts'

/** How fast something may happen: tokens in a full bucket, and how many come back. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface RateLimiterOptions extends Rate {
  /** Buckets remembered. */
  readonly keysMax: number
  /**
   * What happens to a newcomer when all of them are in use: it is refused, or the bucket that was used the longest ago is forgotten, which
   * fills it.
   */
  readonly whenFull: 'refuse' | 'forget'
  /** A key owes so many full buckets at most, where others may share it; without a bound when it is left out. */
  readonly debtMaxBuckets?: number
}

/** Buckets looked at for one that is full again, when a newcomer needs room. */
const EVICTIONS_TRIED = 8

/**
 * A token bucket for each key, such as an address. A bucket is kept as the moment at which it will be full, and forgotten
 * when it is: a full bucket is the same as none. Memory is bounded by the number of buckets.
 */
export class RateLimiter {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #keysMax: number
  readonly #refusesWhenFull: boolean
  readonly #debtMaxBuckets: number
  #tokenMs: DurationMs
  #bucketMs: DurationMs
  /** Key to the moment of being full, the least recently used first. */
  readonly #fullAtMs = new Map<string, DurationMs>()
  /** Where the search for full buckets goes on: were it to begin anew each time, a few that stay empty for long would end it. */
  #search = this.#fullAtMs.entries()

  constructor({ clock }: { clock: Pick<Clock, 'monotonicMs'> }, options: RateLimiterOptions) {
    this.#clock = clock
    this.#keysMax = options.keysMax
    this.#debtMaxBuckets = options.debtMaxBuckets ?? Number.POSITIVE_INFINITY
    this.#refusesWhenFull = options.whenFull === 'refuse'
    this.#tokenMs = 1000 / options.perSecond
    this.#bucketMs = options.burst * this.#tokenMs
  }

  /** From now on; what a key has used up it gets back in the time that it would have taken before. */
  setRate({ burst, perSecond }: Rate): void {
    this.#tokenMs = 1000 / perSecond
    this.#bucketMs = burst * this.#tokenMs
  }

  /** Takes a token of this key. False when it has none left. */
  take(key: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const heldMs = this.#fullAtMs.get(key)
    if (heldMs === undefined && !this.#makeRoom(nowMs)) return false
    if (this.#lackMs(heldMs, nowMs) > 0) return false
    this.#fullAtMs.delete(key)
    this.#fullAtMs.set(key, Math.max(heldMs ?? nowMs, nowMs) + this.#tokenMs)
    return true
  }

  /** How long a key that was refused has to wait for its next token. */
  waitMs(key: string): DurationMs {
    const heldMs = this.#fullAtMs.get(key)
    if (heldMs === undefined) return this.#tokenMs
    return Math.max(0, this.#lackMs(heldMs, this.#clock.monotonicMs()))
  }

  /** Takes more tokens of a key that has taken one; what it lacks, later requests wait for, within bounds. */
  charge(key: string, tokens: number): void {
    const heldMs = this.#fullAtMs.get(key)
    if (heldMs === undefined || tokens <= 0) return
    const nowMs = this.#clock.monotonicMs()
    const latestMs = Math.max(heldMs, nowMs + (1 + this.#debtMaxBuckets) * this.#bucketMs)
    this.#fullAtMs.set(key, Math.min(latestMs, Math.max(heldMs, nowMs) + tokens * this.#tokenMs))
  }

  /** Takes as many of these tokens as a key has that has taken one. */
  drain(key: string, tokens: number): void {
    const heldMs = this.#fullAtMs.get(key)
    if (heldMs === undefined || tokens <= 0) return
    const nowMs = this.#clock.monotonicMs()
    const emptyMs = Math.max(heldMs, nowMs + this.#bucketMs)
    this.#fullAtMs.set(key, Math.min(emptyMs, Math.max(heldMs, nowMs) + tokens * this.#tokenMs))
  }

  /** Time until there is a token; none or less when there is one. Half a token of slack keeps rounding from refusing the last one. */
  #lackMs(heldMs: DurationMs | undefined, nowMs: DurationMs): DurationMs {
    return Math.max(heldMs ?? nowMs, nowMs) + this.#tokenMs / 2 - nowMs - this.#bucketMs
  }

  #makeRoom(nowMs: DurationMs): boolean {
    for (let tried = 0; tried < EVICTIONS_TRIED; tried++) {
      const next = this.#search.next()
      if (next.done) this.#search = this.#fullAtMs.entries()
      else if (next.value[1] <= nowMs) this.#fullAtMs.delete(next.value[0])
    }
    if (this.#fullAtMs.size < this.#keysMax) return true
    if (this.#refusesWhenFull) return false
    const oldest = this.#fullAtMs.keys().next()
    if (!oldest.done) this.#fullAtMs.delete(oldest.value)
    return true
  }
}

/** Value of a `Retry-After` header: whole seconds, one at least. */
export function retryAfterSeconds(waitMs: DurationMs): number {
  return Math.max(1, Math.ceil(waitMs / 1000))
}
