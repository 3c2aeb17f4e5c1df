import { createQueries, type Query } from '../queries.ts'

/** Grafana's names of units. */
export type Unit = 'short' | 'bytes' | 'Bps' | 's' | 'reqps' | 'ops' | 'percentunit' | 'dateTimeFromNow'

export interface Target {
  readonly query: Query
  /** What stands beside the line; `{{label}}` is a label's value. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** What to read from it, where the title does not say that. */
  readonly description?: string
  /** `plot`: values over time. `figure`: the newest value, large. */
  readonly kind: 'plot' | 'figure'
  readonly unit: Unit
  readonly targets: readonly Target[]
  /** Of the 24 columns that a dashboard has. */
  readonly width: 4 | 6 | 8 | 12
  /** Areas on top of each other, for parts of a whole. */
  readonly isStacked?: boolean
  /** Of values that can be negative; others are shown from zero on. */
  readonly isSigned?: boolean
  /** From where on a value is a matter for concern; below it in `falling` ones. */
  readonly limit?: number
  readonly limitIsBelow?: boolean
  /** Words for values of a figure. */
  readonly words?: Readonly<Record<number, string>>
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  /** Stands in links to it, and names its file. */
  readonly id: string
  readonly title: string
  readonly rows: readonly Row[]
}

/** Four scrapes, and no less than what the screen can show. */
export const RANGE = '$__rate_interval'
/** The nodes that are chosen above the dashboard. */
export const INSTANCE_CONDITION = 'instance=~"$instance"'

/** Queries of dashboards are about the nodes that are chosen. */
export const { value, changes, sumOfRates, sumOf, maxOf, observed, mean, quantile } = createQueries([
  INSTANCE_CONDITION,
])

export const line = (query: Query, legend = '{{instance}}'): Target => ({ query, legend })
