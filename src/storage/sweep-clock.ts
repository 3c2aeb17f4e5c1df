import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { StorageOptions } from './options.ts'

export interface SweepClock {
  /** The moment up to which expired messages may be removed for good. */
  nowMs(): TimestampMs
}

export interface SweepClockComponents {
  readonly clock: Clock
  readonly log: Logger
  /** How far the wall clock is ahead of what other machines say; undefined while nothing can be said. */
  readonly clockAheadMs?: (() => DurationMs | undefined) | undefined
}

/**
 * A wall clock that is set wrong must not delete what others still hold. So a forward jump, one that the monotonic clock
 * does not share, is believed only when it has lasted; a backward jump is believed at once, since it deletes less. Reads
 * go by the wall clock alone: what they hide comes back when the clock does. While other machines contradict, the wall clock is not
 * believed however long it lasts.
 */
export function createSweepClock(
  { clock, log, clockAheadMs }: SweepClockComponents,
  options: Pick<StorageOptions, 'clockJumpToleranceMs' | 'clockJumpHoldMs'>,
): SweepClock {
  let anchor = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
  let jumpSeenMs: DurationMs | undefined

  return {
    nowMs() {
      const now = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
      const expectedMs = anchor.wallMs + (now.monotonicMs - anchor.monotonicMs)
      const aheadMs = now.wallMs - expectedMs
      const contradictedMs = clockAheadMs?.() ?? 0
      if (contradictedMs > options.clockJumpToleranceMs) {
        return Math.floor(Math.min(expectedMs, now.wallMs - contradictedMs))
      }
      if (aheadMs > options.clockJumpToleranceMs) {
        if (jumpSeenMs === undefined) {
          log.warn(
            { aheadMs },
            'The clock jumped forward; expired messages are swept by the old time until it has lasted',
          )
        }
        jumpSeenMs ??= now.monotonicMs
        if (now.monotonicMs - jumpSeenMs < options.clockJumpHoldMs) return Math.floor(expectedMs)
      }
      jumpSeenMs = undefined
      anchor = now
      return now.wallMs
    },
  }
}
