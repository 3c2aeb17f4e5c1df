import type { DurationMs } from './clock.ts'
import type { Logger } from './logger.ts'

export interface Periodic extends AsyncDisposable {
  /** Runs the task now (or joins the run under way) and settles with it. */
  runNow(): Promise<void>
}

/**
 * Runs `task` every `intervalMs`, counted from the end of one run to the start of the next, so runs never overlap.
 * A task that throws is logged at warn with `sentence` and runs again next time. Disposal aborts the signal and
 * waits for the run under way.
 */
export function createPeriodic(
  { log }: { log: Logger },
  options: { intervalMs: DurationMs; sentence: string },
  task: (signal: AbortSignal) => Promise<void>,
): Periodic {
  const stop = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  const schedule = () => {
    if (stop.signal.aborted) return
    timer = setTimeout(() => {
      runNow().catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn({ error }, options.sentence)
      })
    }, options.intervalMs)
    timer.unref()
  }

  const runNow = (): Promise<void> => {
    if (running !== undefined) return running
    clearTimeout(timer)
    running = task(stop.signal).finally(() => {
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
      clearTimeout(timer)
      await running?.catch(() => {})
    },
  }
}
