import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { StorageOptions } from './options.ts'

export interface SweepClock {
  /** The moment up to which expired messages may be removed for good. */
  nowMs(): TimestampMs
}

/**
 * A wall clock that is set wrong must not delete what others still hold. So a forward jump, one that the monotonic clock
 * does not share, is believed only when it has lasted; a backward jump is believed at once, since it deletes less. Reads
 * go by the wall clock alone: what they hide comes back when the clock does.
 */
export function createSweepClock(
  { clock, log }: { clock: Clock; log: Logger },
  options: Pick<StorageOptions, 'clockJumpToleranceMs' | 'clockJumpHoldMs'>,
): SweepClock {
  let anchor = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
  let jumpSeenMs: DurationMs | undefined

  return {
    nowMs() {
      const now = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
      const expectedMs = anchor.wallMs + (now.monotonicMs - anchor.monotonicMs)
      const aheadMs = now.wallMs - expectedMs
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
