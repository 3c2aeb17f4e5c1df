// Members of which one hears of everything in time, and others hours and days later; and how they hand one another what they hold.
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { ContentsCursor, HeldMessage } from '../../../src/protocol/contents.ts'
import { contents, type Delivered, deliver, expectReplayed } from './replay-delivery.ts'
import { deliveries, histories, type Placed, type Request } from './replay-model.ts'
import type { TestStore } from './store-fixture.ts'

/** What happens in a while: everything is placed in its first minutes. */
export interface Phase {
  readonly placed: readonly Placed[]
  /** What the punctual member gets, in its order. */
  readonly order: readonly Placed[]
  readonly passedMs: number
  /** For each of the others: in which phase each request reaches it, and whether it sweeps at the end of this one. */
  readonly others: readonly { readonly delays: readonly number[]; readonly sweeps: boolean }[]
}

/** Late members have most of a phase at its end, and the rest later. */
const delays = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
)

export function latePhases(requests: fc.Arbitrary<Request>, others: number): fc.Arbitrary<Phase[]> {
  const phase = histories(requests, 8).chain((placed) =>
    fc.record({
      placed: fc.constant(placed),
      order: deliveries(placed),
      passedMs: fc.constantFrom(5 * MINUTE, 25 * MINUTE, 5 * HOUR, 3 * 24 * HOUR),
      others: fc.tuple(
        ...Array.from({ length: others }, () =>
          fc.record({
            delays: fc.array(delays, { minLength: placed.length, maxLength: placed.length }),
            sweeps: fc.boolean(),
          }),
        ),
      ),
    }),
  )
  return fc.array(phase, { minLength: 2, maxLength: 3, size: 'max' })
}

/** Everything is delivered, and everybody hands everything to everybody: then all hold what the model says. */
export async function expectLateMembersToAgree(
  [punctual, ...late]: readonly [TestStore, ...TestStore[]],
  account: AccountId,
  phases: readonly Phase[],
): Promise<void> {
  const all: Delivered[] = []
  const startMs = punctual.clock.nowMs()
  const waiting = late.map(() => [] as { due: number; delivered: Delivered }[])
  const deliverDue = async (phase: number) => {
    for (const [index, member] of late.entries()) {
      const due = waiting[index]?.filter((each) => each.due <= phase) ?? []
      waiting[index] = waiting[index]?.filter((each) => each.due > phase) ?? []
      // The latest first: whoever was away hears of the newest first.
      await Promise.all(due.reverse().map(({ delivered }) => deliver(member, account, delivered, sentAs(delivered))))
    }
  }
  for (const [at, { placed, order, passedMs, others }] of phases.entries()) {
    const baseMs = punctual.clock.nowMs()
    const toDeliver = new Map(placed.map((each) => [each, { ...withOneTimestamp(each, baseMs - startMs), baseMs }]))
    all.push(...toDeliver.values())
    await Promise.all(
      order.map((each) => {
        const delivered = toDeliver.get(each) ?? { ...each, baseMs }
        return deliver(punctual, account, delivered, sentAs(delivered))
      }),
    )
    for (const [index, { delays }] of others.entries()) {
      waiting[index]?.push(
        ...[...toDeliver.values()].map((delivered, i) => ({ due: at + (delays[i] ?? 0), delivered })),
      )
    }
    await deliverDue(at)
    await expectReplayed(punctual, account, all)
    for (const member of [punctual, ...late]) member.clock.pass(passedMs)
    await punctual.store.sweepNow()
    await Promise.all(late.map((member, index) => (others[index]?.sweeps ? member.store.sweepNow() : undefined)))
  }
  await deliverDue(Number.POSITIVE_INFINITY)
  await exchange(late, account)
  await expectSame(late, account)
  await exchange([punctual, ...late], account)
  for (const member of [punctual, ...late]) await expectReplayed(member, account, all)
}

/** The same for everybody: what the owner signed, as far as storage looks at it. */
function sentAs(delivered: Delivered): Uint8Array {
  return Buffer.from(JSON.stringify(delivered))
}

/**
 * All stores of a message say the same moment, whenever they are made. Else it would matter which one counts as the first, and who has
 * forgotten what ended takes another for it than who has not.
 */
function withOneTimestamp(placed: Placed, passedMs: number): Placed {
  const { request } = placed
  return request.kind === 'store'
    ? { ...placed, request: { ...request, timestamp: request.timestamp - passedMs } }
    : placed
}

async function expectSame(members: readonly TestStore[], account: AccountId): Promise<void> {
  const [first, ...rest] = await Promise.all(members.map((member) => contents(member, account)))
  for (const each of rest) expect(each).toEqual(first)
}

/** Everybody takes from everybody, as often as anything changes. */
export async function exchange(members: readonly TestStore[], account: AccountId): Promise<void> {
  for (let round = 0; round < members.length + 1; round++) {
    let isChanged = false
    for (const from of members) {
      const held = await heldBy(from, account)
      for (const to of members) {
        if (to === from || held.length === 0) continue
        const outcomes = await to.store.contents.adopt(held)
        isChanged ||= outcomes.some((outcome) => outcome === 'new' || outcome === 'changed')
      }
    }
    if (!isChanged) return
  }
  throw new Error('An exchange does not come to an end')
}

export const EVERYWHERE = { first: 0n, last: 2n ** 64n - 1n }

export async function heldBy({ store }: TestStore, account: AccountId): Promise<HeldMessage[]> {
  const found: HeldMessage[] = []
  const first = Number.parseInt(account.slice(2, 4), 16)
  let after: ContentsCursor | undefined
  do {
    const page = await store.contents.page({ arc: EVERYWHERE, first, last: first, after, sizeMax: 20_000 })
    for (const item of page.items) if (item.kind === 'message' && item.message.account === account) found.push(item)
    after = page.next
  } while (after !== undefined)
  return found
}
