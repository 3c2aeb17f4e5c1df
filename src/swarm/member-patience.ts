import type { Clock, DurationMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmOptions } from './options.ts'

export type MemberPatienceOptions = Pick<
  SwarmOptions,
  'forwardTimeoutMs' | 'forwardTimeoutMinMs' | 'forwardTimeoutsToShorten' | 'forwardFullWaitIntervalMs'
>

/** More members than the swarms of two epochs have; the longest known gives way. */
const MEMBERS_MAX = 256

interface Slowness {
  /** Timeouts in a row. */
  timeouts: number
  /** When the last of them was counted. */
  countedAtMs: DurationMs
  /** From when on the full wait is given again, once. */
  fullWaitAtMs: DurationMs
}

/**
 * How long to wait for each member's answer. A member that timed out repeatedly would cost every client of its swarm the full
 * wait, so its wait is halved with each further timeout, down to a minimum. It is still asked every time; one
 * answer restores the full wait; and the full wait is tried now and then, so that a member that is slow but alive
 * is not shut out.
 */
export class MemberPatience {
  readonly #clock: Clock
  readonly #options: MemberPatienceOptions
  /** Only members that timed out since their last answer. */
  readonly #slow = new Map<ServiceNodeKey, Slowness>()

  constructor(clock: Clock, options: MemberPatienceOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Members that get less than the full wait. */
  get shortened(): number {
    let count = 0
    for (const slowness of this.#slow.values()) if (this.#isShortened(slowness)) count++
    return count
  }

  /** The wait for the next request to this member. */
  waitMs(member: ServiceNodeKey): DurationMs {
    const { forwardTimeoutMs, forwardTimeoutMinMs, forwardTimeoutsToShorten } = this.#options
    const slowness = this.#slow.get(member)
    if (slowness === undefined || !this.#isShortened(slowness) || this.#takeFullWait(slowness)) return forwardTimeoutMs
    const halvings = slowness.timeouts - forwardTimeoutsToShorten + 1
    const shortMs = Math.ceil(forwardTimeoutMs / 2 ** halvings)
    return Math.min(forwardTimeoutMs, Math.max(forwardTimeoutMinMs, shortMs))
  }

  answered(member: ServiceNodeKey): void {
    this.#slow.delete(member)
  }

  /** Requests that were under way together count as one timeout: a pause of a busy member is one pause. */
  timedOut(member: ServiceNodeKey, startedAtMs: DurationMs): void {
    const nowMs = this.#clock.monotonicMs()
    const fullWaitAtMs = nowMs + this.#options.forwardFullWaitIntervalMs
    const slowness = this.#slow.get(member)
    if (slowness === undefined) this.#add(member, { timeouts: 1, countedAtMs: nowMs, fullWaitAtMs })
    else if (startedAtMs >= slowness.countedAtMs) {
      slowness.timeouts++
      slowness.countedAtMs = nowMs
      if (slowness.timeouts <= this.#options.forwardTimeoutsToShorten) slowness.fullWaitAtMs = fullWaitAtMs
    }
  }

  #isShortened({ timeouts }: Slowness): boolean {
    return timeouts >= this.#options.forwardTimeoutsToShorten
  }

  #takeFullWait(slowness: Slowness): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < slowness.fullWaitAtMs) return false
    slowness.fullWaitAtMs = nowMs + this.#options.forwardFullWaitIntervalMs
    return true
  }

  #add(member: ServiceNodeKey, slowness: Slowness): void {
    const [oldest] = this.#slow.keys()
    if (this.#slow.size >= MEMBERS_MAX && oldest !== undefined) this.#slow.delete(oldest)
    this.#slow.set(member, slowness)
  }
}
