import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

/** A guard must not be able to keep a client waiting: whatever it says, it is asked again after this. */
const REST_MAX_MS: DurationMs = 5 * SECOND

/** Guards that take no more requests for a moment, by their own word (429 with Retry-After). */
export class GuardRests {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #untilMs = new Map<ServiceNodeKey, DurationMs>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** `retryAfter` is the header's text. Only whole seconds are read; a date would say what the guard thinks the time is. */
  rest(guard: ServiceNodeKey, retryAfter: string | undefined): void {
    const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0
    const restMs = Math.min(seconds * SECOND, REST_MAX_MS)
    if (restMs > 0) this.#untilMs.set(guard, this.#clock.monotonicMs() + restMs)
  }

  /** How long a guard wants to be left alone yet; 0 when it takes requests. */
  restMs(guard: ServiceNodeKey): DurationMs {
    const leftMs = (this.#untilMs.get(guard) ?? 0) - this.#clock.monotonicMs()
    if (leftMs > 0) return leftMs
    this.#untilMs.delete(guard)
    return 0
  }
}
