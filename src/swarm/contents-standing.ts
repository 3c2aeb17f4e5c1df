import { type Clock, type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ComparisonEnd, ContentsMetrics } from './contents-metrics.ts'

/** Members of our swarm without this node, by the last comparison. */
export interface ComparisonStatus {
  readonly members: number
  readonly equal: number
  readonly differing: number
  /** Did not answer. */
  readonly silent: number
  /** An epoch apart, or not ready; and those that are ignored. */
  readonly apart: number
  /** When all that answered were last seen to hold the same, and any did. */
  readonly lastEqualMs: TimestampMs | undefined
}

/** How comparing with each member ended; `differs` while nothing has been done about it. */
export type Ends = Map<ServiceNodeKey, ComparisonEnd | 'differs'>

export interface ComparisonStandingComponents {
  readonly conduct: Pick<ContentsConduct, 'ignored'>
  readonly clock: Clock
  readonly metrics: ContentsMetrics
}

/** How this node stands to the other members of its swarm, by the last round. */
export class ComparisonStanding {
  readonly #components: ComparisonStandingComponents
  readonly #listeners = new Set<() => void>()
  #ends: Ends = new Map()
  #lastEqualMs: TimestampMs | undefined
  #differingSinceMs: DurationMs | undefined

  constructor(components: ComparisonStandingComponents) {
    this.#components = components
  }

  endOf(member: ServiceNodeKey): ComparisonEnd | 'differs' | undefined {
    return this.#ends.get(member)
  }

  /** Some member differs, and not only for a moment. */
  differs(): void {
    this.#differingSinceMs ??= this.#components.clock.monotonicMs()
  }

  onEqual(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  status(): ComparisonStatus {
    const ends = [...this.#ends.values()]
    const count = (...which: readonly (ComparisonEnd | 'differs')[]) => ends.filter((end) => which.includes(end)).length
    return {
      members: ends.length,
      equal: count('equal'),
      differing: count('differs', 'fetched', 'fruitless'),
      silent: count('silent', 'failed'),
      apart: count('other-arc', 'not-ready', 'ignored'),
      lastEqualMs: this.#lastEqualMs,
    }
  }

  /** A round is over. Members without an end were not asked. */
  conclude(members: readonly ServiceNodeKey[], ends: Ends): void {
    const { conduct, metrics } = this.#components
    for (const member of members) {
      const end = ends.get(member) ?? 'not-ready'
      ends.set(member, end)
      metrics.comparisons.inc({ outcome: end === 'differs' ? 'fruitless' : end })
    }
    this.#ends = ends
    const { equal, differing, silent } = this.status()
    metrics.differingMembers.set(differing)
    metrics.silentMembers.set(silent)
    metrics.ignoredMembers.set(conduct.ignored)
    if (differing === 0 && equal > 0) this.#areEqual()
  }

  #areEqual(): void {
    const { clock, metrics } = this.#components
    this.#lastEqualMs = clock.nowMs()
    if (this.#differingSinceMs !== undefined) {
      metrics.convergence.observe((clock.monotonicMs() - this.#differingSinceMs) / SECOND)
      this.#differingSinceMs = undefined
    }
    for (const listener of [...this.#listeners]) listener()
  }
}

export function membersThat(ends: Ends, which: ComparisonEnd | 'differs'): ServiceNodeKey[] {
  return [...ends].filter(([, end]) => end === which).map(([member]) => member)
}
