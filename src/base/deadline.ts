import { type DurationMs, TIMER_MAX_MS } from './clock.ts'

/**
 * A signal that aborts after `ms`, or with `parent` if that is sooner. What is left of a deadline may be a fraction or less than
 * nothing, which is no time at all.
 */
export function withDeadline(ms: DurationMs, parent?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(Math.min(TIMER_MAX_MS, Math.max(0, Math.ceil(ms))))
  return parent === undefined ? timeout : AbortSignal.any([parent, timeout])
}

/** Settles as `promise` does, unless `signal` aborts first: then rejects with its reason. The work itself goes on. */
export function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
