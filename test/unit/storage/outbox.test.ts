// Namespaces such as -1 keep only the newest message, and every member has to end with the same one.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import { ALICE, aMessage, everything, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

const OUTBOX = -21
const inOutbox = async ({ store }: TestStore) =>
  (await store.retrieve({ account: ALICE, namespace: OUTBOX, ...everything })).messages

test('the newest timestamp wins and an older message is obsolete', async () => {
  await using fixture = await openTestStore()
  const [older, middle, newer] = [1, 2, 3].map((ms) => aMessage({ namespace: OUTBOX, timestampMs: START_MS + ms }))
  if (!older || !middle || !newer) throw new Error('unreachable')
  expect(await fixture.store.store(middle)).toMatchObject({ outcome: 'new' })
  expect(await fixture.store.store(older)).toMatchObject({ outcome: 'obsolete' })
  expect(await inOutbox(fixture)).toEqual([middle])
  expect(await fixture.store.store(newer)).toMatchObject({ outcome: 'new' })
  expect(await inOutbox(fixture)).toEqual([newer])
  expect(await fixture.store.expiries(ALICE, [middle.hash])).toEqual([])
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: newer.data.length })
})

test('the same message again only extends its expiry', async () => {
  await using fixture = await openTestStore()
  const message = aMessage({ namespace: OUTBOX })
  await fixture.store.store(message)
  const again = { ...message, timestampMs: START_MS + HOUR, expiryMs: START_MS + 2 * DAY }
  expect(await fixture.store.store(again)).toEqual({ outcome: 'extended', expiryMs: again.expiryMs })
  expect(await inOutbox(fixture)).toEqual([{ ...message, expiryMs: again.expiryMs }])
})

test('a message that has expired gives way to an older one', async () => {
  await using fixture = await openTestStore()
  const expired = aMessage({ namespace: OUTBOX, timestampMs: START_MS + 9, expiryMs: START_MS + HOUR })
  const older = aMessage({ namespace: OUTBOX, data: Buffer.alloc(5_000) })
  await fixture.store.store(expired)
  fixture.clock.pass(HOUR)
  expect(await fixture.store.store(older)).toMatchObject({ outcome: 'new' })
  expect(await inOutbox(fixture)).toEqual([older])
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: 5_000 })
})

test('long data leaves no body behind when short data follows in its place', async () => {
  await using fixture = await openTestStore()
  const long = aMessage({ namespace: OUTBOX, data: Buffer.alloc(20_000, 1) })
  const short = aMessage({ namespace: OUTBOX, timestampMs: START_MS + 1 })
  const longAgain = aMessage({ namespace: OUTBOX, timestampMs: START_MS + 2, data: Buffer.alloc(20_000, 2) })
  for (const message of [long, short, longAgain]) {
    await fixture.store.store(message)
    expect(await inOutbox(fixture)).toEqual([message])
  }
})

test('a cursor at the one message finds nothing more, and a cursor at a replaced one starts over', async () => {
  await using fixture = await openTestStore()
  const [first, second] = [1, 2].map((ms) => aMessage({ namespace: OUTBOX, timestampMs: START_MS + ms }))
  if (!first || !second) throw new Error('unreachable')
  await fixture.store.store(first)
  const after = { account: ALICE, namespace: OUTBOX, afterHash: first.hash, ...everything }
  expect(await fixture.store.retrieve(after)).toEqual({ messages: [], more: false })
  await fixture.store.store(second)
  expect(await fixture.store.retrieve(after)).toEqual({ messages: [second], more: false })
})

test('any order of the same stores ends with the same message', async () => {
  await using fixture = await openTestStore()
  let round = 0
  const timestamps = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 })
  const stores = timestamps.chain((list) => {
    const indices = list.map((_, index) => index)
    const shuffled = fc.shuffledSubarray(indices, { minLength: list.length })
    return fc.tuple(fc.constant(list), shuffled, shuffled)
  })
  await fc.assert(
    fc.asyncProperty(stores, async ([list, ...orders]) => {
      round++
      const ends = []
      for (const order of orders) {
        await fixture.store.deleteAll(ALICE, OUTBOX)
        const messages = list.map((ms, index) =>
          aMessage({ namespace: OUTBOX, timestampMs: START_MS + ms, data: Buffer.from(`${round}/${index}`) }),
        )
        await Promise.all(order.map((index) => fixture.store.store(messages[index] ?? aMessage())))
        ends.push(await inOutbox(fixture))
      }
      expect(ends[0]).toEqual(ends[1])
      expect(ends[0]).toHaveLength(1)
    }),
    { numRuns: 50 },
  )
})
