import type { Gauge } from '../base/metrics.ts'

/** A bound on bytes held at once, shared by all peers. */
export interface ByteBudget {
  /** Takes `bytes`, or nothing and says false. */
  take(bytes: number): boolean
  give(bytes: number): void
  used(): number
}

export function createByteBudget(gauge: Gauge, maxBytes: number): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > maxBytes) return false
      used += bytes
      gauge.set(used)
      return true
    },
    give(bytes) {
      used -= bytes
      gauge.set(used)
    },
    used: () => used,
  }
}
