import type { Clock, DurationMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { JoinMetrics } from './join-metrics.ts'
import type { JoinPiece } from './join-plan.ts'
import type { JoiningOptions } from './options.ts'

export interface JoinCheckComponents {
  readonly comparison: {
    /** Whether a member of our swarm holds the same; undefined when that could not be found out. */
    isSame(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean | undefined>
    /** Compares with a member of our swarm and fetches what is missing here. Whether nothing is any more. */
    converge(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean>
  }
  /** The other members of our swarm. */
  readonly members: () => readonly ServiceNodeKey[]
  readonly clock: Clock
  readonly random: () => number
  readonly metrics: JoinMetrics
}

/** Compares with several members before accounts are called complete: one source may have left things out, or be as new as we are. */
export class JoinCheck {
  readonly #components: JoinCheckComponents
  readonly #options: JoiningOptions
  #passedAtMs: DurationMs | undefined

  constructor(components: JoinCheckComponents, options: JoiningOptions) {
    this.#components = components
    this.#options = options
  }

  /** Whether there is nothing to fetch to begin with, as in a network that starts empty: members who held all before hold what we do. */
  async isSame(pieces: readonly JoinPiece[], signal: AbortSignal): Promise<boolean> {
    const { comparison } = this.#components
    const holders = this.#inAnyOrder().filter((member) => pieces.every(({ sources }) => sources.includes(member)))
    let left = this.#needed(holders)
    if (left === 0) return false
    for (const member of holders) {
      const isSame = await comparison.isSame(member, signal)
      if (isSame === false) return false
      if (isSame === true) left--
      if (left === 0) return true
    }
    return false
  }

  /** Whether members agree that nothing is missing here. When few can be asked for a while, one has to do. */
  async passes(signal: AbortSignal): Promise<boolean> {
    const { comparison, metrics, clock } = this.#components
    const members = this.#inAnyOrder()
    const needed = this.#needed(members)
    let passed = 0
    for (const member of members) {
      if (passed >= needed || signal.aborted) break
      const hasPassed = await comparison.converge(member, signal)
      metrics.checks.inc({ outcome: hasPassed ? 'passed' : 'failed' })
      if (hasPassed) passed++
    }
    if (passed > 0) this.#passedAtMs ??= clock.monotonicMs()
    const sinceMs = this.#passedAtMs === undefined ? 0 : clock.monotonicMs() - this.#passedAtMs
    const isEnough = passed >= needed || (passed > 0 && sinceMs >= this.#graceMs())
    if (isEnough) this.#passedAtMs = undefined
    return isEnough
  }

  #graceMs(): DurationMs {
    return Math.min(this.#options.checksPatienceMs, this.#options.patienceMs)
  }

  /** Half of them at least: what more than half of a swarm confirmed, so that others dropped it, is found among those and us. */
  #needed(members: readonly ServiceNodeKey[]): number {
    return Math.min(members.length, Math.max(this.#options.checks, Math.ceil(members.length / 2)))
  }

  #inAnyOrder(): readonly ServiceNodeKey[] {
    const { members, random } = this.#components
    return members()
      .map((member) => ({ member, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ member }) => member)
  }
}
