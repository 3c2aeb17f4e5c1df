import { type DurationMs, SECOND } from '../base/clock.ts'
import { wait } from '../base/wait.ts'
import type { MembershipEpoch } from '../protocol/service-node.ts'
import { isProviderFault, StakingError } from './errors.ts'

export interface Agreement<Source, Answer> {
  readonly answer: Answer
  /** Those that said so. */
  readonly agreeing: readonly Source[]
  /** Those that said something else. */
  readonly dissenters: readonly Source[]
}

export interface Question<Source, Answer> {
  /** What it is about, for the message of a failure: "an epoch". */
  readonly about: string
  /** The signal aborts when the answer is not needed any more. */
  readonly ask: (source: Source, settled: AbortSignal) => Promise<Answer>
  /** Everything that must be equal for two answers to be the same. */
  readonly digestOf: (answer: Answer) => string
  /** When those that were asked have not answered after this time, others are asked besides: one that dawdles must not hold up all. */
  readonly hedgeAfterMs?: DurationMs
}

/**
 * Asks the sources in order, no more of them than needed, until `quorum` say the same.
 * @throws {StakingError} PROVIDERS_DISAGREE when answers differ, PROVIDERS_UNAVAILABLE when there are too few
 */
export async function agree<Source, Answer>(
  sources: readonly Source[],
  quorum: number,
  question: Question<Source, Answer>,
): Promise<Agreement<Source, Answer>> {
  const settled = new AbortController()
  try {
    return await new Poll(sources, quorum, question, settled.signal).settle()
  } finally {
    settled.abort()
  }
}

/** Any wait of ten seconds is long where answers come in tenths of one. */
const HEDGE_AFTER_MS: DurationMs = 10 * SECOND

class Poll<Source, Answer> {
  readonly #sources: readonly Source[]
  readonly #quorum: number
  readonly #question: Question<Source, Answer>
  readonly #settled: AbortSignal
  readonly #answers: { source: Source; answer: Answer; digest: string }[] = []
  readonly #underWay = new Set<Promise<void>>()
  /** Those under way that are not counted on any more. */
  #overdue = new Set<Promise<void>>()
  #asked = 0
  #failure: StakingError | undefined
  #fault: { readonly error: unknown } | undefined

  constructor(sources: readonly Source[], quorum: number, question: Question<Source, Answer>, settled: AbortSignal) {
    this.#sources = sources
    this.#quorum = quorum
    this.#question = question
    this.#settled = settled
  }

  async settle(): Promise<Agreement<Source, Answer>> {
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault.error
      const same = largestGroup(this.#answers)
      const [first] = same
      if (first !== undefined && same.length >= this.#quorum) {
        const others = this.#answers.filter((answer) => !same.includes(answer))
        return { answer: first.answer, agreeing: sourcesOf(same), dissenters: sourcesOf(others) }
      }
      this.#askMore(this.#quorum - same.length)
      if (this.#underWay.size === 0)
        throw noAgreement(this.#question.about, this.#answers.length, same.length, this.#failure)
      await this.#nextEvent()
    }
  }

  /** As many as are needed if those that are counted on say the same. */
  #askMore(needed: number): void {
    const missing = Math.max(0, needed - (this.#underWay.size - this.#overdue.size))
    for (const source of this.#sources.slice(this.#asked, this.#asked + missing)) {
      this.#asked++
      const asking: Promise<void> = this.#ask(source).finally(() => {
        this.#underWay.delete(asking)
        this.#overdue.delete(asking)
      })
      this.#underWay.add(asking)
    }
  }

  async #ask(source: Source): Promise<void> {
    const { ask, digestOf } = this.#question
    try {
      const answer = await ask(source, this.#settled)
      this.#answers.push({ source, answer, digest: digestOf(answer) })
    } catch (error) {
      if (error instanceof StakingError) this.#failure = error
      else if (!this.#settled.aborted) this.#fault = { error }
    }
  }

  /** One of them has ended, or all have taken too long. */
  async #nextEvent(): Promise<void> {
    const { hedgeAfterMs = HEDGE_AFTER_MS } = this.#question
    if (this.#asked >= this.#sources.length) return await Promise.race(this.#underWay)
    const patience = new AbortController()
    const tooLong = wait(hedgeAfterMs, patience.signal).then(
      () => {
        this.#overdue = new Set(this.#underWay)
      },
      () => {},
    )
    await Promise.race([...this.#underWay, tooLong])
    patience.abort()
  }
}

/** @throws {StakingError} PROVIDERS_DISAGREE, PROVIDERS_UNAVAILABLE */
export function agreeOnEpoch<Source>(
  sources: readonly Source[],
  quorum: number,
  ask: Question<Source, MembershipEpoch>['ask'],
  hedgeAfterMs?: DurationMs,
): Promise<Agreement<Source, MembershipEpoch>> {
  const question = { about: 'an epoch', ask, digestOf: epochDigest }
  return agree(sources, quorum, hedgeAfterMs === undefined ? question : { ...question, hedgeAfterMs })
}

/** The root stands for the members. */
export function epochDigest(epoch: MembershipEpoch): string {
  return [epoch.index, epoch.blockNumber, epoch.blockHash, epoch.blockTimestampS, epoch.root].join(' ')
}

function sourcesOf<Source>(answers: readonly { source: Source }[]): readonly Source[] {
  return answers.map(({ source }) => source)
}

function largestGroup<T extends { digest: string }>(answers: readonly T[]): readonly T[] {
  const groups = Map.groupBy(answers, ({ digest }) => digest)
  return [...groups.values()].reduce<readonly T[]>((best, group) => (group.length > best.length ? group : best), [])
}

function noAgreement(about: string, answers: number, agreeing: number, cause: StakingError | undefined): StakingError {
  // Nobody answered, for a reason that is not the providers': that reason is the better answer.
  if (answers === 0 && cause !== undefined && !isProviderFault(cause)) return cause
  const details = { answers, agreeing }
  return answers > agreeing
    ? new StakingError('PROVIDERS_DISAGREE', `The RPC providers disagree about ${about}`, { details })
    : new StakingError('PROVIDERS_UNAVAILABLE', 'Too few RPC providers can be used', { details, cause })
}
