import type { MetricsRegister } from '../../src/base/metrics.ts'

const nothing = () => {}

/** Counts nothing: ten thousand networks need no figures of their own. */
export const noMetrics: MetricsRegister = {
  counter: () => ({ inc: nothing, add: nothing }),
  gauge: () => ({ set: nothing, remove: nothing }),
  histogram: () => ({ observe: nothing }),
}
