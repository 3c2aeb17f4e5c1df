import { type DurationMs, MINUTE, type TimestampMs } from '../base/clock.ts'
import { OPERATION_LATENESS_MAX_MS } from '../protocol/limits.ts'
import type { QuotaOptions } from './quota.ts'

/** A minute more than an operation may be late, for what waits for the writer. */
export const SETTLED_AFTER_MS: DurationMs = OPERATION_LATENESS_MAX_MS + MINUTE

/** What a change is judged by beside the records. */
export interface Circumstances {
  readonly nowMs: TimestampMs
  /** What is older is settled. */
  readonly settledMs: TimestampMs
  /** Whether the disk has too little room for anything new. */
  readonly diskIsFull: boolean
  readonly quota: QuotaOptions
  /** Called for each message that cannot be remembered for want of room. */
  readonly onForgotten: () => void
}
