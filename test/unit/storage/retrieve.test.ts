import { describe, expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import type { MessageHash, StoredMessage } from '../../../src/protocol/message.ts'
import { retrievalCost } from '../../../src/storage/retrieval.ts'
import { ALICE, aMessage, everything, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

async function fill({ store }: TestStore, count: number, changes: Parameters<typeof aMessage>[0] = {}) {
  const messages = Array.from({ length: count }, () => aMessage(changes))
  await Promise.all(messages.map((message) => store.store(message)))
  return messages
}

const hashesOf = (messages: readonly StoredMessage[]) => messages.map(({ hash }) => hash)
const inbox = { account: ALICE, namespace: 0, ...everything }

describe('limits', () => {
  // Check values of the client protocol: 70,000 bytes of data cost 93,476.
  test.each([
    [7_800_000, 83],
    [2_600_000, 27],
    [1_560_000, 16],
    [500_000, 5],
    [600_000, 6],
    [700_000, 7],
  ])('a size of %i takes %i messages of 70,000 bytes', async (sizeMax, count) => {
    await using fixture = await openTestStore()
    const messages = await Promise.all(
      Array.from({ length: count + 1 }, async (_, index) => {
        const message = aMessage({ data: Buffer.alloc(70_000, `${index}/`) })
        await fixture.store.store(message)
        return message
      }),
    )
    const retrieved = await fixture.store.retrieve({ account: ALICE, namespace: 0, sizeMax })
    expect(retrieved.messages).toHaveLength(count)
    expect(retrieved.more).toBe(true)
    await fixture.store.delete(ALICE, [messages[count]?.hash ?? aMessage().hash])
    expect((await fixture.store.retrieve({ account: ALICE, namespace: 0, sizeMax })).more).toBe(false)
  })

  test('a message costs 100, its hash, and its data in base64', () => {
    expect(retrievalCost(70_000)).toBe(93_476)
    expect(retrievalCost(0)).toBe(143)
  })

  test('a message that just fits is returned, and one byte less leaves it for the next time', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 3, {})
    const size = messages.reduce((sum, { data }) => sum + retrievalCost(data.length), 0)
    expect(await fixture.store.retrieve({ ...inbox, sizeMax: size })).toEqual({ messages, more: false })
    const less = await fixture.store.retrieve({ ...inbox, sizeMax: size - 1 })
    expect(less).toEqual({ messages: messages.slice(0, 2), more: true })
  })

  test('one message is returned however little is asked for', async () => {
    await using fixture = await openTestStore()
    const [first] = await fill(fixture, 2)
    expect(await fixture.store.retrieve({ ...inbox, sizeMax: 1 })).toEqual({ messages: [first], more: true })
  })

  test('there is no more when the last message is exactly the limit', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 5)
    expect(await fixture.store.retrieve({ ...inbox, countMax: 5 })).toEqual({ messages, more: false })
    expect(await fixture.store.retrieve({ ...inbox, countMax: 4 })).toEqual({
      messages: messages.slice(0, 4),
      more: true,
    })
  })

  test('there is no more when only expired messages follow', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 2)
    await fill(fixture, 3, { expiryMs: START_MS + 1 })
    fixture.clock.pass(1)
    expect(await fixture.store.retrieve({ ...inbox, countMax: 2 })).toEqual({ messages, more: false })
  })

  test('more than a page is walked in order', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 333)
    expect(hashesOf((await fixture.store.retrieve(inbox)).messages)).toEqual(hashesOf(messages))
  })
})

describe('the cursor', () => {
  test('pages through everything once', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 10)
    const seen: MessageHash[] = []
    for (let more = true; more; ) {
      const last = seen.at(-1)
      const page = await fixture.store.retrieve({ ...inbox, countMax: 3, ...(last && { afterHash: last }) })
      seen.push(...hashesOf(page.messages))
      more = page.more
    }
    expect(seen).toEqual(hashesOf(messages))
  })

  test('starts from the beginning when it is unknown or of another namespace', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 3)
    const [other] = await fill(fixture, 1, { namespace: 1 })
    for (const afterHash of [aMessage().hash, other?.hash ?? aMessage().hash]) {
      expect((await fixture.store.retrieve({ ...inbox, afterHash })).messages).toEqual(messages)
    }
  })

  test('is unknown when the last digit of its hash differs in the spare bits', async () => {
    await using fixture = await openTestStore()
    const [first] = await fill(fixture, 2)
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const hash = first?.hash ?? aMessage().hash
    const similar = (hash.slice(0, 42) + digits[digits.indexOf(hash[42] ?? 'A') + 1]) as MessageHash
    expect((await fixture.store.retrieve({ ...inbox, afterHash: similar })).messages).toHaveLength(2)
    expect(await fixture.store.delete(ALICE, [similar])).toEqual([])
  })

  test('still counts at an expired message that is not swept yet', async () => {
    await using fixture = await openTestStore()
    const [first] = await fill(fixture, 1, { expiryMs: START_MS + HOUR })
    const [second] = await fill(fixture, 1)
    const query = { ...inbox, afterHash: first?.hash ?? aMessage().hash }
    fixture.clock.pass(HOUR)
    expect((await fixture.store.retrieve(query)).messages).toEqual([second])
  })
})

describe('in reverse', () => {
  test('the newest comes first and the cursor leads to older ones', async () => {
    await using fixture = await openTestStore()
    const messages = await fill(fixture, 5)
    const newestFirst = messages.toReversed()
    const query = { ...inbox, reverse: true, countMax: 3 }
    const page = await fixture.store.retrieve(query)
    expect(page).toEqual({ messages: newestFirst.slice(0, 3), more: true })
    const afterHash = page.messages.at(-1)?.hash ?? aMessage().hash
    expect(await fixture.store.retrieve({ ...query, afterHash })).toEqual({
      messages: newestFirst.slice(3),
      more: false,
    })
    expect((await fixture.store.retrieve({ ...query, afterHash: aMessage().hash })).messages).toEqual(
      newestFirst.slice(0, 3),
    )
  })
})

test('a message is not returned or reported from its expiry on', async () => {
  await using fixture = await openTestStore()
  const [message] = await fill(fixture, 1, { expiryMs: START_MS + HOUR })
  const hash = message?.hash ?? aMessage().hash
  fixture.clock.pass(HOUR - 1)
  expect((await fixture.store.retrieve(inbox)).messages).toHaveLength(1)
  expect(await fixture.store.expiries(ALICE, [hash, hash])).toEqual([{ hash, expiryMs: START_MS + HOUR }])
  fixture.clock.pass(1)
  expect((await fixture.store.retrieve(inbox)).messages).toEqual([])
  expect(await fixture.store.expiries(ALICE, [hash])).toEqual([])
  expect(await fixture.store.expireAll(ALICE, 'all', 0)).toEqual([])
  expect(await fixture.store.deleteAll(ALICE, 'all')).toEqual([])
  expect(await fixture.store.delete(ALICE, [hash])).toEqual([])
})
