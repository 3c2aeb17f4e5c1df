import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hex } from '../../../../src/staking/chain-reply.ts'
import {
  type LedgerContributor,
  type LedgerEvent,
  type LedgerNode,
  periodOf,
} from '../../../../src/staking/rewards/ledger-event.ts'
import { type LedgerRules, LedgerState } from '../../../../src/staking/rewards/ledger-state.ts'
import { defaultRewardsOptions, ledgerRules } from '../../../../src/staking/rewards/options.ts'
import { dividedShare, dividedStake } from '../../../../src/staking/rewards/shares.ts'
import { rewardsRoot } from '../../../../src/staking/rewards/snapshot.ts'

const address = (digit: string): Hex => `0x${digit.repeat(40)}`
const [ALICE, BOB, CAROL, DAN] = [address('a'), address('b'), address('c'), address('d')]
const stake = (owner: Hex, stakedAtomic: bigint, beneficiary = owner): LedgerContributor => ({
  owner,
  beneficiary,
  stakedAtomic,
})
const aNode = (id: bigint, overrides: Partial<LedgerNode> = {}): LedgerNode => ({
  id,
  bls: id.toString(16).padStart(128, '0'),
  feeBasisPoints: 0,
  contributors: [stake(ALICE, 100n)],
  ...overrides,
})

describe('a share', () => {
  test('is divided as computed by hand: the fee, then by stake, and what rounding leaves over is the operator’s', () => {
    // 12.34 % of 1,000 is 123; of the other 877, three quarters are 657 and one is 219; 1 is left over.
    const node = aNode(1n, { feeBasisPoints: 1234, contributors: [stake(ALICE, 3000n, CAROL), stake(BOB, 1000n)] })
    expect(dividedShare(1000n, node)).toEqual([
      { address: CAROL, amountAtomic: 124n },
      { address: CAROL, amountAtomic: 657n },
      { address: BOB, amountAtomic: 219n },
    ])
  })

  test('goes by stake alone without a fee, and to the operator alone with the whole as fee or more', () => {
    const contributors = [stake(ALICE, 25n), stake(BOB, 75n)]
    const paid = (feeBasisPoints: number) => dividedShare(200n, aNode(1n, { feeBasisPoints, contributors }))
    expect(paid(0).map(({ amountAtomic }) => amountAtomic)).toEqual([0n, 50n, 150n])
    expect(paid(10_000).map(({ amountAtomic }) => amountAtomic)).toEqual([200n, 0n, 0n])
    expect(paid(65_535)).toEqual(paid(10_000))
  })

  test('is given out whole, whatever the numbers', () => {
    const stakes = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.nat(65_535), stakes, (share, feeBasisPoints, amounts) => {
        const node = aNode(1n, { feeBasisPoints, contributors: amounts.map((amount) => stake(BOB, amount)) })
        const payments = dividedShare(share, node).map(({ amountAtomic }) => amountAtomic)
        expect(payments.every((amount) => amount >= 0n)).toBe(true)
        expect(payments.reduce((sum, amount) => sum + amount, 0n)).toBe(share)
      }),
    )
  })
})

describe('a stake that comes back', () => {
  const contributors = [stake(ALICE, 60n, DAN), stake(BOB, 40n)]
  const back = (returned: bigint) => dividedStake(contributors, returned).map(({ amountAtomic }) => amountAtomic)

  test('is each contributor’s own, and what is missing is the operator’s loss', () => {
    expect(dividedStake(contributors, 95n)).toEqual([
      { address: ALICE, amountAtomic: 55n },
      { address: BOB, amountAtomic: 40n },
    ])
    expect(back(100n)).toEqual([60n, 40n])
  })

  test('is never less than nothing: what the operator cannot lose, the next contributor does', () => {
    expect(back(30n)).toEqual([0n, 30n])
    expect(back(0n)).toEqual([0n, 0n])
  })

  test('is never more than was staked', () => {
    expect(back(1000n)).toEqual([60n, 40n])
  })
})

