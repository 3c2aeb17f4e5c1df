import { type DurationMs, MINUTE, type TimestampMs } from '../base/clock.ts'
import { OPERATION_LATENESS_MAX_MS } from '../protocol/limits.ts'
import type { QuotaOptions } from './quota.ts'

/** How long it is remembered what came after what: a minute more than an operation may be late, for what waits for the writer. */
export const ORDER_KEPT_MS: DurationMs = OPERATION_LATENESS_MAX_MS + MINUTE

/**
 * How long the data of what has ended, or of what may come back, is kept for operations that are late. A restart or a short outage
 * is over by then; what comes later finds its place among the others, but brings back nothing that other members have to give.
 */
export const DATA_KEPT_MS: DurationMs = 11 * MINUTE

/** What a change is judged by beside the records. */
export interface Circumstances {
  readonly nowMs: TimestampMs
  /** What is older is settled. */
  readonly settledMs: TimestampMs
  /** Data of what ended before, or is withheld since before, goes. Only the sweeper lets any go. */
  readonly droppedMs: TimestampMs
  /** Whether the disk has too little room for anything new. */
  readonly diskIsFull: boolean
  readonly quota: QuotaOptions
  /** Called for each message that cannot be remembered for want of room. */
  readonly onForgotten: () => void
}
