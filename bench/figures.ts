import type { Figures } from './https-load.ts'
import type { Ratio } from './ratio.ts'

/** Least shares of the limit that we mean to reach. */
export interface RatioGoals {
  readonly rate: number
  readonly p99: number
  readonly processor: number
}

const LIMIT_NAME = 'a bare HTTPS server that does the same cryptography'

/** The lines of one comparison of two servers. */
export function figuresInRatio(
  name: string,
  { ours, limit }: { ours: Figures; limit: Figures },
  goals: RatioGoals,
): Ratio[] {
  return [
    { name, limitName: LIMIT_NAME, ours: ours.perSecond, limit: limit.perSecond, goal: goals.rate },
    { name: `${name}: p99`, limitName: LIMIT_NAME, ours: ours.p99Ms, limit: limit.p99Ms, unit: 'ms', goal: goals.p99 },
    {
      name: `${name}: per second of processor time`,
      limitName: LIMIT_NAME,
      ours: ours.perProcessorSecond,
      limit: limit.perProcessorSecond,
      goal: goals.processor,
    },
  ]
}
