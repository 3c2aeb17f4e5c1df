import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { HeldMessage } from '../../../src/protocol/contents.ts'
import { EMPTY_TOTALS, encodeTotals } from '../../../src/storage/counters-codec.ts'
import { TOTALS_KEY } from '../../../src/storage/keys.ts'
import { interceptWrites } from './intercepted-database.ts'
import { ALICE, aMessage, changeDatabase, everything, openTestStore, uniqueData } from './store-fixture.ts'

/** A gate in front of the disk. */
function createGate() {
  const writes: { sync: boolean }[] = []
  let arrived = Promise.withResolvers<void>()
  let opened = Promise.withResolvers<void>()
  opened.resolve()
  return {
    writes,
    close: () => {
      opened = Promise.withResolvers<void>()
      arrived = Promise.withResolvers<void>()
    },
    open: () => opened.resolve(),
    /** When the next batch has come to the closed gate. */
    get arrival() {
      return arrived.promise
    },
    createDatabase: interceptWrites(async (write, options) => {
      writes.push(options)
      arrived.resolve()
      await opened.promise
      await write()
    }),
  }
}

test('a store is answered when its batch has been flushed, not before', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({}, { createDatabase: gate.createDatabase })
  gate.close()
  let isAnswered = false
  const stored = fixture.store.store(aMessage()).then(() => {
    isAnswered = true
  })
  await gate.arrival
  await new Promise(setImmediate)
  expect(isAnswered).toBe(false)
  gate.open()
  await stored
  expect(gate.writes).toEqual([{ sync: true }])
})

test('a duplicate of a message that is being flushed is not answered before it', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({}, { createDatabase: gate.createDatabase })
  gate.close()
  const message = aMessage()
  const order: string[] = []
  const first = fixture.store.store(message).then(({ outcome }) => order.push(outcome))
  await gate.arrival
  const second = fixture.store.store(message).then(({ outcome }) => order.push(outcome))
  await new Promise(setImmediate)
  expect(order).toEqual([])
  gate.open()
  await Promise.all([first, second])
  expect(order).toEqual(['new', 'exists'])
  // It is written too: a deletion between the two that arrives late must not take away what was stored after it.
  expect(gate.writes).toHaveLength(2)
})

function brought(count: number): HeldMessage[] {
  return Array.from({ length: count }, () => {
    const message = aMessage()
    const stamp = message.timestampMs * 1000
    return { kind: 'message', message, stamp, livesUntilMs: message.expiryMs, changedStamp: stamp }
  })
}

test('what a client stores is written before what other members brought, and that still comes', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({}, { createDatabase: gate.createDatabase })
  gate.close()
  const first = fixture.store.store(aMessage())
  await gate.arrival
  const order: string[] = []
  const adopted = fixture.store.contents.adopt(brought(600)).then((outcomes) => {
    order.push('brought')
    return outcomes
  })
  const stored = Array.from({ length: 100 }, () => fixture.store.store(aMessage()))
  const storing = Promise.all(stored).then(() => order.push('stored'))
  gate.open()
  expect(new Set(await adopted)).toEqual(new Set(['new']))
  await Promise.all([first, storing])
  expect(order).toEqual(['stored', 'brought'])
})

test('much that other members brought shares a flush while another one is under way', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({}, { createDatabase: gate.createDatabase })
  gate.close()
  const first = fixture.store.store(aMessage())
  await gate.arrival
  const adopted = fixture.store.contents.adopt(brought(600))
  // Taken 32 at a time, with a turn of the event loop for others after each.
  for (let turn = 0; turn < 40; turn++) await new Promise(setImmediate)
  gate.open()
  await Promise.all([first, adopted])
  expect(gate.writes).toHaveLength(2)
})

test('a message that a member brings twice at once, of an account of which nothing is known, is counted once', async () => {
  await using fixture = await openTestStore()
  const [held, other] = brought(2)
  if (held === undefined || other === undefined) throw new Error('There are two')
  expect(await fixture.store.contents.adopt([held, other, { ...held }])).toEqual(['new', 'new', 'known'])
  expect(fixture.store.statistics().messages).toBe(2)
  expect(await fixture.store.contents.adopt([{ ...held }])).toEqual(['known'])
})

test('what arrives during a flush shares the next one', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({}, { createDatabase: gate.createDatabase })
  gate.close()
  const first = fixture.store.store(aMessage())
  await gate.arrival
  const rest = Array.from({ length: 50 }, () => fixture.store.store(aMessage()))
  gate.open()
  await Promise.all([first, ...rest])
  expect(gate.writes).toHaveLength(2)
  expect(await fixture.exposeMetrics()).toContain('starling_storage_batch_operations_bucket{le="64"} 2')
})

test('a batch has a limit', async () => {
  const gate = createGate()
  await using fixture = await openTestStore({ batchBytesMax: 10_000 }, { createDatabase: gate.createDatabase })
  await Promise.all(Array.from({ length: 10 }, () => fixture.store.store(aMessage({ data: uniqueData(6_000) }))))
  expect(gate.writes).toHaveLength(5)
})

