import { describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import { compareHashes } from '../../../src/protocol/message.ts'
import type { ExpireMode } from '../../../src/storage/operation.ts'
import { ALICE, aMessage, BOB, everything, openTestStore, START_MS } from './store-fixture.ts'

const LIFE = 100 * HOUR
const END = START_MS + LIFE

async function withMessage(mode: ExpireMode, expiryMs: number) {
  await using fixture = await openTestStore()
  const message = aMessage({ expiryMs: END })
  await fixture.store.store(message)
  const result = await fixture.store.expire(ALICE, [{ hash: message.hash, expiryMs }], mode)
  const [held] = await fixture.store.expiries(ALICE, [message.hash])
  const { messages } = await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })
  expect(messages[0]?.expiryMs).toBe(held?.expiryMs)
  return {
    updated: result.updated.length === 1,
    heldMs: held?.expiryMs,
    listed: [...result.updated, ...result.unchanged],
  }
}

describe('one message', () => {
  test.each<[ExpireMode, string, number, boolean]>([
    ['set', 'earlier', END - HOUR, true],
    ['set', 'equal', END, true],
    ['set', 'later', END + 1, true],
    ['shorten', 'earlier', END - 1, true],
    ['shorten', 'equal', END, false],
    ['shorten', 'later', END + DAY, false],
    ['extend', 'earlier', END - 1, false],
    ['extend', 'equal', END, false],
    ['extend', 'one hundredth of its life later', END + HOUR, true],
    ['extend', 'less than one hundredth of its life later', END + HOUR - 1, false],
    ['extend-any', 'barely later', END + 1, true],
    ['extend-any', 'equal', END, false],
    ['extend-any', 'earlier', END - 1, false],
  ])('%s to %s', async (mode, _, expiryMs, updated) => {
    const result = await withMessage(mode, expiryMs)
    expect(result.updated).toBe(updated)
    expect(result.heldMs).toBe(updated ? expiryMs : END)
    expect(result.listed).toMatchObject([{ expiryMs: updated ? expiryMs : END }])
  })
})

test('several messages, each with its own expiry, are listed sorted by hash, and unknown ones are not', async () => {
  await using fixture = await openTestStore()
  const messages = Array.from({ length: 8 }, (_, index) =>
    aMessage({ expiryMs: END, data: Buffer.alloc(index * 1_000, 'x') }),
  )
  await Promise.all(messages.map((message) => fixture.store.store(message)))
  const changes = messages.map(({ hash }, index) => ({ hash, expiryMs: END + (index % 2 === 0 ? DAY + index : -DAY) }))
  const result = await fixture.store.expire(
    ALICE,
    [...changes, { hash: aMessage().hash, expiryMs: END + DAY }],
    'extend',
  )
  const even = changes.filter((_, index) => index % 2 === 0).sort((a, b) => compareHashes(a.hash, b.hash))
  const odd = changes.filter((_, index) => index % 2 === 1).sort((a, b) => compareHashes(a.hash, b.hash))
  expect(result).toEqual({ updated: even, unchanged: odd.map(({ hash }) => ({ hash, expiryMs: END })) })
})

test('a hash named twice is listed once', async () => {
  await using fixture = await openTestStore()
  const message = aMessage({ expiryMs: END })
  await fixture.store.store(message)
  const change = { hash: message.hash, expiryMs: END + DAY }
  expect(await fixture.store.expire(ALICE, [change, change], 'extend')).toEqual({ updated: [change], unchanged: [] })
})

test('expire_all only shortens, in one namespace or all', async () => {
  await using fixture = await openTestStore()
  const messages = [0, 0, 5].map((namespace, index) => aMessage({ namespace, expiryMs: END + index * HOUR }))
  const others = aMessage({ account: BOB, expiryMs: END + DAY })
  await Promise.all([...messages, others].map((message) => fixture.store.store(message)))
  const [, second, third] = messages.map(({ hash, namespace }) => ({ namespace, hash }))
  expect(await fixture.store.expireAll(ALICE, 0, END)).toEqual([second])
  expect(await fixture.store.expireAll(ALICE, 'all', END + HOUR)).toEqual([third])
  expect(await fixture.store.expireAll(ALICE, 'all', END + DAY)).toEqual([])
  expect(await fixture.store.expiries(BOB, [others.hash])).toMatchObject([{ expiryMs: END + DAY }])
})

test('a message whose expiry is set to the past is gone at once', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  await fixture.store.store(message)
  const change = { hash: message.hash, expiryMs: START_MS - 1 }
  expect(await fixture.store.expire(ALICE, [change], 'set')).toEqual({ updated: [change], unchanged: [] })
  expect(await fixture.store.expire(ALICE, [{ ...change, expiryMs: END }], 'set')).toEqual({
    updated: [],
    unchanged: [],
  })
  expect((await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })).messages).toEqual([])
})

test('an end that is brought forward hundreds of times within minutes stays readable, and the message can be deleted', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const message = aMessage()
  await store.store(message)
  const times = 300
  for (let time = 1; time <= times; time++) await store.expireAll(ALICE, 'all', message.expiryMs - time)
  const expiries = await store.expiries(ALICE, [message.hash])
  expect(expiries).toEqual([{ hash: message.hash, expiryMs: message.expiryMs - times }])
  expect(await store.delete(ALICE, [message.hash])).toEqual([message.hash])
})

test('a message of which a node tells hundreds of stores with one stamp stays readable', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const message = aMessage()
  const stores = Array.from({ length: 300 }, (_, at) =>
    store.store({ ...message, expiryMs: message.expiryMs + at }, { stamp: 1 }),
  )
  await Promise.all(stores)
  expect(await store.delete(ALICE, [message.hash])).toEqual([message.hash])
})
