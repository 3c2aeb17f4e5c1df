import { assert } from './assert.ts'
import type { DurationMs } from './clock.ts'
import type { Logger } from './logger.ts'
import { systemTimers, type Timers } from './timers.ts'

export interface Periodic extends AsyncDisposable {
  /** Runs the task now (or joins the run under way) and settles with it. Rejects after disposal. */
  runNow(): Promise<void>
}

/**
 * Runs `task` every `intervalMs`, counted from the end of one run to the start of the next, so runs never overlap.
 * A task that throws is logged at warn with `sentence` and runs again next time. Disposal aborts the signal and
 * waits for the run under way.
 */
export function createPeriodic(
  { log, timers = systemTimers }: { log: Logger; timers?: Timers },
  options: { intervalMs: DurationMs; sentence: string },
  task: (signal: AbortSignal) => Promise<void>,
): Periodic {
  assert(options.intervalMs > 0, 'Without a pause between runs nothing else would run')
  const stop = new AbortController()
  let cancelTimer = () => {}
  let running: Promise<void> | undefined

  // A task that throws before its first wait rejects like any other.
  const attempt = async (signal: AbortSignal) => task(signal)

  const schedule = () => {
    if (stop.signal.aborted) return
    cancelTimer = timers.after(options.intervalMs, () => {
      runNow().catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn({ error }, options.sentence)
      })
    })
  }

  const runNow = (): Promise<void> => {
    if (running !== undefined) return running
    if (stop.signal.aborted) return Promise.reject(stop.signal.reason)
    cancelTimer()
    running = attempt(stop.signal).finally(() => {
      running = undefined
      schedule()
    })
    return running
  }

  schedule()
  return {
    runNow,
    async [Symbol.asyncDispose]() {
      stop.abort()
      cancelTimer()
      await running?.catch(() => {})
    },
  }
}
