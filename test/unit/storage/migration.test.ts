// A database as schema version 1 wrote it, byte by byte, is brought along and goes on.
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { StoredMessage } from '../../../src/protocol/message.ts'
import { type Database, openDatabase } from '../../../src/storage/database.ts'
import { encodeExpiryEntry, expiryBucket } from '../../../src/storage/expiry-entry.ts'
import * as keys from '../../../src/storage/keys.ts'
import { encodeRow } from '../../../src/storage/message-codec.ts'
import { beginMigration } from '../../../src/storage/migration.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { bringSchemaAlong } from '../../../src/storage/schema-version.ts'
import { interceptWrites } from './intercepted-database.ts'
import { ALICE, aMessage, BOB, everything, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

const VERSION_1 = Buffer.from([0, 0, 0, 1])
const TOKENS = [1, 2].map((number) => Buffer.alloc(36, number))

const u16 = (value: number) => number(value, 2)
const u32 = (value: number) => number(value, 4)
const u48 = (value: number) => number(value, 6)

function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

/** Writes messages, counters and revocations as version 1 did. */
async function writeVersion1(database: Database, messages: readonly StoredMessage[]): Promise<void> {
  const batch = database.batch().put(keys.SCHEMA_VERSION_KEY, VERSION_1)
  const usage = new Map<string, { messages: number; bytes: number; key: Buffer }>()
  for (const [at, { account, hash, namespace, timestampMs, expiryMs, data }] of messages.entries()) {
    const [id, hashInKeys] = [keys.accountBytes(account), keys.hashBytes(hash)]
    const place = { namespace, sequence: namespace === -1 ? 0 : at + 1 }
    const apart = data.length > 4_096
    const size = data.length
    batch.put(keys.rowKey(id, place), encodeRow({ hash: hashInKeys, timestampMs, expiryMs, data }))
    if (apart) batch.put(keys.bodyKey(id, place), Buffer.from(data))
    const locator = [u16(namespace + 32_768), u48(place.sequence), u48(timestampMs), u48(expiryMs), u32(size)]
    batch.put(keys.locatorKey(id, hashInKeys), Buffer.concat([Buffer.from([1, apart ? 1 : 0]), ...locator]))
    const entry = encodeExpiryEntry([{ account: id, hash: hashInKeys }])
    batch.put(keys.expiryKey(expiryBucket(expiryMs), messages.length + at + 1), entry)
    const counted = usage.get(account) ?? { messages: 0, bytes: 0, key: keys.usageKey(id) }
    usage.set(account, { ...counted, messages: counted.messages + 1, bytes: counted.bytes + size })
  }
  for (const { messages: count, bytes, key } of usage.values()) {
    batch.put(key, Buffer.concat([Buffer.from([1]), u32(count), u48(bytes)]))
  }
  const dataBytes = messages.reduce((sum, { data }) => sum + data.length, 0)
  const totals = [u48(2 * messages.length + 1), u48(messages.length), u48(dataBytes)]
  batch.put(keys.TOTALS_KEY, Buffer.concat([Buffer.from([1]), ...totals]))
  const revoked = TOKENS.flatMap((token, at) => [token, u48(START_MS - HOUR + at)])
  batch.put(keys.revocationsKey(keys.accountBytes(ALICE)), Buffer.concat([Buffer.from([1]), ...revoked]))
  batch.put(keys.REVOCATION_LISTS_KEY, Buffer.concat([Buffer.from([1]), u48(1)]))
  await batch.write({ sync: true })
}

function someMessages(): StoredMessage[] {
  return [
    aMessage({ expiryMs: START_MS + HOUR }),
    aMessage({ namespace: 5, data: Buffer.alloc(5_000, 'long') }),
    aMessage({ namespace: -1 }),
    aMessage({ account: BOB, data: Buffer.alloc(0) }),
  ]
}

/** A store that opens what version 1 has left, after `interrupt` has begun to bring it along. */
async function openAfterVersion1(
  messages: readonly StoredMessage[],
  interrupt: (database: Database) => Promise<void> = async () => {},
): Promise<TestStore> {
  const fixture = await openTestStore()
  await fixture.store[Symbol.asyncDispose]()
  {
    const database = await openDatabase({ ...defaultStorageOptions, path: fixture.path })
    await database.clear()
    await writeVersion1(database, messages)
    await interrupt(database)
    await database.close()
  }
  await fixture.reopen()
  return fixture
}

async function expectWhole({ store }: TestStore, messages: readonly StoredMessage[]): Promise<void> {
  for (const message of messages) {
    const found = await store.retrieve({ account: message.account, namespace: message.namespace, ...everything })
    expect(found.messages).toContainEqual({ ...message, data: Buffer.from(message.data) })
  }
  const dataBytes = messages.reduce((sum, { data }) => sum + data.length, 0)
  expect(store.statistics()).toEqual({ messages: messages.length, dataBytes })
  expect(store.revocations.revoked(ALICE)).toEqual(TOKENS)
}

test('messages, counters and revocations of version 1 are there, and go on', async () => {
  const messages = someMessages()
  await using fixture = await openAfterVersion1(messages)
  await expectWhole(fixture, messages)
  const [first, second, third] = messages
  if (!first || !second || !third) throw new Error('unreachable')
  // Whatever is done now comes after it, with or without a stamp.
  const stamp = (START_MS - MINUTE) * 1000
  expect(await fixture.store.delete(ALICE, [second.hash], { stamp })).toEqual([second.hash])
  const newer = aMessage({ namespace: -1, timestampMs: START_MS + 1 })
  expect(await fixture.store.store(newer)).toMatchObject({ outcome: 'new' })
  expect(await fixture.store.expiries(ALICE, [third.hash])).toEqual([])
  expect(await fixture.store.revocations.unrevoke(ALICE, TOKENS)).toBe(2)
  await fixture.reopen()
  expect(fixture.store.statistics().messages).toBe(3)
  fixture.clock.pass(2 * HOUR)
  expect(await fixture.store.sweepNow()).toBe(1)
  expect(await fixture.store.expiries(ALICE, [first.hash])).toEqual([])
})

test('what was brought along half before a crash is brought along whole', async () => {
  const messages = someMessages()
  await using fixture = await openAfterVersion1(messages, (database) =>
    beginMigration(database, Buffer.from([0, 0, 0, 3])),
  )
  await expectWhole(fixture, messages)
})

// One to begin with, two of locators, one of counters, one of revocations, one to end with.
test.each([0, 1, 2, 3, 4, 5])('a start that ends after %i batches is gone on with by the next', async (batches) => {
  const messages = [...someMessages(), ...Array.from({ length: 1_500 }, () => aMessage({ expiryMs: START_MS + DAY }))]
  await using fixture = await openAfterVersion1(messages, async (database) => {
    await database.close()
    let left = batches
    const createDatabase = interceptWrites(async (write) => {
      if (left-- <= 0) throw new Error('The power fails')
      await write()
    })
    const interrupted = await openDatabase({ ...defaultStorageOptions, path: database.location }, createDatabase)
    await expect(bringSchemaAlong(interrupted)).rejects.toThrow('The power fails')
    await interrupted.close()
    await database.open()
  })
  const dataBytes = messages.reduce((sum, { data }) => sum + data.length, 0)
  expect(fixture.store.statistics()).toEqual({ messages: messages.length, dataBytes })
  expect(fixture.store.revocations.revoked(ALICE)).toEqual(TOKENS)
  const hashes = messages.filter(({ account }) => account === ALICE).map(({ hash }) => hash)
  expect(await fixture.store.delete(ALICE, hashes)).toHaveLength(hashes.length)
  expect(await fixture.store.deleteAll(BOB, 'all')).toHaveLength(1)
  expect(fixture.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
})

test('more messages than are brought along at once arrive, and a second start has nothing to do', async () => {
  const messages = Array.from({ length: 2_500 }, () => aMessage({ expiryMs: START_MS + DAY }))
  await using fixture = await openAfterVersion1(messages)
  expect(fixture.store.statistics().messages).toBe(2_500)
  const hashes = messages.map(({ hash }) => hash)
  expect(await fixture.store.expiries(ALICE, hashes)).toHaveLength(2_500)
  await fixture.reopen()
  expect(await fixture.store.delete(ALICE, hashes)).toHaveLength(2_500)
  expect(fixture.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
})

test('what version 2 would have forgotten after minutes is kept for thirty days, and then goes', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const [deleted, changed] = [aMessage(), aMessage({ expiryMs: START_MS + 50 * DAY })]
  for (const message of [deleted, changed]) await store.store(message)
  await store.delete(ALICE, [deleted.hash])
  await store.expire(ALICE, [{ hash: changed.hash, expiryMs: START_MS + 60 * DAY }], 'set')
  await store.deleteAll(BOB, 'all')
  await store.revocations.revoke(BOB, TOKENS)
  await store.revocations.unrevoke(BOB, TOKENS)
  await store[Symbol.asyncDispose]()
  {
    const database = await openDatabase({ ...defaultStorageOptions, path: fixture.path })
    const totals = await database.get(keys.TOTALS_KEY)
    if (totals === undefined) throw new Error('There are totals')
    const batch = database.batch().put(keys.SCHEMA_VERSION_KEY, Buffer.from([0, 0, 0, 2]))
    batch.put(keys.TOTALS_KEY, Buffer.concat([Buffer.from([2]), totals.subarray(1, 38)]))
    // Its index named these within minutes, and has been swept.
    for await (const key of database.keys(keys.expiryRangeBefore(2 ** 32 - 1))) batch.del(key)
    await batch.write({ sync: true })
    await database.close()
  }
  await fixture.reopen()
  fixture.clock.pass(29 * DAY)
  await fixture.store.sweepNow()
  expect(await fixture.store.store(deleted, { stamp: START_MS * 1000 })).toMatchObject({ outcome: 'obsolete' })
  fixture.clock.pass(2 * DAY)
  await fixture.store.sweepNow()
  expect(await fixture.exposeMetrics()).toContain('starling_storage_tombstones 0')
  expect(await fixture.store.contents.outside([], undefined, 9)).toEqual([ALICE])
  expect(await fixture.store.expiries(ALICE, [changed.hash])).toHaveLength(1)
})
