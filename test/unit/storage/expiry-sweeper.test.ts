import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { DATA_KEPT_MS } from '../../../src/storage/circumstances.ts'
import { EXPIRY_BUCKET_MS } from '../../../src/storage/expiry-entry.ts'
import { accountBytes, expiryKey, hashBytes, locatorKey } from '../../../src/storage/keys.ts'
import { createSweepClock } from '../../../src/storage/sweep-clock.ts'
import { interceptWrites } from './intercepted-database.ts'
import {
  ALICE,
  aMessage,
  BOB,
  changeDatabase,
  createTestClock,
  openTestStore,
  START_MS,
  type TestStore,
  uniqueData,
} from './store-fixture.ts'

/** Bytes of the files, while the store is closed: an open one makes and removes files at any time. */
async function sizeOnDisk(fixture: TestStore): Promise<number> {
  const { path, store } = fixture
  await store[Symbol.asyncDispose]()
  const files = await readdir(path)
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(path, file))).size))
  await fixture.reopen()
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A bucket of time, and as long again as an operation may be late that still lengthens what is in it. */
const SWEPT_AFTER_MS = EXPIRY_BUCKET_MS + DATA_KEPT_MS

describe('the sweeper', () => {
  test('removes what expired once its bucket of time is over, and nothing else', async () => {
    await using fixture = await openTestStore()
    const messages = Array.from({ length: 300 }, (_, index) =>
      aMessage({
        namespace: index,
        expiryMs: START_MS + (index % 2 === 0 ? HOUR : DAY),
        data: Buffer.alloc(index * 50),
      }),
    )
    await Promise.all(messages.map((message) => fixture.store.store(message)))
    expect(await fixture.store.sweepNow()).toBe(0)
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(150)
    const left = messages.filter((_, index) => index % 2 === 1)
    const dataBytes = left.reduce((sum, { data }) => sum + data.length, 0)
    expect(fixture.store.statistics()).toEqual({ messages: 150, dataBytes })
    expect(await fixture.store.sweepNow()).toBe(0)
    expect(await fixture.exposeMetrics()).toContain('starling_storage_swept_total 150')
    await fixture.reopen()
    expect(fixture.store.statistics()).toEqual({ messages: 150, dataBytes })
    expect(
      await fixture.store.expiries(
        ALICE,
        messages.map(({ hash }) => hash),
      ),
    ).toHaveLength(150)
  })

  test('follows an expiry that was moved, in either direction', async () => {
    await using fixture = await openTestStore()
    const [extended, shortened] = [aMessage({ expiryMs: START_MS + HOUR }), aMessage({ expiryMs: START_MS + DAY })]
    await Promise.all([extended, shortened].map((message) => fixture.store.store(message)))
    await fixture.store.expire(ALICE, [{ hash: extended.hash, expiryMs: START_MS + DAY }], 'extend')
    await fixture.store.expire(ALICE, [{ hash: shortened.hash, expiryMs: START_MS + HOUR }], 'shorten')
    fixture.clock.pass(2 * HOUR)
    expect(await fixture.store.sweepNow()).toBe(1)
    expect(await fixture.store.expiries(ALICE, [extended.hash, shortened.hash])).toMatchObject([
      { hash: extended.hash },
    ])
    fixture.clock.pass(DAY)
    expect(await fixture.store.sweepNow()).toBe(1)
    expect(fixture.store.statistics().messages).toBe(0)
  })

  test('leaves a message whose expiry was moved to the next bucket', async () => {
    await using fixture = await openTestStore()
    const message = aMessage({ expiryMs: START_MS + HOUR })
    await fixture.store.store(message)
    const changes = [{ hash: message.hash, expiryMs: message.expiryMs + EXPIRY_BUCKET_MS + 2 }]
    await fixture.store.expire(ALICE, changes, 'set')
    fixture.clock.pass(HOUR + EXPIRY_BUCKET_MS + 1)
    expect(await fixture.store.sweepNow()).toBe(0)
    expect(await fixture.store.expiries(ALICE, [message.hash])).toEqual(changes)
    fixture.clock.pass(SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(1)
  })

  test('lets requests in between and makes room for them', async () => {
    await using fixture = await openTestStore({ accountMessagesMax: 100, authenticatedReserve: 0 })
    const messages = Array.from({ length: 100 }, () => aMessage({ expiryMs: START_MS + HOUR }))
    for (const message of messages) await fixture.store.store(message)
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.store(aMessage())).toMatchObject({ outcome: 'full' })
    const [removed, stored] = await Promise.all([
      fixture.store.sweepNow(),
      fixture.store.store({ ...(messages[99] ?? aMessage()), expiryMs: START_MS + DAY }),
    ])
    expect(stored).toMatchObject({ outcome: 'new' })
    expect(removed).toBe(99)
    expect(await fixture.store.store(aMessage())).toMatchObject({ outcome: 'new' })
  })

  test('removes what expired with a message whose record is damaged', async () => {
    await using fixture = await openTestStore()
    const messages = Array.from({ length: 3 }, () => aMessage({ expiryMs: START_MS + HOUR }))
    await Promise.all(messages.map((message) => fixture.store.store(message)))
    const damaged = messages[1]?.hash ?? messages[0]?.hash
    if (damaged === undefined) throw new Error('There are messages')
    const key = locatorKey(accountBytes(ALICE), hashBytes(damaged))
    await changeDatabase(fixture, (database) => database.put(key, Buffer.from('nonsense')))
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(2)
    expect(fixture.store.statistics().messages).toBe(1)
  })

  test('goes on behind a record that it cannot read', async () => {
    await using fixture = await openTestStore()
    await fixture.store.store(aMessage({ expiryMs: START_MS + HOUR }))
    await changeDatabase(fixture, (database) => database.put(expiryKey(0, 0), Buffer.from('nonsense')))
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(1)
  })

  test('is answered when the disk has it, as everything is', async () => {
    const syncs: boolean[] = []
    const createDatabase = interceptWrites((write, { sync }) => {
      syncs.push(sync)
      return write()
    })
    await using fixture = await openTestStore({}, { createDatabase })
    await fixture.store.store(aMessage({ expiryMs: START_MS + HOUR }))
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(1)
    expect(syncs).toEqual([true, true])
  })

  test('gives the space back after many messages', async () => {
    await using fixture = await openTestStore({ writeBufferBytes: 1 << 20 })
    const data = () => Buffer.concat([randomBytes(1_000), uniqueData(4)])
    const account = (index: number) => (index % 2 === 0 ? ALICE : BOB)
    const stores = Array.from({ length: 10_001 }, (_, index) =>
      aMessage({ account: account(index), namespace: 5, expiryMs: START_MS + HOUR, data: data() }),
    )
    for (let next = 0; next < stores.length; next += 1_000) {
      await Promise.all(stores.slice(next, next + 1_000).map((message) => fixture.store.store(message)))
    }
    const before = await sizeOnDisk(fixture)
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(10_001)
    expect(await sizeOnDisk(fixture)).toBeLessThan(before / 2)
  })

  test('does not delete for a clock that jumped', async () => {
    await using fixture = await openTestStore()
    await fixture.store.store(aMessage({ expiryMs: START_MS + DAY }))
    fixture.clock.wallMs += 365 * DAY
    expect(await fixture.store.sweepNow()).toBe(0)
    fixture.clock.wallMs -= 365 * DAY
    expect(await fixture.store.sweepNow()).toBe(0)
    expect(fixture.store.statistics().messages).toBe(1)
  })

  test('does not delete for a clock that is an hour ahead of others, however long that lasts', async () => {
    for (const isContradicted of [true, false]) {
      const ahead = { ms: 0 }
      await using fixture = await openTestStore({}, isContradicted ? { clockAheadMs: () => ahead.ms } : {})
      const message = aMessage({ expiryMs: START_MS + 3 * HOUR })
      await fixture.store.store(message)
      const readable = async () =>
        (await fixture.store.retrieve({ account: ALICE, namespace: 0, sizeMax: 1e6 })).messages
      fixture.clock.wallMs += HOUR
      ahead.ms = HOUR
      for (let minutes = 0; minutes < 150; minutes += 10) {
        fixture.clock.pass(10 * MINUTE)
        if (isContradicted) expect(await fixture.store.sweepNow()).toBe(0)
        else await fixture.store.sweepNow()
      }
      expect(await readable()).toEqual([])
      fixture.clock.wallMs -= HOUR
      ahead.ms = 0
      expect(await readable()).toHaveLength(isContradicted ? 1 : 0)
    }
  })

  test('brings nothing back, and deletes nothing, for a clock that is set back an hour', async () => {
    await using fixture = await openTestStore()
    await fixture.store.store(aMessage({ expiryMs: START_MS + HOUR, data: Buffer.from('ends') }))
    await fixture.store.store(aMessage({ expiryMs: START_MS + DAY, data: Buffer.from('lives') }))
    const readable = async () => {
      const { messages } = await fixture.store.retrieve({ account: ALICE, namespace: 0, sizeMax: 1e6 })
      return messages.map(({ data }) => Buffer.from(data).toString())
    }
    fixture.clock.pass(HOUR + SWEPT_AFTER_MS)
    expect(await fixture.store.sweepNow()).toBe(1)
    fixture.clock.wallMs -= HOUR
    expect(await readable()).toEqual(['lives'])
    for (let hour = 0; hour < 3; hour++) {
      fixture.clock.pass(HOUR)
      expect(await fixture.store.sweepNow()).toBe(0)
      expect(await readable()).toEqual(['lives'])
    }
  })
})

