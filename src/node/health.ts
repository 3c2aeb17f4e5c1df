/** The parts that can make a node unready, or less than it should be. */
export type HealthPart =
  | 'chain'
  | 'providers'
  | 'contract'
  | 'stake'
  | 'membership'
  | 'swarm'
  | 'network'
  | 'storage'
  | 'contents'
  | 'rewards'
  | 'peer-tests'
  | 'clock'
  | 'configuration'
  | 'restart'
  | 'life-cycle'

export interface HealthReason {
  readonly part: HealthPart
  /** A sentence for the operator: what is wrong, and what to do. */
  readonly reason: string
}

/** A part's own account of what is wrong, or undefined while all is well. */
export type HealthCheck = () => string | undefined

/** Gathers why the node is not ready, and what else is wrong with it. Ready means: no part has a reason. */
export class Health {
  readonly #checks = new Map<HealthPart, HealthCheck>()
  readonly #lesserChecks = new Map<HealthPart, HealthCheck>()

  /** Why the node should not serve. Each part has one check, asked each time, so that no state can go stale. */
  register(part: HealthPart, check: HealthCheck): void {
    this.#checks.set(part, check)
  }

  /** What an operator should see to while the node goes on serving. */
  registerDegraded(part: HealthPart, check: HealthCheck): void {
    this.#lesserChecks.set(part, check)
  }

  reasons(): readonly HealthReason[] {
    return answersOf(this.#checks)
  }

  degraded(): readonly HealthReason[] {
    return answersOf(this.#lesserChecks)
  }
}

function answersOf(checks: ReadonlyMap<HealthPart, HealthCheck>): readonly HealthReason[] {
  return [...checks].flatMap(([part, check]) => {
    const reason = check()
    return reason === undefined ? [] : [{ part, reason }]
  })
}
