import { expect, test } from 'vitest'
import { MESSAGE_OVERHEAD_BYTES } from '../../../src/storage/quota.ts'
import { ALICE, aMessage, BOB, everything, openTestStore, START_MS, uniqueData } from './store-fixture.ts'

const PRIVATE = 5
const ofBytes = (size: number, changes: Parameters<typeof aMessage>[0] = {}) =>
  aMessage({ namespace: PRIVATE, ...changes, data: uniqueData(size) })

test('an account that has its share of messages is full, and others are not', async () => {
  await using fixture = await openTestStore({ accountMessagesMax: 2 })
  const stores = [ofBytes(1), ofBytes(1), ofBytes(1), ofBytes(1, { account: BOB })]
  const results = await Promise.all(stores.map((message) => fixture.store.store(message)))
  expect(results.map(({ outcome }) => outcome)).toEqual(['new', 'new', 'full', 'new'])
  expect(await fixture.exposeMetrics()).toContain('starling_storage_full_total{reason="account_messages"} 1')
})

test('an account that has its share of bytes is full until something is deleted, also after a restart', async () => {
  await using fixture = await openTestStore({ accountBytesMax: 1_000 })
  const [first, second] = [ofBytes(600), ofBytes(401)]
  await fixture.store.store(first)
  expect(await fixture.store.store(second)).toMatchObject({ outcome: 'full', expiryMs: second.expiryMs })
  await fixture.reopen()
  expect(await fixture.store.store(second)).toMatchObject({ outcome: 'full' })
  expect(await fixture.store.store(ofBytes(400))).toMatchObject({ outcome: 'new' })
  await fixture.store.delete(ALICE, [first.hash])
  expect(await fixture.store.store(second)).toMatchObject({ outcome: 'new' })
})

test('a full account still extends what it has and replaces what is in its outbox', async () => {
  await using fixture = await openTestStore({ accountBytesMax: 1_000 })
  const old = ofBytes(1_000, { namespace: -1 })
  await fixture.store.store(old)
  const longer = { ...old, expiryMs: old.expiryMs + 1 }
  expect(await fixture.store.store(longer)).toMatchObject({ outcome: 'extended' })
  const newer = ofBytes(999, { namespace: -1, timestampMs: START_MS + 1 })
  expect(await fixture.store.store(newer)).toMatchObject({ outcome: 'new' })
  const tooLarge = ofBytes(1_001, { namespace: -1, timestampMs: START_MS + 2 })
  expect(await fixture.store.store(tooLarge)).toMatchObject({ outcome: 'full' })
  expect((await fixture.store.retrieve({ account: ALICE, namespace: -1, ...everything })).messages).toEqual([newer])
})

test('a full store refuses what is new, and keeps reading and deleting', async () => {
  const size = 500
  await using fixture = await openTestStore({ totalBytesMax: 2 * (size + MESSAGE_OVERHEAD_BYTES) })
  const [first, second, third] = [ofBytes(size), ofBytes(size, { account: BOB }), ofBytes(size)]
  await fixture.store.store(first)
  await fixture.store.store(second)
  expect(await fixture.store.store(third)).toMatchObject({ outcome: 'full' })
  expect((await fixture.store.retrieve({ ...first, ...everything })).messages).toEqual([first])
  await fixture.store.deleteAll(BOB, 'all')
  expect(await fixture.store.store(third)).toMatchObject({ outcome: 'new' })
  expect(await fixture.exposeMetrics()).toContain('starling_storage_full_total{reason="total_bytes"} 1')
})

test('a public inbox, which anyone can fill, leaves a reserve for authenticated namespaces', async () => {
  await using fixture = await openTestStore({ accountBytesMax: 1_000, authenticatedReserve: 0.1 })
  expect(await fixture.store.store(ofBytes(900, { namespace: 0 }))).toMatchObject({ outcome: 'new' })
  expect(await fixture.store.store(ofBytes(50, { namespace: 0 }))).toMatchObject({ outcome: 'full' })
  expect(await fixture.store.store(ofBytes(100, { namespace: PRIVATE }))).toMatchObject({ outcome: 'new' })
})

test('on a disk that is nearly full nothing new is stored until there is room again', async () => {
  let freeBytes = 999
  await using fixture = await openTestStore(
    { freeDiskMinBytes: 1_000, freeDiskIntervalMs: 1 },
    {
      freeDiskBytes: async () => freeBytes,
    },
  )
  expect(await fixture.store.store(ofBytes(1))).toMatchObject({ outcome: 'full', reason: 'disk' })
  freeBytes = 1_000
  await expect.poll(() => fixture.store.store(ofBytes(1)), { interval: 1 }).toMatchObject({ outcome: 'new' })
})
