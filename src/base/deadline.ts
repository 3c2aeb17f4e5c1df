import type { DurationMs } from './clock.ts'

/** A signal that aborts after `ms`, or with `parent` if that is sooner. */
export function withDeadline(ms: DurationMs, parent?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(ms)
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
