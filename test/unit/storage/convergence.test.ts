// Members get the same operations in different orders, some of them twice, some of them late. They have to end with the same.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { type Delivered, deliver, expectReplayed, newAccount } from './replay-delivery.ts'
import { deliveries, histories, messageRequests, revocationRequests, revokedTokens, tokenOf } from './replay-model.ts'
import { openTestStore } from './store-fixture.ts'

test('any order and duplication of operations on messages gives the same contents, what is settled included', async () => {
  await using first = await openTestStore()
  await using second = await openTestStore()
  const members = [first, second]
  const phases = fc
    .tuple(histories(messageRequests, 14), histories(messageRequests, 8))
    .chain((lists) => fc.tuple(...lists.map((list) => fc.tuple(fc.constant(list), deliveries(list), deliveries(list)))))
  await fc.assert(
    fc.asyncProperty(phases, fc.constantFrom(5 * MINUTE, 25 * MINUTE), async (lists, passedMs) => {
      const account = newAccount()
      const all: Delivered[] = []
      for (const [history, ...orders] of lists) {
        const baseMs = first.clock.nowMs()
        all.push(...history.map((placed) => ({ ...placed, baseMs })))
        for (const [at, member] of members.entries()) {
          await Promise.all((orders[at] ?? []).map((placed) => deliver(member, account, { ...placed, baseMs })))
        }
        for (const member of members) await expectReplayed(member, account, all)

        for (const member of members) member.clock.pass(passedMs)
        // One of them forgets at once what cannot matter any more, the other when it comes across it.
        await first.store.sweepNow()
        for (const member of members) await expectReplayed(member, account, all)
      }
    }),
    { numRuns: 200 },
  )
  // Nothing is remembered for ever: with time, both go back to nothing.
  for (const member of members) {
    member.clock.pass(40 * 24 * HOUR)
    // The first lets the data go, and may find that the rest can be forgotten only from a moment on that has passed, too.
    for (const _ of [1, 2, 3]) await member.store.sweepNow()
    expect(member.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
    expect(await member.exposeMetrics()).toContain('starling_storage_tombstones 0')
  }
})

test('any order and duplication of revocations gives the same list, and the same answer about any moment', async () => {
  await using first = await openTestStore()
  await using second = await openTestStore()
  const members = [first, second]
  const phases = fc
    .tuple(histories(revocationRequests, 8), histories(revocationRequests, 5))
    .chain((lists) => fc.tuple(...lists.map((list) => fc.tuple(fc.constant(list), deliveries(list), deliveries(list)))))
  await fc.assert(
    fc.asyncProperty(
      phases,
      fc.integer({ min: -9 * MINUTE * 1000, max: 0 }),
      fc.constantFrom(25 * MINUTE, 3 * DAY),
      async (lists, moment, passedMs) => {
        const account = newAccount()
        const all: Delivered[] = []
        for (const [history, ...orders] of lists) {
          const baseMs = first.clock.nowMs()
          all.push(...history.map((placed) => ({ ...placed, baseMs })))
          for (const [at, member] of members.entries()) {
            const { revocations } = member.store
            await Promise.all((orders[at] ?? []).map((placed) => deliver(member, account, { ...placed, baseMs })))
            expect(revocations.revoked(account)).toEqual(revokedTokens(all).map(tokenOf))
            const before = baseMs * 1000 + moment
            const revoked = revokedTokens(all, before)
            for (const token of [0, 1, 2, 3, 30]) {
              expect(revocations.isRevoked(account, tokenOf(token), before)).toBe(revoked.includes(token))
            }
          }
          for (const member of members) member.clock.pass(passedMs)
          await first.store.sweepNow()
        }
      },
    ),
    { numRuns: 100 },
  )
})