describe('the ledger', () => {
  const rules: LedgerRules = { agePeriods: 1, lockPeriods: 3, membersMax: 10 }
  const ledgerOf = (...events: readonly LedgerEvent[]) => {
    const ledger = new LedgerState(rules)
    for (const event of events) ledger.apply(event)
    return ledger
  }
  const registered = (period: number, node: LedgerNode): LedgerEvent => ({ kind: 'registered', period, node })
  const released = (period: number, amountAtomic: bigint): LedgerEvent => ({ kind: 'released', period, amountAtomic })
  const exited = (period: number, id: bigint, returnedAtomic: bigint): LedgerEvent => ({
    kind: 'exited',
    period,
    id,
    returnedAtomic,
  })
  const totalsAt = (ledger: LedgerState, period: number) => {
    const copy = ledger.copy()
    copy.closeThrough(period)
    return Object.fromEntries(copy.totals())
  }
  const second = aNode(2n, { contributors: [stake(BOB, 100n)] })

  test('gives a period’s release to those that were members at both its ends, and carries the remainder on', () => {
    const first = [registered(10, aNode(1n)), registered(11, second), released(11, 100n)]
    expect(totalsAt(ledgerOf(...first), 10)).toEqual({})
    expect(totalsAt(ledgerOf(...first), 11)).toEqual({ [ALICE]: 100n })
    const later = ledgerOf(...first, released(12, 60n), released(12, 41n), released(13, 100n))
    // 101 are 50 each, and 1 stays; with the 100 of the next period it is 101 again.
    expect(totalsAt(later, 12)).toEqual({ [ALICE]: 150n, [BOB]: 50n })
    expect(totalsAt(later, 13)).toEqual({ [ALICE]: 200n, [BOB]: 100n })
    expect(later.content().potAtomic).toBe(101n)
  })

  test('keeps what was released while nobody could earn for those that can later', () => {
    expect(totalsAt(ledgerOf(released(3, 70n), registered(5, aNode(1n))), 6)).toEqual({ [ALICE]: 70n })
    expect(totalsAt(ledgerOf(released(3, 70n), registered(5, aNode(1n))), 5)).toEqual({})
  })

  test('promises nothing of what the pool pays somebody else', () => {
    const redirected = (period: number, paysContract: boolean): LedgerEvent => ({
      kind: 'redirected',
      period,
      paysContract,
    })
    const events = [registered(1, aNode(1n)), released(2, 10n), redirected(2, false), released(2, 5n), released(4, 5n)]
    expect(totalsAt(ledgerOf(...events), 9)).toEqual({ [ALICE]: 10n })
    expect(
      ledgerOf(...events)
        .copy()
        .content().isPaid,
    ).toBe(false)
    expect(totalsAt(ledgerOf(...events, redirected(5, true), released(5, 3n)), 9)).toEqual({ [ALICE]: 13n })
  })

  test('changes nothing in a period without a release', () => {
    const ledger = ledgerOf(registered(1, aNode(1n)), released(2, 10n))
    expect(totalsAt(ledger, 2)).toEqual(totalsAt(ledger, 3))
    expect(totalsAt(ledger, 3)).toEqual({ [ALICE]: 10n })
  })

  test('gives no share to a member that leaves in the period', () => {
    const ledger = ledgerOf(registered(1, aNode(1n)), registered(1, second), released(2, 10n), exited(2, 2n, 100n))
    expect(totalsAt(ledger, 2)).toEqual({ [ALICE]: 10n, [BOB]: 100n })
  })

  test('makes a returned stake usable at the end of its period, and a liquidated one after the lock', () => {
    const left = ledgerOf(registered(1, second), exited(4, 2n, 100n))
    expect(totalsAt(left, 3)).toEqual({})
    expect(totalsAt(left, 4)).toEqual({ [BOB]: 100n })
    const liquidated = ledgerOf(registered(1, second), { kind: 'liquidated', period: 4, id: 2n }, exited(4, 2n, 99n))
    expect(totalsAt(liquidated, 6)).toEqual({})
    expect(totalsAt(liquidated, 7)).toEqual({ [BOB]: 99n })
    expect(liquidated.memberCount).toBe(0)
  })

  test('lets a member earn only when it is old enough', () => {
    const strict = new LedgerState({ ...rules, agePeriods: 3 })
    for (const event of [registered(1, aNode(1n)), released(2, 9n)]) strict.apply(event)
    expect(totalsAt(strict, 3)).toEqual({})
    expect(totalsAt(strict, 4)).toEqual({ [ALICE]: 9n })
  })

  test('pays a node without contributors nothing', () => {
    expect(totalsAt(ledgerOf(registered(1, aNode(1n, { contributors: [] })), released(2, 9n)), 5)).toEqual({})
  })

  test('refuses logs that do not fit one another', () => {
    const refused = expect.objectContaining({ code: 'LOGS_INCONSISTENT' })
    expect(() => ledgerOf(exited(1, 1n, 1n))).toThrow(refused)
    expect(() => ledgerOf({ kind: 'liquidated', period: 1, id: 1n })).toThrow(refused)
    expect(() => ledgerOf(registered(1, aNode(1n)), registered(1, aNode(1n)))).toThrow(refused)
    expect(() => ledgerOf(released(5, 1n), released(4, 1n))).toThrow(refused)
    const huge = ledgerOf(registered(1, aNode(1n)), released(2, 2n ** 256n))
    expect(() => huge.closeThrough(2)).toThrow(refused)
  })

  test('refuses more members than it may hold', () => {
    const small = new LedgerState({ ...rules, membersMax: 1 })
    small.apply(registered(1, aNode(1n)))
    expect(() => small.apply(registered(1, second))).toThrow(expect.objectContaining({ code: 'MEMBERS_TOO_MANY' }))
  })

  test('comes to the same whether its periods are ended one by one or all at once', () => {
    const anyEvents = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('registered' as const), step: fc.nat(5) }),
        fc.record({
          kind: fc.constant('released' as const),
          step: fc.nat(5),
          amount: fc.bigInt({ min: 0n, max: 50n }),
        }),
        fc.record({ kind: fc.constant('exited' as const), step: fc.nat(5), locked: fc.boolean() }),
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(anyEvents, (steps) => {
        const [oneByOne, atOnce] = [new LedgerState(rules), new LedgerState(rules)]
        let [period, registrations, exits] = [1, 0n, 0n]
        let brought = 0n
        for (const step of steps) {
          for (let next = period; next < period + step.step; next++) oneByOne.closeThrough(next)
          period += step.step
          const events: LedgerEvent[] = []
          if (step.kind === 'released') {
            events.push(released(period, step.amount))
            brought += step.amount
          } else if (step.kind === 'registered') {
            if (registrations - exits < 10n) events.push(registered(period, aNode(++registrations)))
          } else if (exits < registrations) {
            exits++
            if (step.locked) events.push({ kind: 'liquidated', period, id: exits })
            events.push(exited(period, exits, 90n))
            brought += 90n
          }
          for (const event of events) for (const ledger of [oneByOne, atOnce]) ledger.apply(event)
        }
        for (let next = period; next <= period + 9; next++) oneByOne.closeThrough(next)
        atOnce.closeThrough(period + 9)
        expect(Object.fromEntries(atOnce.totals())).toEqual(Object.fromEntries(oneByOne.totals()))
        // Nothing is promised that did not come in, and nothing is lost but what still waits in the pot.
        const promised = [...atOnce.totals().values()].reduce((sum, total) => sum + total, 0n)
        expect(promised + atOnce.content().potAtomic).toBe(brought)
      }),
    )
  })
})

