import type { MembershipEpoch } from '../protocol/service-node.ts'
import { isProviderFault, StakingError } from './errors.ts'

export interface Agreement<Source> {
  readonly epoch: MembershipEpoch
  /** Those that said something else. */
  readonly dissenters: readonly Source[]
}

/**
 * Asks the sources in order, no more of them than needed, until `quorum` say the same.
 * @throws {StakingError} PROVIDERS_DISAGREE when answers differ, PROVIDERS_UNAVAILABLE when there are too few
 */
export async function agreeOnEpoch<Source>(
  sources: readonly Source[],
  quorum: number,
  ask: (source: Source) => Promise<MembershipEpoch>,
): Promise<Agreement<Source>> {
  const answers: { source: Source; epoch: MembershipEpoch }[] = []
  let asked = 0
  let failure: StakingError | undefined
  for (;;) {
    const same = largestGroup(answers)
    const epoch = same[0]?.epoch
    if (epoch !== undefined && same.length >= quorum) {
      return { epoch, dissenters: answers.filter((answer) => !same.includes(answer)).map(({ source }) => source) }
    }
    const next = sources.slice(asked, asked + quorum - same.length)
    if (next.length === 0) throw noAgreement(answers.length, same.length, failure)
    asked += next.length
    const results = await Promise.allSettled(next.map(async (source) => ({ source, epoch: await ask(source) })))
    for (const result of results) {
      if (result.status === 'fulfilled') answers.push(result.value)
      else if (result.reason instanceof StakingError) failure = result.reason
      else throw result.reason
    }
  }
}

/** Everything that must be equal for two answers to be the same. The root stands for the members. */
function digestOf(epoch: MembershipEpoch): string {
  return [epoch.index, epoch.blockNumber, epoch.blockHash, epoch.blockTimestampS, epoch.root].join(' ')
}

function largestGroup<T extends { epoch: MembershipEpoch }>(answers: readonly T[]): readonly T[] {
  const groups = Map.groupBy(answers, ({ epoch }) => digestOf(epoch))
  return [...groups.values()].reduce<readonly T[]>((best, group) => (group.length > best.length ? group : best), [])
}

function noAgreement(answers: number, agreeing: number, cause: StakingError | undefined): StakingError {
  // Nobody answered, for a reason that is not the providers': that reason is the better answer.
  if (answers === 0 && cause !== undefined && !isProviderFault(cause)) return cause
  const details = { answers, agreeing }
  return answers > agreeing
    ? new StakingError('PROVIDERS_DISAGREE', 'The RPC providers disagree about an epoch', { details })
    : new StakingError('PROVIDERS_UNAVAILABLE', 'Too few RPC providers can be used', { details, cause })
}
