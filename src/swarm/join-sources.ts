import type { Clock, DurationMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { JoiningOptions } from './options.ts'

/** More than the swarms that a piece comes from have; the longest known gives way. */
const SOURCES_MAX = 256
const DOUBLINGS_MAX = 20

interface Rest {
  readonly failures: number
  readonly untilMs: DurationMs
}

/** Which members can be asked now: none twice at once, and those that failed only after a while. */
export class JoinSources {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #options: Pick<JoiningOptions, 'retryMinMs' | 'retryMaxMs'>
  readonly #asked = new Set<ServiceNodeKey>()
  /** Only those that failed since they last did not. */
  readonly #resting = new Map<ServiceNodeKey, Rest>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: Pick<JoiningOptions, 'retryMinMs' | 'retryMaxMs'>) {
    this.#clock = clock
    this.#options = options
  }

  /** Takes one that is free; else says whether one of them is at work, so that it is worth waiting. `turn` spreads who is asked first. */
  take(members: readonly ServiceNodeKey[], turn: number): ServiceNodeKey | 'busy' | undefined {
    const usable = members.filter((member) => !this.#rests(member))
    for (let step = 0; step < usable.length; step++) {
      const member = usable[(turn + step) % usable.length]
      if (member === undefined || this.#asked.has(member)) continue
      this.#asked.add(member)
      return member
    }
    return usable.length > 0 ? 'busy' : undefined
  }

  giveBack(member: ServiceNodeKey, end: 'answered' | 'failed'): void {
    this.#asked.delete(member)
    const failures = (this.#resting.get(member)?.failures ?? 0) + 1
    this.#resting.delete(member)
    if (end === 'answered') return
    const [oldest] = this.#resting.keys()
    if (this.#resting.size >= SOURCES_MAX && oldest !== undefined) this.#resting.delete(oldest)
    const { retryMinMs, retryMaxMs } = this.#options
    const restMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(DOUBLINGS_MAX, failures - 1))
    this.#resting.set(member, { failures, untilMs: this.#clock.monotonicMs() + restMs })
  }

  /** Until one of those that failed may be asked again; undefined when none has to wait. */
  waitMs(): DurationMs | undefined {
    const nowMs = this.#clock.monotonicMs()
    const waits = [...this.#resting.values()].map(({ untilMs }) => untilMs - nowMs).filter((ms) => ms > 0)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }

  #rests(member: ServiceNodeKey): boolean {
    const rest = this.#resting.get(member)
    return rest !== undefined && rest.untilMs > this.#clock.monotonicMs()
  }
}
