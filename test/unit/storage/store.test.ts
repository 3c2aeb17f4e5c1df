import { expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import { ALICE, aMessage, BOB, everything, openTestStore, START_MS } from './store-fixture.ts'

test('a stored message is retrieved as it was given, also after a restart', async () => {
  await using fixture = await openTestStore()
  const message = aMessage({ namespace: -32_768, data: Buffer.from([0, 255, 7]) })
  expect(await fixture.store.store(message)).toEqual({ outcome: 'new', expiryMs: message.expiryMs })
  await fixture.reopen()
  const { messages } = await fixture.store.retrieve({ account: ALICE, namespace: -32_768, ...everything })
  expect(messages).toEqual([message])
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: 3 })
})

test.each([0, 1, 4_096, 4_097, 76_800])('data of %i bytes comes back whole', async (size) => {
  await using fixture = await openTestStore()
  const messages = [1, 2].map((fill) => aMessage({ data: Buffer.alloc(size, fill), namespace: fill }))
  for (const message of messages) await fixture.store.store(message)
  for (const message of messages) {
    const retrieved = await fixture.store.retrieve({ account: ALICE, namespace: message.namespace, ...everything })
    expect(retrieved).toEqual({ messages: [message], more: false })
  }
})

test('a duplicate extends the expiry, never shortens it, and keeps the first timestamp and place', async () => {
  await using fixture = await openTestStore()
  const [first, second] = [aMessage(), aMessage()]
  await fixture.store.store(first)
  await fixture.store.store(second)
  const later = { ...first, timestampMs: START_MS + 5, expiryMs: first.expiryMs + HOUR }
  expect(await fixture.store.store(later)).toEqual({ outcome: 'extended', expiryMs: later.expiryMs })
  expect(await fixture.store.store(first)).toEqual({ outcome: 'exists', expiryMs: later.expiryMs })
  const { messages } = await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })
  expect(messages).toEqual([{ ...first, expiryMs: later.expiryMs }, second])
  expect(fixture.store.statistics().messages).toBe(2)
})

test('a message that has expired is new when it is stored again, even before it is swept', async () => {
  await using fixture = await openTestStore()
  const message = aMessage({ expiryMs: START_MS + HOUR })
  await fixture.store.store(message)
  fixture.clock.pass(HOUR)
  const again = { ...message, timestampMs: START_MS + HOUR, expiryMs: START_MS + DAY }
  expect(await fixture.store.store(again)).toEqual({ outcome: 'new', expiryMs: again.expiryMs })
  const { messages } = await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })
  expect(messages).toEqual([again])
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: message.data.length })
})

test('stores of one message at the same moment see each other', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  const results = await Promise.all(
    [0, 0, HOUR, 0].map((more) => fixture.store.store({ ...message, expiryMs: message.expiryMs + more })),
  )
  expect(results.map(({ outcome }) => outcome)).toEqual(['new', 'exists', 'extended', 'exists'])
})

test('accounts and namespaces are kept apart', async () => {
  await using fixture = await openTestStore()
  const messages = [
    aMessage({ account: ALICE }),
    aMessage({ account: BOB }),
    aMessage({ namespace: 5 }),
    aMessage({ namespace: -5 }),
  ]
  await Promise.all(messages.map((message) => fixture.store.store(message)))
  for (const message of messages) {
    expect((await fixture.store.retrieve({ ...message, ...everything })).messages).toEqual([message])
  }
})

test('what anyone may put into a public inbox does not keep an owner out by having the same hash', async () => {
  await using fixture = await openTestStore()
  const planted = aMessage({ namespace: 0, data: Buffer.from('5secret') })
  const owned = aMessage({ namespace: 5, data: Buffer.from('secret') })
  expect(owned.hash).toBe(planted.hash)
  await fixture.store.store(planted)
  expect(await fixture.store.store(owned)).toMatchObject({ outcome: 'new' })
  expect((await fixture.store.retrieve({ ...owned, ...everything })).messages).toEqual([owned])
  expect(await fixture.store.store(planted)).toMatchObject({ outcome: 'exists' })
  expect(fixture.store.statistics()).toEqual({ messages: 1, dataBytes: 6 })
})

test('the order of insertion goes on after a restart', async () => {
  await using fixture = await openTestStore()
  const messages = Array.from({ length: 6 }, () => aMessage())
  for (const message of messages) {
    await fixture.store.store(message)
    await fixture.store.delete(ALICE, [aMessage().hash])
    await fixture.reopen()
  }
  const { messages: retrieved } = await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })
  expect(retrieved).toEqual(messages)
})

test('a time that does not fit is refused and disturbs nothing else', async () => {
  await using fixture = await openTestStore()
  const bad = aMessage({ timestampMs: -1 })
  const good = aMessage()
  const [refused, kept] = await Promise.allSettled([fixture.store.store(bad), fixture.store.store(good)])
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'MESSAGE_UNSTORABLE' } })
  expect(kept).toMatchObject({ status: 'fulfilled', value: { outcome: 'new' } })
  expect(fixture.store.statistics().messages).toBe(1)
})

test('outcomes and sizes are counted', async () => {
  await using fixture = await openTestStore()
  const message = aMessage({ data: Buffer.alloc(300) })
  await fixture.store.store(message)
  await fixture.store.store(message)
  const metrics = await fixture.exposeMetrics()
  expect(metrics).toContain('starling_storage_stored_total{outcome="new"} 1')
  expect(metrics).toContain('starling_storage_stored_total{outcome="exists"} 1')
  expect(metrics).toContain('starling_storage_stored_size_bytes_sum 300')
  expect(metrics).toContain('starling_storage_messages 1')
  expect(metrics).toContain('starling_storage_data_bytes 300')
})