describe('the rules', () => {
  test('count whole periods', () => {
    expect(ledgerRules(defaultRewardsOptions, { membersMax: 5 })).toEqual({
      agePeriods: 1,
      lockPeriods: 30,
      membersMax: 5,
    })
    const short = { ...defaultRewardsOptions, periodS: 20, ageMinS: 0, liquidationLockS: 61 }
    expect(ledgerRules(short, { membersMax: 5 })).toMatchObject({ agePeriods: 1, lockPeriods: 4 })
    expect(() => ledgerRules({ ...short, periodS: 0 }, { membersMax: 5 })).toThrow(
      expect.objectContaining({ code: 'STAKING_OPTIONS_INVALID' }),
    )
  })

  test('place a block at a boundary in the period that ends there', () => {
    expect([0n, 1n, 86_400n, 86_401n].map((timestampS) => periodOf(timestampS, 86_400))).toEqual([0, 1, 1, 2])
  })
})

interface RootVector {
  name: string
  totals: Record<Hex, string>
  root: string
}
const { vectors } = JSON.parse(readFileSync('test/vectors/rewards-root.json', 'utf8')) as { vectors: RootVector[] }

test.each(vectors)('the root of $name', ({ totals, root }) => {
  const entries = Object.entries(totals).map(([owner, total]) => [owner as Hex, BigInt(total)] as const)
  expect(rewardsRoot(new Map(entries))).toBe(root)
})
