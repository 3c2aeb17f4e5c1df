import { type DurationMs, TIMER_MAX_MS } from './clock.ts'
import { withDeadline } from './deadline.ts'

/** The only source of waits for what a simulation runs in a time of its own. */
export interface Timers {
  /** Calls back once after `ms`; the result takes that back. A wait keeps no process alive. */
  after(ms: DurationMs, callback: () => void): () => void
  /** A signal that aborts after `ms`, or with `parent` if that is sooner. */
  deadline(ms: DurationMs, parent?: AbortSignal): AbortSignal
}

export const systemTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(TIMER_MAX_MS, Math.max(0, ms)))
    timer.unref()
    return () => clearTimeout(timer)
  },
  deadline: withDeadline,
}
