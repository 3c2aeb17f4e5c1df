import type { DurationMs } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'

/** A wait that something may end before its time. */
export class Pause {
  readonly #timers: Timers
  #end: (() => void) | undefined

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Settles after this time, when it is ended, or when the signal aborts; the caller looks at the signal. */
  async for(ms: DurationMs, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#end = resolve
    const cancel = this.#timers.after(ms, resolve)
    signal.addEventListener('abort', resolve as () => void, { once: true })
    await promise
    cancel()
    signal.removeEventListener('abort', resolve as () => void)
    this.#end = undefined
  }

  /** Ends the pause under way, if there is one. */
  end(): void {
    this.#end?.()
  }
}