describe('the clock of the sweeper', () => {
  const setup = () => {
    const clock = createTestClock()
    const warnings: string[] = []
    const log = { ...silentLogger, warn: (_: object, sentence: string) => void warnings.push(sentence) }
    const options = { clockJumpToleranceMs: 2 * MINUTE, clockJumpHoldMs: HOUR }
    return { clock, warnings, sweepClock: createSweepClock({ clock, log }, options) }
  }

  test('goes with the wall clock while that runs as the monotonic one does, drift included', () => {
    const { clock, sweepClock, warnings } = setup()
    for (let minute = 0; minute < 600; minute++) {
      clock.pass(MINUTE)
      clock.wallMs += 500
      expect(sweepClock.nowMs()).toBe(clock.wallMs)
    }
    expect(warnings).toEqual([])
  })

  test('goes on by the old time after a forward jump, and believes it when it has lasted', () => {
    const { clock, sweepClock, warnings } = setup()
    clock.wallMs += 7 * DAY
    expect(sweepClock.nowMs()).toBe(START_MS)
    clock.pass(HOUR - 1)
    expect(sweepClock.nowMs()).toBe(START_MS + HOUR - 1)
    expect(warnings).toHaveLength(1)
    clock.pass(1)
    expect(sweepClock.nowMs()).toBe(START_MS + 7 * DAY + HOUR)
  })

  test('forgets a jump that was taken back', () => {
    const { clock, sweepClock } = setup()
    clock.wallMs += DAY
    sweepClock.nowMs()
    clock.wallMs -= DAY
    clock.pass(HOUR)
    expect(sweepClock.nowMs()).toBe(START_MS + HOUR)
    clock.wallMs += DAY
    expect(sweepClock.nowMs()).toBe(START_MS + HOUR)
  })

  test('follows a backward jump at once', () => {
    const { clock, sweepClock } = setup()
    clock.wallMs -= DAY
    expect(sweepClock.nowMs()).toBe(START_MS - DAY)
  })
})
