import * as prom from 'prom-client'
import { assert } from './assert.ts'

type Labels = Record<string, string>
/** A metric with labels takes all of them; one without takes none. */
type LabelArgs<L extends Labels | undefined> = L extends Labels ? [labels: L] : []
type LabelNames<L extends Labels | undefined> = L extends Labels
  ? { labelNames: readonly (keyof L & string)[] }
  : { labelNames?: never }

export type MetricConfig<L extends Labels | undefined> = { name: string; help: string } & LabelNames<L>

export interface Counter<L extends Labels | undefined = undefined> {
  inc(...labels: LabelArgs<L>): void
  /** Adds a non-negative amount. */
  add(amount: number, ...labels: LabelArgs<L>): void
}

export interface Gauge<L extends Labels | undefined = undefined> {
  set(value: number, ...labels: LabelArgs<L>): void
  /** Tells nothing more of what these labels name, since it is no more. */
  remove(...labels: LabelArgs<L>): void
}

export interface Histogram<L extends Labels | undefined = undefined> {
  observe(value: number, ...labels: LabelArgs<L>): void
}

/** What a module needs to declare its metrics. Always present: no module checks for null. */
export interface MetricsRegister {
  counter<L extends Labels | undefined = undefined>(config: MetricConfig<L>): Counter<L>
  gauge<L extends Labels | undefined = undefined>(config: MetricConfig<L>): Gauge<L>
  histogram<L extends Labels | undefined = undefined>(
    config: MetricConfig<L> & { buckets: readonly number[] },
  ): Histogram<L>
}

export interface MetricsRegistry extends MetricsRegister {
  /** Media type of the exposition. */
  readonly contentType: string
  /** The Prometheus text exposition of every metric. */
  expose(): Promise<string>
  /** Has `measure` called right before each exposition, for gauges that are cheaper to read when they are asked for. */
  beforeExpose(measure: () => void): Disposable
  /**
   * A counter or gauge as it is now, summed over its series: over all of them, or over those with the labels given. Zero while there
   * are none; there must be such a metric.
   */
  sum(name: string, labels?: Labels): Promise<number>
  /** Every metric's name, help and type, for docs/metrics.md. */
  describe(): Promise<readonly { name: string; help: string; type: string }[]>
}

/** Each node owns its registry, so that several nodes can run in one test process. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new prom.Registry()
  const measures = new Set<() => void>()
  const common = (config: { name: string; help: string; labelNames?: readonly string[] | undefined }) => ({
    name: config.name,
    help: config.help,
    labelNames: [...(config.labelNames ?? [])],
    registers: [registry],
  })

  return {
    counter(config) {
      const metric = new prom.Counter(common(config))
      return {
        inc: (labels?: Labels) => (labels ? metric.inc(labels) : metric.inc()),
        add: (amount: number, labels?: Labels) => (labels ? metric.inc(labels, amount) : metric.inc(amount)),
      }
    },
    gauge(config) {
      const metric = new prom.Gauge(common(config))
      return {
        set: (value: number, labels?: Labels) => (labels ? metric.set(labels, value) : metric.set(value)),
        remove: (labels: Labels = {}) => metric.remove(labels),
      }
    },
    histogram(config) {
      const metric = new prom.Histogram({ ...common(config), buckets: [...config.buckets] })
      return {
        observe: (value: number, labels?: Labels) => (labels ? metric.observe(labels, value) : metric.observe(value)),
      }
    },
    contentType: registry.contentType,
    expose: () => {
      for (const measure of measures) measure()
      return registry.metrics()
    },
    beforeExpose(measure) {
      measures.add(measure)
      return { [Symbol.dispose]: () => measures.delete(measure) }
    },
    async sum(name, wanted = {}) {
      const metric = registry.getSingleMetric(name)
      assert(metric !== undefined, `There is no metric ${name}`)
      const { values } = await metric.get()
      const matching = values.filter(({ labels }) =>
        Object.entries(wanted).every(([label, value]) => labels[label] === value),
      )
      return matching.reduce((total, { value }) => total + value, 0)
    },
    async describe() {
      const metrics = await registry.getMetricsAsJSON()
      return metrics.map(({ name, help, type }) => ({ name, help, type: String(type) }))
    },
  }
}
