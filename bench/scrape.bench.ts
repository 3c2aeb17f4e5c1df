// One scrape of a register that is as full as a node's gets, with what is read of the process for it, against prom-client alone
// writing series of the same names, labels and values.
import * as prom from 'prom-client'
import { catalogue, type Metric } from '../scripts/monitoring/catalogue.ts'
import { createMetricsRegistry, type MetricsRegistry } from '../src/base/metrics.ts'
import { createProcessMetrics, watchProcess } from '../src/node/process-metrics.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

/** Values that a label takes in a node that has seen nearly everything, at most. */
const VALUES = 6
const OBSERVED = [0.001, 0.02, 0.3, 4]

export const benchmark: Benchmark = {
  name: 'scrape',
  async run(): Promise<readonly Ratio[]> {
    const registry = createMetricsRegistry()
    using _watch = watchProcess(createProcessMetrics(registry), registry)
    const bare = new prom.Registry()
    for (const metric of catalogue) {
      // The process's own are there already, with their true values.
      if (!metric.name.startsWith('starling_process_')) fillOurs(registry, metric)
      fillBare(bare, metric)
    }
    const series = { ours: seriesIn(await registry.expose()), limit: seriesIn(await bare.metrics()) }
    const rates = await compare(
      () => registry.expose(),
      () => bare.metrics(),
    )
    return [
      {
        // The process has not done all that a label could tell of, so one side has a few series less.
        name: `series of a scrape of ${series.ours}`,
        ours: rates.ours * series.ours,
        limitName: 'prom-client alone',
        limit: rates.limit * series.limit,
        goal: 0.8,
      },
    ]
  },
}

function seriesIn(exposition: string): number {
  return exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** Labels as they come together: all values of one, with few of the others. */
function labelSets({ labels }: Metric): readonly Record<string, string>[] {
  if (labels.length === 0) return [{}]
  return Array.from({ length: labels.length * VALUES }, (_, at) =>
    Object.fromEntries(
      labels.map((label, place) => [label, `value-${place === 0 ? at % VALUES : Math.floor(at / VALUES)}`]),
    ),
  )
}

function fillOurs(registry: MetricsRegistry, metric: Metric): void {
  const { name, help, labels: labelNames, type, buckets } = metric
  const config = { name, help, labelNames }
  const counter = type === 'counter' ? registry.counter<Record<string, string>>(config) : undefined
  const gauge = type === 'gauge' ? registry.gauge<Record<string, string>>(config) : undefined
  const histogram =
    type === 'histogram' ? registry.histogram<Record<string, string>>({ ...config, buckets }) : undefined
  for (const labels of labelSets(metric)) {
    counter?.add(12_345, labels)
    gauge?.set(67.89, labels)
    for (const value of OBSERVED) histogram?.observe(value, labels)
  }
}

function fillBare(registry: prom.Registry, metric: Metric): void {
  const { name, help, labels, type, buckets } = metric
  const config = { name, help, labelNames: [...labels], registers: [registry] }
  const counter = type === 'counter' ? new prom.Counter(config) : undefined
  const gauge = type === 'gauge' ? new prom.Gauge(config) : undefined
  const histogram = type === 'histogram' ? new prom.Histogram({ ...config, buckets: [...buckets] }) : undefined
  for (const set of labelSets(metric)) {
    counter?.inc(set, 12_345)
    gauge?.set(set, 67.89)
    for (const value of OBSERVED) histogram?.observe(set, value)
  }
}