test.each([{ queuedOperationsMax: 3 }, { queuedBytesMax: 40 }])('a full queue refuses as busy: %o', async (options) => {
  const gate = createGate()
  await using fixture = await openTestStore(options, { createDatabase: gate.createDatabase })
  gate.close()
  const first = fixture.store.store(aMessage())
  await gate.arrival
  const waiting = Array.from({ length: 6 }, () => fixture.store.store(aMessage({ data: uniqueData(12) })))
  const settled = Promise.allSettled(waiting)
  gate.open()
  await first
  const ends = (await settled).map((end) => (end.status === 'fulfilled' ? end.value.outcome : end.reason.code))
  expect(ends).toEqual(['new', 'new', 'new', 'BUSY', 'BUSY', 'BUSY'])
  expect(await fixture.exposeMetrics()).toContain('starling_storage_refused_total{reason="busy"} 3')
  expect(await fixture.store.store(aMessage())).toMatchObject({ outcome: 'new' })
})

test('after a failed write nothing is acknowledged until the store is opened again', async () => {
  let failing = false
  const errors: string[] = []
  const createDatabase = interceptWrites((write) =>
    failing ? Promise.reject(new Error('EIO: no more disk')) : write(),
  )
  const log = { ...silentLogger, error: (_: object, sentence: string) => void errors.push(sentence) }
  await using fixture = await openTestStore({}, { createDatabase, log })
  const kept = aMessage()
  await fixture.store.store(kept)

  failing = true
  const inFlight = [1, 2, 3].map(() => fixture.store.store(aMessage()))
  const ends = await Promise.allSettled(inFlight)
  expect(ends.map((end) => end.status === 'rejected' && end.reason.code)).toEqual(Array(3).fill('WRITE_FAILED'))
  expect(fixture.store.health()).toEqual({
    writable: false,
    reason: 'Writing the message database failed: EIO: no more disk',
  })
  expect(errors).toHaveLength(1)

  failing = false
  await expect(fixture.store.store(aMessage())).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
  await expect(fixture.store.delete(ALICE, [kept.hash])).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
  await fixture.store.sweepNow()
  const inbox = { account: ALICE, namespace: 0, ...everything }
  expect((await fixture.store.retrieve(inbox)).messages).toEqual([kept])
  expect(fixture.store.statistics().messages).toBe(1)
  expect(await fixture.exposeMetrics()).toContain('starling_storage_write_failures_total 1')

  await fixture.reopen()
  expect(fixture.store.health()).toEqual({ writable: true })
  const later = aMessage()
  expect(await fixture.store.store(later)).toMatchObject({ outcome: 'new' })
  expect((await fixture.store.retrieve(inbox)).messages).toEqual([kept, later])
})

test('counters that cannot be end acknowledgement, and nobody waits for ever', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  await fixture.store.store(message)
  const none = encodeTotals({ ...EMPTY_TOTALS, nextSequence: 9 })
  await changeDatabase(fixture, (database) => database.put(TOTALS_KEY, none))
  await expect(fixture.store.delete(ALICE, [message.hash])).rejects.toMatchObject({ code: 'WRITE_FAILED' })
  await expect(fixture.store.store(aMessage())).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
  expect(fixture.store.health().writable).toBe(false)
})

test('what waits behind a write that fails is rejected too', async () => {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  let writes = 0
  const createDatabase = interceptWrites(async () => {
    writes++
    arrived.resolve()
    await gate.promise
    throw new Error('EIO')
  })
  await using fixture = await openTestStore({ batchRecordsMax: 4 }, { createDatabase })
  const message = aMessage()
  const first = fixture.store.store(message)
  const settled = Promise.allSettled([first])
  await arrived.promise
  const behind = Promise.allSettled([
    fixture.store.store(message),
    fixture.store.store(aMessage()),
    fixture.store.deleteAll(ALICE, 'all'),
    fixture.store.expire(ALICE, [{ hash: message.hash, expiryMs: 1 }], 'set'),
  ])
  gate.resolve()
  const ends = [...(await settled), ...(await behind)]
  expect(ends.map((end) => end.status === 'rejected' && end.reason.code)).toEqual([
    'WRITE_FAILED',
    ...Array(4).fill('NOT_WRITABLE'),
  ])
  expect(writes).toBe(1)
})

test('closing writes what is queued and refuses what comes later', async () => {
  const fixture = await openTestStore()
  const messages = Array.from({ length: 20 }, () => aMessage())
  const stored = Promise.all(messages.map((message) => fixture.store.store(message)))
  const old = fixture.store
  await fixture.reopen()
  await stored
  expect(fixture.store.statistics().messages).toBe(20)
  await expect(old.store(aMessage())).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(old.retrieve({ account: ALICE, namespace: 0, ...everything })).rejects.toMatchObject({ code: 'CLOSED' })
  await fixture[Symbol.asyncDispose]()
})

test('an operation of many steps that change nothing lets others have a turn', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  await fixture.store.store(message)
  const change = { hash: message.hash, expiryMs: message.expiryMs }
  let isDone = false
  const expired = fixture.store.expire(ALICE, Array(1_000).fill(change), 'extend').then(() => {
    isDone = true
  })
  // More turns than a short operation takes.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  expect(isDone).toBe(false)
  await expired
})
