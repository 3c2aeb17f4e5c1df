import { expect, test } from 'vitest'
import type { MembershipEpoch } from '../../../src/protocol/service-node.ts'
import { agree as agreeOn, agreeOnEpoch } from '../../../src/staking/agreement.ts'
import { StakingError } from '../../../src/staking/errors.ts'

const epoch = (root: string, blockHash = '0xaa'): MembershipEpoch => ({
  index: 5,
  blockNumber: 10n,
  blockHash,
  blockTimestampS: 500n,
  members: [],
  root,
})
const failure = new StakingError('PROVIDER_TIMEOUT', 'late')

/** Sources are the answers that they give. */
async function agree(quorum: number, ...answers: readonly (MembershipEpoch | Error)[]) {
  const asked: number[] = []
  const sources = answers.map((_, place) => place)
  const outcome = agreeOnEpoch(sources, quorum, async (source) => {
    asked.push(source)
    const answer = answers[source]
    if (answer === undefined || answer instanceof Error) throw answer
    return answer
  })
  return { asked, outcome: await outcome.catch((error: unknown) => error) }
}

test('two that agree settle it, and the third is not asked', async () => {
  const { asked, outcome } = await agree(2, epoch('a'), epoch('a'), epoch('b'))
  expect(outcome).toMatchObject({ answer: { root: 'a' }, dissenters: [] })
  expect(asked).toEqual([0, 1])
})

test('a liar among three is outvoted and named, wherever it stands', async () => {
  expect((await agree(2, epoch('b'), epoch('a'), epoch('a'))).outcome).toMatchObject({
    answer: { root: 'a' },
    dissenters: [0],
  })
  expect((await agree(2, epoch('a'), epoch('b'), epoch('a'))).outcome).toMatchObject({
    answer: { root: 'a' },
    dissenters: [1],
  })
})

test('the same members at another block are no agreement', async () => {
  const { outcome } = await agree(2, epoch('a', '0xaa'), epoch('a', '0xbb'))
  expect(outcome).toMatchObject({ code: 'PROVIDERS_DISAGREE' })
})

test('one that fails is replaced by the next', async () => {
  const { asked, outcome } = await agree(2, failure, epoch('a'), epoch('a'))
  expect(outcome).toMatchObject({ answer: { root: 'a' }, dissenters: [] })
  expect(asked).toEqual([0, 1, 2])
})

test('without a second voice nothing is believed', async () => {
  expect((await agree(2, epoch('a'), failure)).outcome).toMatchObject({ code: 'PROVIDERS_UNAVAILABLE' })
  expect((await agree(2, epoch('a'))).outcome).toMatchObject({ code: 'PROVIDERS_UNAVAILABLE' })
})

test('a single configured provider is believed', async () => {
  expect((await agree(1, epoch('a'))).outcome).toMatchObject({ answer: { root: 'a' } })
})

test('a fault of the program is not taken for a fault of a provider', async () => {
  const fault = new RangeError('ours')
  expect((await agree(2, fault, epoch('a'), epoch('a'))).outcome).toBe(fault)
})

test('when the epoch is unknown to all, that is what is told', async () => {
  const unknown = new StakingError('EPOCH_UNKNOWN', 'too old')
  expect((await agree(2, unknown, unknown)).outcome).toBe(unknown)
  expect((await agree(2, unknown, epoch('a'), epoch('a'))).outcome).toMatchObject({ answer: { root: 'a' } })
})

/** Sources of which some never answer, asked until two say the same. */
async function agreeWithout(silent: readonly number[], answers: readonly string[]) {
  const calledOff: number[] = []
  const ask = (source: number, settled: AbortSignal): Promise<string> => {
    const answer = answers[source]
    if (!silent.includes(source) && answer !== undefined) return Promise.resolve(answer)
    return new Promise((_, reject) => {
      settled.addEventListener('abort', () => {
        calledOff.push(source)
        reject(settled.reason)
      })
    })
  }
  const question = { about: 'a test', ask, digestOf: (answer: string) => answer, hedgeAfterMs: 5 }
  const agreement = await agreeOn(
    answers.map((_, place) => place),
    2,
    question,
  )
  return { ...agreement, calledOff }
}

test('one that dawdles is not waited for when others can be asked, and is called off when they agree', async () => {
  expect(await agreeWithout([0], ['a', 'a', 'a'])).toEqual({
    ...{ answer: 'a', agreeing: [1, 2], dissenters: [], calledOff: [0] },
  })
  expect(await agreeWithout([0, 1], ['a', 'a', 'a', 'a'])).toMatchObject({ agreeing: [2, 3], calledOff: [0, 1] })
})
