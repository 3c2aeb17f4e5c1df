// Members that were away for hours and days get what they missed in any order, and sweep in between. Where the data of a message is
// gone by then, they get it from the others.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { expectLateMembersToAgree, latePhases } from './late-delivery.ts'
import { type Delivered, deliver, expectReplayed, newAccount } from './replay-delivery.ts'
import { lateMessageRequests, type Placed, type Request } from './replay-model.ts'
import { openTestStore } from './store-fixture.ts'

const INBOX = { namespace: 5, data: 'x' }
const [NEWER, OLDER] = [
  { namespace: -1, data: 'y' },
  { namespace: -1, data: 'x' },
]

const at = (ms: number, request: Request): Placed => ({ at: ms * 1000, request })
const store = (ms: number, wish: typeof INBOX, timestamp: number, expiry: number) =>
  at(ms, { kind: 'store', wish, timestamp, expiry })

/** What is known at once, and what comes long after that and is older than some of it. */
const cases: { name: string; known: readonly Placed[]; late: readonly Placed[] }[] = [
  {
    name: 'a store of what was deleted later',
    known: [at(0, { kind: 'delete', wishes: [INBOX] })],
    late: [store(-MINUTE, INBOX, -2 * MINUTE, 29 * DAY)],
  },
  {
    name: 'a second store of what was deleted later',
    known: [store(-2 * MINUTE, INBOX, -2 * MINUTE, HOUR), at(0, { kind: 'delete', wishes: [INBOX] })],
    late: [store(-MINUTE, INBOX, -2 * MINUTE, 29 * DAY)],
  },
  {
    name: 'a store of what was deleted with its namespace later',
    known: [at(0, { kind: 'deleteBefore', namespace: 5, before: -MINUTE })],
    late: [store(-MINUTE, INBOX, -2 * MINUTE, 29 * DAY), store(-MINUTE, { ...INBOX, data: 'y' }, 0, 29 * DAY)],
  },
  {
    name: 'a longer store of what was let end later',
    known: [
      store(-2 * MINUTE, INBOX, -2 * MINUTE, HOUR),
      at(-1, { kind: 'expire', mode: 'set', changes: [{ wish: INBOX, expiry: 0 }] }),
    ],
    late: [store(-MINUTE, INBOX, -2 * MINUTE, 29 * DAY)],
  },
  {
    name: 'a longer store of what was shortened with everything later',
    known: [store(-2 * MINUTE, INBOX, -2 * MINUTE, HOUR), at(-1, { kind: 'expireAll', namespace: 'all', expiry: 0 })],
    late: [store(-MINUTE, INBOX, -2 * MINUTE, 29 * DAY)],
  },
  {
    name: 'a store of what a newer message kept out of its outbox until it ended',
    known: [store(-5 * MINUTE, NEWER, -2 * MINUTE, -MINUTE)],
    late: [store(-3 * MINUTE, OLDER, -3 * MINUTE, 29 * DAY)],
  },
  {
    name: 'a deletion of what was stored again later',
    known: [store(-2 * MINUTE, INBOX, -2 * MINUTE, HOUR), store(0, INBOX, -2 * MINUTE, 29 * DAY)],
    late: [at(-MINUTE, { kind: 'delete', wishes: [INBOX] })],
  },
  {
    name: 'a deletion of everything before what was stored later',
    known: [store(-2 * MINUTE, INBOX, -2 * MINUTE, 29 * DAY), store(0, NEWER, -2 * MINUTE, 29 * DAY)],
    late: [at(-MINUTE, { kind: 'deleteAll', namespace: 'all' })],
  },
]

test.each(cases)('$name finds its place, minutes or weeks later', async ({ known, late }) => {
  await using member = await openTestStore()
  const baseMs = member.clock.nowMs()
  const accounts = [25 * MINUTE, 3 * DAY, 28 * DAY].map((ms) => ({ ms, account: newAccount(), all: [] as Delivered[] }))
  const deliverAll = async (list: readonly Placed[], { account, all }: (typeof accounts)[number]) => {
    for (const placed of list) {
      all.push({ ...placed, baseMs })
      await deliver(member, account, { ...placed, baseMs })
    }
  }
  for (const each of accounts) await deliverAll(known, each)
  for (const each of accounts) {
    member.clock.pass(baseMs + each.ms - member.clock.nowMs())
    for (const _ of [1, 2]) await member.store.sweepNow()
    await deliverAll(late, each)
    for (const { account, all } of accounts) await expectReplayed(member, account, all)
    await member.store.sweepNow()
    for (const { account, all } of accounts) await expectReplayed(member, account, all)
  }
  member.clock.pass(62 * DAY)
  for (const _ of [1, 2, 3]) await member.store.sweepNow()
  expect(await member.exposeMetrics()).toMatch(/starling_storage_messages 0\n[\s\S]*starling_storage_tombstones 0\n/)
})

test('who hears of everything hours and days late ends with the same, once members have given one another what they hold', async () => {
  await using punctual = await openTestStore()
  await using second = await openTestStore()
  await using third = await openTestStore()
  await fc.assert(
    fc.asyncProperty(latePhases(lateMessageRequests, 2), (phases) =>
      expectLateMembersToAgree([punctual, second, third], newAccount(), phases),
    ),
    { numRuns: 40 },
  )
})
