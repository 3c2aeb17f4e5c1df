import { metricOf } from './catalogue.ts'
import type { LabelsOf, MetricLike } from './queries.ts'

/** A series, one value a minute. */
export interface Sample {
  readonly series: string
  readonly values: Values
}

/** As promtool's tests have values, for so many minutes. */
export type Values = (minutes: number) => string

/** The node that the samples are of. */
export const SAMPLED_INSTANCE = '192.0.2.1:9100'
const OWN_LABELS = `instance="${SAMPLED_INSTANCE}", job="starling"`

export const steady =
  (value: number): Values =>
  (minutes) =>
    `${value}+0x${minutes}`
export const growing =
  (perMinute: number): Values =>
  (minutes) =>
    `0+${perMinute}x${minutes}`
export const falling =
  (from: number, perMinute: number): Values =>
  (minutes) =>
    `${from}-${perMinute}x${minutes}`
/** One value after the other; the last one stays. */
export const phases =
  (...phases: readonly { readonly value: number; readonly minutes?: number }[]): Values =>
  (all) =>
    phases.map(({ value, minutes = all }) => `${value}+0x${minutes}`).join(' ')

/** There once, and then no longer: Prometheus ends a series when its target is taken away. */
export const gone: Values = () => '1 stale'

export function up(values: Values): Sample {
  return { series: `up{${OWN_LABELS}}`, values }
}

type Labels<M> = LabelsOf<M> extends undefined ? [] : [labels: LabelsOf<M>]

export function sample<M extends MetricLike>(metric: M, values: Values, ...[labels]: Labels<M>): Sample {
  return { series: seriesOf(metricOf(metric).name, labels), values }
}

/** Observations of a histogram: so many a minute, all of them between the bound given and the one before it. */
export function observations<M extends MetricLike>(
  metric: M,
  upTo: number,
  perMinute: number,
  ...[labels]: Labels<M>
): readonly Sample[] {
  const { name, buckets } = metricOf(metric)
  if (!buckets.includes(upTo)) throw new Error(`${name} has no bucket ${upTo}`)
  const own: object = labels ?? {}
  return [...buckets, '+Inf'].map((bound) => ({
    series: seriesOf(`${name}_bucket`, { ...own, le: String(bound) }),
    values: growing(bound === '+Inf' || Number(bound) >= upTo ? perMinute : 0),
  }))
}

function seriesOf(name: string, labels: object = {}): string {
  const own = Object.entries(labels).map(([label, value]) => `${label}="${value}", `)
  return `${name}{${own.join('')}${OWN_LABELS}}`
}
