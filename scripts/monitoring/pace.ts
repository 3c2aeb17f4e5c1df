import type { Range } from './queries.ts'

/** How long alerts look back and wait. Drills go faster than real nodes, and change nothing else about an alert. */
export interface Pace {
  /** Seconds that a condition must hold. */
  hold(seconds: number): number
  /** Seconds of the past that a rate is taken over. */
  window(seconds: number): number
  /** Seconds that something that is measured in time itself may last. */
  age(seconds: number): number
}

export const realPace: Pace = { hold: (seconds) => seconds, window: (seconds) => seconds, age: (seconds) => seconds }

/** As Prometheus writes it. */
export function duration(seconds: number): Range {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${Math.round(seconds)}s`
}
