import { metricOf } from './catalogue.ts'
import type { LabelsOf, MetricLike } from './queries.ts'

/** A series as promtool's tests have it: one value a minute. */
export interface Sample {
  readonly series: string
  readonly values: string
}

/** The node that the samples are of. */
export const SAMPLED_INSTANCE = '192.0.2.1:9100'
const OWN_LABELS = `instance="${SAMPLED_INSTANCE}", job="starling"`

/** Longer than any alert's time and window together. */
const MINUTES = 600

export const steady = (value: number): string => `${value}+0x${MINUTES}`
export const growing = (perMinute: number): string => `0+${perMinute}x${MINUTES}`
export const falling = (from: number, perMinute: number): string => `${from}-${perMinute}x${MINUTES}`
/** From one value to another and back again, every few minutes. */
export const alternating = (one: number, other: number): string =>
  Array.from({ length: 60 }, (_, index) => `${index % 2 === 0 ? one : other}+0x4`).join(' ')

export function up(values: string): Sample {
  return { series: `up{${OWN_LABELS}}`, values }
}

type Labels<M> = LabelsOf<M> extends undefined ? [] : [labels: LabelsOf<M>]

export function sample<M extends MetricLike>(metric: M, values: string, ...[labels]: Labels<M>): Sample {
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
