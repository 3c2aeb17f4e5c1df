/** The parts that can make a node unready. */
export type HealthPart = 'stake' | 'membership' | 'swarm' | 'network' | 'storage' | 'life-cycle'

export interface HealthReason {
  readonly part: HealthPart
  /** A sentence for the operator: what is wrong, and what to do. */
  readonly reason: string
}

/** A part's own account of why the node should not serve, or undefined while all is well. */
export type HealthCheck = () => string | undefined

/** Gathers why the node is not ready. Ready means: no part has a reason. */
export class Health {
  readonly #checks = new Map<HealthPart, HealthCheck>()

  /** Each part has one check, asked each time, so that no state can go stale. */
  register(part: HealthPart, check: HealthCheck): void {
    this.#checks.set(part, check)
  }

  reasons(): readonly HealthReason[] {
    return [...this.#checks].flatMap(([part, check]) => {
      const reason = check()
      return reason === undefined ? [] : [{ part, reason }]
    })
  }
}
