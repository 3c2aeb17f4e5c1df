import type { Gauge } from '../base/metrics.ts'

/** A bound on bytes held at once. */
export interface ByteBudget {
  /** Takes `bytes`, or nothing and says false. */
  take(bytes: number): boolean
  give(bytes: number): void
}

/** What most requests are smaller than. */
const SMALL_MAX_BYTES = 64 * 1024
/** The share of a budget that larger payloads may use. A few of them, announced and sent slowly, would else keep all others out. */
const LARGE_SHARE = 0.75

/** The largest payload that a budget ever has room for. */
export function largestPayload(maxBytes: number): number {
  return Math.max(Math.min(maxBytes, SMALL_MAX_BYTES), maxBytes * LARGE_SHARE)
}

export function createByteBudget(gauge: Gauge, maxBytes: number): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > (bytes > SMALL_MAX_BYTES ? maxBytes * LARGE_SHARE : maxBytes)) return false
      used += bytes
      gauge.set(used)
      return true
    },
    give(bytes) {
      used -= bytes
      gauge.set(used)
    },
  }
}

/** A part of a budget that others use too: no more than `maxBytes` of it. */
export function createBudgetShare(whole: ByteBudget, maxBytes: number): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > maxBytes || !whole.take(bytes)) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
      whole.give(bytes)
    },
  }
}
