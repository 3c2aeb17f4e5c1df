import type { MembershipEpoch } from '../protocol/service-node.ts'
import { isProviderFault, StakingError } from './errors.ts'

export interface Agreement<Source, Answer> {
  readonly answer: Answer
  /** Those that said something else. */
  readonly dissenters: readonly Source[]
}

export interface Question<Source, Answer> {
  /** What it is about, for the message of a failure: "an epoch". */
  readonly about: string
  readonly ask: (source: Source) => Promise<Answer>
  /** Everything that must be equal for two answers to be the same. */
  readonly digestOf: (answer: Answer) => string
}

/**
 * Asks the sources in order, no more of them than needed, until `quorum` say the same.
 * @throws {StakingError} PROVIDERS_DISAGREE when answers differ, PROVIDERS_UNAVAILABLE when there are too few
 */
export async function agree<Source, Answer>(
  sources: readonly Source[],
  quorum: number,
  { about, ask, digestOf }: Question<Source, Answer>,
): Promise<Agreement<Source, Answer>> {
  const answers: { source: Source; answer: Answer; digest: string }[] = []
  let asked = 0
  let failure: StakingError | undefined
  for (;;) {
    const same = largestGroup(answers)
    const [first] = same
    if (first !== undefined && same.length >= quorum) {
      const others = answers.filter((answer) => !same.includes(answer))
      return { answer: first.answer, dissenters: others.map(({ source }) => source) }
    }
    const next = sources.slice(asked, asked + quorum - same.length)
    if (next.length === 0) throw noAgreement(about, answers.length, same.length, failure)
    asked += next.length
    const results = await Promise.allSettled(
      next.map(async (source) => {
        const answer = await ask(source)
        return { source, answer, digest: digestOf(answer) }
      }),
    )
    for (const result of results) {
      if (result.status === 'fulfilled') answers.push(result.value)
      else if (result.reason instanceof StakingError) failure = result.reason
      else throw result.reason
    }
  }
}

/** @throws {StakingError} PROVIDERS_DISAGREE, PROVIDERS_UNAVAILABLE */
export function agreeOnEpoch<Source>(
  sources: readonly Source[],
  quorum: number,
  ask: (source: Source) => Promise<MembershipEpoch>,
): Promise<Agreement<Source, MembershipEpoch>> {
  return agree(sources, quorum, { about: 'an epoch', ask, digestOf: epochDigest })
}

/** The root stands for the members. */
function epochDigest(epoch: MembershipEpoch): string {
  return [epoch.index, epoch.blockNumber, epoch.blockHash, epoch.blockTimestampS, epoch.root].join(' ')
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
