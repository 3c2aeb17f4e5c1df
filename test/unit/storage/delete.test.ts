import { expect, test } from 'vitest'
import { compareHashes, type StoredMessage } from '../../../src/protocol/message.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { ALICE, aMessage, BOB, everything, openTestStore, START_MS } from './store-fixture.ts'

const NOTHING = { messages: 0, dataBytes: 0 }
const sortedHashes = (messages: readonly StoredMessage[]) => messages.map(({ hash }) => hash).sort(compareHashes)
const sortedPlaces = (messages: readonly StoredMessage[]) =>
  messages.map(({ namespace, hash }) => ({ namespace, hash })).sort((a, b) => compareHashes(a.hash, b.hash))

async function filled() {
  const fixture = await openTestStore()
  const messages = [-1, 0, 0, 0, 5, 5].map((namespace, index) =>
    aMessage({ namespace, timestampMs: START_MS + index, data: Buffer.alloc(index * 1_500, index) }),
  )
  const others = aMessage({ account: BOB })
  await Promise.all([...messages, others].map((message) => fixture.store.store(message)))
  return { fixture, messages, others }
}

test('delete returns those that were held, sorted, and only once', async () => {
  const { fixture, messages, others } = await filled()
  await using _ = fixture
  const hashes = messages.map(({ hash }) => hash)
  expect(await fixture.store.delete(ALICE, [...hashes, ...hashes, others.hash])).toEqual(sortedHashes(messages))
  expect(await fixture.store.delete(ALICE, hashes)).toEqual([])
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: others.data.length })
})

test('delete_all takes one namespace, or all of the account and nothing of another', async () => {
  const { fixture, messages, others } = await filled()
  await using _ = fixture
  expect(await fixture.store.deleteAll(ALICE, 5)).toEqual(sortedPlaces(messages.slice(4)))
  expect(await fixture.store.deleteAll(ALICE, 'all')).toEqual(sortedPlaces(messages.slice(0, 4)))
  expect(await fixture.store.deleteAll(ALICE, 'all')).toEqual([])
  expect((await fixture.store.retrieve({ account: BOB, namespace: 0, ...everything })).messages).toEqual([others])
  await fixture.store.delete(BOB, [others.hash])
  expect(fixture.store.statistics()).toEqual(NOTHING)
})

test('delete_before takes messages of that moment and earlier', async () => {
  const { fixture, messages } = await filled()
  await using _ = fixture
  expect(await fixture.store.deleteBefore(ALICE, 0, START_MS + 2)).toEqual(sortedPlaces(messages.slice(1, 3)))
  expect(await fixture.store.deleteBefore(ALICE, 'all', START_MS + 4)).toEqual(
    sortedPlaces([messages[0], messages[3], messages[4]].filter((message) => message !== undefined)),
  )
})

test('deleting sees stores that are not written yet, and stores see deletions', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  const results = await Promise.all([
    fixture.store.store(message),
    fixture.store.delete(ALICE, [message.hash]),
    fixture.store.store(message),
    fixture.store.deleteAll(ALICE, 0),
    fixture.store.store(message),
  ])
  expect(results).toMatchObject([
    { outcome: 'new' },
    [message.hash],
    { outcome: 'new' },
    [{ hash: message.hash }],
    { outcome: 'new' },
  ])
  expect(fixture.store.statistics().messages).toBe(1)
})

test('more messages than a batch holds are deleted at once', async () => {
  await using fixture = await openTestStore({ batchRecordsMax: 20 })
  const messages = Array.from({ length: 300 }, () => aMessage())
  await Promise.all(messages.map((message) => fixture.store.store(message)))
  expect(await fixture.store.deleteAll(ALICE, 'all')).toEqual(sortedPlaces(messages))
  await fixture.reopen()
  expect(fixture.store.statistics()).toEqual(NOTHING)
})

test('an emptied database keeps no record of the account', async () => {
  const { fixture } = await filled()
  await using _ = fixture
  await fixture.store.deleteAll(ALICE, 'all')
  await fixture.store.deleteAll(BOB, 'all')
  fixture.clock.pass(40 * 24 * 3_600_000)
  await fixture.store.sweepNow()
  await fixture.store[Symbol.asyncDispose]()
  await using database = await openDatabase({ ...defaultStorageOptions, path: fixture.path })
  expect((await database.keys().all()).map((key) => key.toString('hex'))).toEqual(['0000', '0001'])
})
