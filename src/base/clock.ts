/** Milliseconds since the Unix epoch. */
export type TimestampMs = number
/** A length of time in milliseconds. */
export type DurationMs = number

/** The only source of time, so that tests and simulations can set it. */
export interface Clock {
  /** Wall clock: for expiries and signatures, which other machines judge too. */
  nowMs(): TimestampMs
  /** Never jumps: for waits and durations. */
  monotonicMs(): DurationMs
}

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

export const SECOND: DurationMs = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The longest wait that a timer holds, 2^31-1 ms: with a longer one, Node's timers fire at once. */
export const TIMER_MAX_MS: DurationMs = 2_147_483_647
