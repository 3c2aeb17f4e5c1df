import { metricOf } from './catalogue.ts'

// PromQL over the metrics of the catalogue. What the types let through names metrics that there are, by labels and values that
// they have, and asks of each kind what that kind can tell: a counter for its growth, a histogram for its distribution.

declare const query: unique symbol
/** An expression in PromQL. */
export type Query = string & { readonly [query]: true }

type CounterLike = { inc(...labels: never[]): void }
type GaugeLike = { set(value: number, ...labels: never[]): void }
type HistogramLike = { observe(value: number, ...labels: never[]): void }
export type MetricLike = CounterLike | GaugeLike | HistogramLike

/** The labels of a metric and what each may be. */
export type LabelsOf<M> = M extends { inc(...labels: infer A): void }
  ? First<A>
  : M extends { set(value: number, ...labels: infer A): void }
    ? First<A>
    : M extends { observe(value: number, ...labels: infer A): void }
      ? First<A>
      : never
type First<A> = A extends readonly [infer L] ? L : undefined

/** All but these values. */
interface Except<V> {
  readonly except: readonly V[]
}

/** For each label one value, some, or all but some. */
export type Match<M> =
  LabelsOf<M> extends undefined
    ? Readonly<Record<string, never>>
    : { readonly [K in keyof LabelsOf<M>]?: Condition<LabelsOf<M>[K]> }
type Condition<V> = V | readonly V[] | Except<V>

/** What a sum may be kept apart by: labels of the metric, and the node that it is of. */
export type By<M> = readonly ((keyof LabelsOf<M> & string) | 'instance')[]

export function except<const V extends string>(...values: readonly V[]): Except<V> {
  return { except: values }
}

/** A time as PromQL has it, such as `5m`, or one of Grafana's variables. */
export type Range = string

export interface Queries {
  /** A gauge as it is. */
  value<M extends GaugeLike>(metric: M, match?: Match<M>): Query
  /** Growth of a counter per second. */
  rate<M extends CounterLike>(metric: M, range: Range, match?: Match<M>): Query
  increase<M extends CounterLike>(metric: M, range: Range, match?: Match<M>): Query
  /** How often a gauge changed. */
  changes<M extends GaugeLike>(metric: M, range: Range, match?: Match<M>): Query
  /** What a gauge will be so many seconds from now if it goes on as it did. */
  predicted<M extends GaugeLike>(metric: M, range: Range, aheadS: number, match?: Match<M>): Query
  /** Sum of a counter's rates. */
  sumOfRates<M extends CounterLike>(metric: M, range: Range, by: By<M>, match?: Match<M>): Query
  sumOf<M extends GaugeLike>(metric: M, by: By<M>, match?: Match<M>): Query
  maxOf<M extends GaugeLike>(metric: M, by: By<M>, match?: Match<M>): Query
  /** Observations of a histogram per second. */
  observed<M extends HistogramLike>(metric: M, range: Range, by: By<M>, match?: Match<M>): Query
  /** What was observed on the average. */
  mean<M extends HistogramLike>(metric: M, range: Range, by: By<M>, match?: Match<M>): Query
  /** What so large a part, 0 to 1, of the observations was below. */
  quantile<M extends HistogramLike>(part: number, metric: M, range: Range, by: By<M>, match?: Match<M>): Query
}

/** @param always conditions that every selector has, such as the node that a dashboard is for. */
export function createQueries(always: readonly string[] = []): Queries {
  const select = <M extends MetricLike>(metric: M, match: Match<M> | undefined, suffix = '') =>
    `${metricOf(metric).name}${suffix}${selector(match ?? {}, always)}`
  const sum = (by: readonly string[], expression: string) =>
    `sum${by.length === 0 ? '' : ` by (${by.join(', ')}) `}(${expression})` as Query
  return {
    value: (metric, match) => select(metric, match) as Query,
    rate: (metric, range, match) => `rate(${select(metric, match)}[${range}])` as Query,
    increase: (metric, range, match) => `increase(${select(metric, match)}[${range}])` as Query,
    changes: (metric, range, match) => `changes(${select(metric, match)}[${range}])` as Query,
    predicted: (metric, range, aheadS, match) =>
      `predict_linear(${select(metric, match)}[${range}], ${aheadS})` as Query,
    sumOfRates: (metric, range, by, match) => sum(by, `rate(${select(metric, match)}[${range}])`),
    sumOf: (metric, by, match) => sum(by, select(metric, match)),
    maxOf: (metric, by, match) => `max by (${by.join(', ')}) (${select(metric, match)})` as Query,
    observed: (metric, range, by, match) => sum(by, `rate(${select(metric, match, '_count')}[${range}])`),
    mean: (metric, range, by, match) =>
      `${sum(by, `rate(${select(metric, match, '_sum')}[${range}])`)} / ${sum(by, `rate(${select(metric, match, '_count')}[${range}])`)}` as Query,
    quantile: (part, metric, range, by, match) =>
      `histogram_quantile(${part}, ${sum(['le', ...by], `rate(${select(metric, match, '_bucket')}[${range}])`)})` as Query,
  }
}

/** Whether Prometheus itself reaches the node: the one metric that is not the node's. */
export const UP = 'up{job="starling"}' as Query

export const above = (left: Query, limit: number) => `${left} > ${limit}` as Query
export const below = (left: Query, limit: number) => `${left} < ${limit}` as Query
export const is = (left: Query, number: number) => `${left} == ${number}` as Query
/** 1 while there is no such series at all, and nothing otherwise. */
export const absent = (of: Query) => `absent(${of})` as Query
export const magnitude = (of: Query) => `abs(${of})` as Query
export const ratio = (part: Query, whole: Query) => `${grouped(part)} / ${grouped(whole)}` as Query
export const plus = (left: Query, right: Query) => `${grouped(left)} + ${grouped(right)}` as Query
export const less = (left: Query, right: Query) => `${grouped(left)} - ${grouped(right)}` as Query
export const both = (left: Query, right: Query) => `${left} and on (instance) ${right}` as Query

/** Selectors and calls stand for themselves; the rest is put in brackets. */
function grouped(expression: Query): string {
  return /^[a-z_]+(\{[^{}]*\})?$/.test(expression) ? expression : `(${expression})`
}

function selector(match: Readonly<Record<string, unknown>>, always: readonly string[]): string {
  const conditions = Object.entries(match).map(([label, condition]) => conditionOn(label, condition))
  const all = [...conditions, ...always]
  return all.length === 0 ? '' : `{${all.join(', ')}}`
}

function conditionOn(label: string, condition: unknown): string {
  if (typeof condition === 'string') return `${label}="${condition}"`
  if (Array.isArray(condition)) return `${label}=~"${condition.join('|')}"`
  return `${label}!~"${(condition as Except<string>).except.join('|')}"`
}
