import { type Clock, type DurationMs, MINUTE, SECOND } from '../base/clock.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { HealthReason } from './health.ts'

export interface LivenessComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timers?: Timers
  /** Reads anything from the message database. */
  readonly read: () => Promise<unknown>
}

export interface LivenessOptions {
  /** From one read to the next. */
  readonly intervalMs: DurationMs
  /** A read that takes longer will not end: a disk that is slow, or busy with a compaction, is back long before. */
  readonly silenceMaxMs: DurationMs
}

export const defaultLivenessOptions: LivenessOptions = { intervalMs: 10 * SECOND, silenceMaxMs: 2 * MINUTE }

export interface Liveness extends Disposable {
  /** Why this process does nothing any more, and another one in its place might; empty while it lives. */
  reasons(): readonly HealthReason[]
}

/**
 * Judges whether the process makes progress, and nothing else: what a new process would find as this one does (a chain that is away, a
 * disk that is full, no stake) is no reason to end this one. Whoever asks is answered by the event loop, so that is tested by asking.
 */
export function watchLiveness(
  { clock, timers = systemTimers, read }: LivenessComponents,
  { intervalMs, silenceMaxMs }: LivenessOptions,
): Liveness {
  let cancel = () => {}
  let askedMs: number | undefined
  let isDisposed = false
  const answered = () => {
    askedMs = undefined
    if (!isDisposed) cancel = timers.after(intervalMs, ask)
  }
  const ask = () => {
    askedMs = clock.monotonicMs()
    // A refusal is an answer too: what it means is for others to say.
    read().then(answered, answered)
  }
  ask()
  return {
    reasons() {
      const silentMs = askedMs === undefined ? 0 : clock.monotonicMs() - askedMs
      if (silentMs <= silenceMaxMs) return []
      const reason = `The message database has not answered for ${Math.floor(silentMs / SECOND)} seconds: restart the node, and look at the disk if it happens again`
      return [{ part: 'storage', reason }]
    },
    [Symbol.dispose]() {
      isDisposed = true
      cancel()
    },
  }
}
