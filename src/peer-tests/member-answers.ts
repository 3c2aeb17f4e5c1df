import type { Clock, DurationMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

/** The last answer of a member to this node's tests. */
export interface MemberAnswer {
  readonly roundTripMs: DurationMs
  readonly agoMs: DurationMs
}

/** When members answered last, and how long it took them. */
export class MemberAnswers {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #answers = new Map<ServiceNodeKey, { readonly roundTripMs: DurationMs; readonly answeredAtMs: DurationMs }>()

  constructor({ clock }: { readonly clock: Pick<Clock, 'monotonicMs'> }) {
    this.#clock = clock
  }

  /** An answer that was asked for at one moment and came at another of the monotonic clock. */
  note(member: ServiceNodeKey, askedAtMs: DurationMs, answeredAtMs: DurationMs): void {
    this.#answers.set(member, { roundTripMs: answeredAtMs - askedAtMs, answeredAtMs })
  }

  of(member: ServiceNodeKey): MemberAnswer | undefined {
    const answer = this.#answers.get(member)
    if (answer === undefined) return undefined
    return { roundTripMs: answer.roundTripMs, agoMs: this.#clock.monotonicMs() - answer.answeredAtMs }
  }

  /** Forgets who is not a member any more. */
  keep(members: ReadonlySet<ServiceNodeKey>): void {
    for (const key of this.#answers.keys()) if (!members.has(key)) this.#answers.delete(key)
  }
}
