import type { MetricsRegister } from '../base/metrics.ts'

/** How asking one source for a page of accounts ended. */
export type JoinPageEnd =
  | 'taken'
  /** The source could not be reached, did not answer in time, or is not ready. */
  | 'failed'
  /** What it gave breaks the rules. */
  | 'refused'

/** How comparing with one member ended, before accounts are called complete. */
export type JoinCheckEnd = 'passed' | 'failed'

export type JoinMetrics = ReturnType<typeof createJoinMetrics>

export function createJoinMetrics(register: MetricsRegister) {
  return {
    share: register.gauge({
      name: 'starling_swarm_join_complete_ratio',
      help: 'Part of the accounts of this node that it has fetched everything of, 0..1',
    }),
    pages: register.counter<{ outcome: JoinPageEnd }>({
      name: 'starling_swarm_join_pages_total',
      help: 'Pages of accounts asked of other members by outcome',
      labelNames: ['outcome'],
    }),
    items: register.counter({
      name: 'starling_swarm_join_items_total',
      help: 'Messages and requests that pages of accounts had',
    }),
    checks: register.counter<{ outcome: JoinCheckEnd }>({
      name: 'starling_swarm_join_checks_total',
      help: 'Comparisons with other members before accounts were called complete, by outcome',
      labelNames: ['outcome'],
    }),
    joins: register.counter({
      name: 'starling_swarm_joins_total',
      help: 'Times that accounts that were new to this node became complete',
    }),
    duration: register.histogram({
      name: 'starling_swarm_join_duration_seconds',
      help: 'Time from accounts being new to this node until they were complete',
      // From nothing to fetch, to a full node over a slow line.
      buckets: [0.1, 1, 10, 60, 300, 900, 3600, 14_400],
    }),
  }
}
