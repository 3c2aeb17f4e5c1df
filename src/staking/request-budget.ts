import type { Clock, DurationMs } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import type { Rate } from '../base/rate-limiter.ts'

export interface RequestBudgetComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Passes time; a test passes its own clock's. */
  readonly pause: (ms: DurationMs, signal: AbortSignal) => Promise<void>
}

/**
 * How much one provider is asked: a token bucket in front of which requests wait their turn instead of failing. Who waits is bounded by
 * the readers of the chain, each of which has a few requests under way and a deadline.
 */
export class RequestBudget {
  readonly #components: RequestBudgetComponents
  readonly #rate: Rate
  #tokens: number
  #countedAtMs: DurationMs
  /** The last one in the queue. */
  #turn: Promise<void> = Promise.resolve()

  constructor(components: RequestBudgetComponents, rate: Rate) {
    this.#components = components
    this.#rate = rate
    this.#tokens = rate.burst
    this.#countedAtMs = components.clock.monotonicMs()
  }

  /** Takes a token, when it has come to the caller's turn. Returns whether that took a wait; rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<boolean> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await raceSignal(before, signal)
      return await this.#takeNext(signal)
    } finally {
      // Who gave up in the queue must not let those behind it overtake those before it.
      before.then(resolve)
    }
  }

  /** What may be asked at once. */
  left(): number {
    return Math.max(0, Math.floor(this.#refilled()))
  }

  /** Ends the burst: a provider has said that it was too much. */
  drain(): void {
    this.#tokens = Math.min(0, this.#refilled())
  }

  async #takeNext(signal: AbortSignal): Promise<boolean> {
    let waited = false
    while (this.#refilled() < 1) {
      waited = true
      await this.#components.pause(Math.ceil(((1 - this.#tokens) * 1000) / this.#rate.perSecond), signal)
    }
    this.#tokens -= 1
    return waited
  }

  #refilled(): number {
    const nowMs = this.#components.clock.monotonicMs()
    const gained = (Math.max(0, nowMs - this.#countedAtMs) / 1000) * this.#rate.perSecond
    this.#countedAtMs = nowMs
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained)
    return this.#tokens
  }
}
