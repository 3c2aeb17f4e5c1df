import type { Pace } from '../pace.ts'
import type { Query } from '../queries.ts'
import type { Sample } from '../samples.ts'

/**
 * `critical`: clients are not served, or the stake is at risk; somebody is woken. `warning`: it becomes critical, or costs others
 * something; within a day. `info`: to be known.
 */
export type Severity = 'critical' | 'warning' | 'info'

export interface Alert {
  readonly severity: Severity
  /** Seconds that the condition must hold, so that nobody is woken by what passes. 0 for what is over at once but counts. */
  readonly holdS: number
  /** The condition; what it gives names the node, if there is one. */
  condition(pace: Pace): Query
  /** Who it is about, where that is no node: what it gives then has no `instance`. */
  readonly subject?: string
  /** Some words after the name of the node, or after the subject. */
  readonly summary: string
  /** What it means and what to look at, in a sentence or two; the runbook has the rest. */
  readonly description: string
  /** Samples with which it fires, and the labels that it has then beside the node's. */
  readonly firing: readonly Sample[]
  readonly firingLabels?: Readonly<Record<string, string>>
  /** Samples that come close, with which it does not. */
  readonly quiet: readonly Sample[]
}

export const MINUTE_S = 60
export const HOUR_S = 60 * MINUTE_S
export const DAY_S = 24 * HOUR_S
