// What is said of the room that is left, before there is none and when there is none.
import { expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import { type Logger, silentLogger } from '../../../src/base/logger.ts'
import { systemTimers, type Timers } from '../../../src/base/timers.ts'
import { MESSAGE_OVERHEAD_BYTES } from '../../../src/storage/quota.ts'
import { ALICE, aMessage, everything, openTestStore, uniqueData } from './store-fixture.ts'

const MIB = 1024 * 1024
const RESERVE = 10 * MIB
/** Of the bound, a tenth is for authenticated namespaces alone: 100 MiB are everybody's. */
const BOUND = (100 * MIB) / 0.9

/** A store on a disk whose free space the test sets, which is looked at when the test says so. */
async function openOnDisk(freeBytes: number) {
  const disk = { freeBytes }
  const told: string[] = []
  const tell = (_: object, sentence: string) => void told.push(sentence)
  const log: Logger = { ...silentLogger, warn: tell, info: tell, part: () => log }
  const waiting = new Set<() => void>()
  const timers: Timers = {
    deadline: systemTimers.deadline,
    after(_, callback) {
      waiting.add(callback)
      return () => waiting.delete(callback)
    },
  }
  const fixture = await openTestStore(
    { totalBytesMax: BOUND, freeDiskMinBytes: RESERVE },
    { log, timers, freeDiskBytes: async () => disk.freeBytes },
  )
  const look = async (bytes = disk.freeBytes) => {
    disk.freeBytes = bytes
    for (const callback of [...waiting]) {
      waiting.delete(callback)
      callback()
    }
    // A store passes the writer, and so everything that was begun before it.
    await fixture.store.marks.write('looked', undefined)
    return fixture.store.health()
  }
  return { fixture, told, look, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

test('a node says that room is low, scarce and gone, once each, and that there is plenty again', async () => {
  await using disk = await openOnDisk(10_000 * MIB)
  expect(disk.fixture.store.health()).toEqual({ writable: true })
  expect(await disk.look(RESERVE + 10 * MIB)).toEqual({ writable: true })
  const low = await disk.look(RESERVE + 10 * MIB - 1)
  expect(low).toMatchObject({ writable: true, shortage: expect.stringContaining('low: 9 MiB of 100 MiB are left') })
  await disk.look(RESERVE + 9 * MIB)
  expect(await disk.look(RESERVE + 4 * MIB)).toMatchObject({ shortage: expect.stringContaining('scarce: 4 MiB') })
  expect(await disk.fixture.exposeMetrics()).toContain(`starling_storage_room_bytes ${4 * MIB}`)
  expect(await disk.look(RESERVE - 1)).toMatchObject({ writable: true, shortage: expect.stringContaining('no room') })
  expect(await disk.look(10_000 * MIB)).toEqual({ writable: true })
  const levels = disk.told.map((sentence) => /low|scarce|no room|plenty/.exec(sentence)?.[0]).filter(Boolean)
  expect(levels).toEqual(['low', 'scarce', 'no room', 'plenty'])
})

test('a disk without room refuses stores alone, and takes them again without a restart', async () => {
  await using disk = await openOnDisk(10_000 * MIB)
  const { store } = disk.fixture
  const message = aMessage()
  await store.store(message)
  await disk.look(RESERVE - 1)
  expect(await store.store(aMessage())).toMatchObject({ outcome: 'full' })
  expect((await store.retrieve({ account: ALICE, namespace: 0, ...everything })).messages).toHaveLength(1)
  const expiryMs = message.expiryMs + HOUR
  expect((await store.expire(ALICE, [{ hash: message.hash, expiryMs }], 'extend')).updated).toHaveLength(1)
  expect(await store.delete(ALICE, [message.hash])).toEqual([message.hash])
  await disk.look(RESERVE)
  expect(await store.store(aMessage())).toMatchObject({ outcome: 'new' })
})

test('the bound of all messages counts as the disk does, as everybody may use it', async () => {
  await using disk = await openOnDisk(10_000 * MIB)
  const size = MIB - MESSAGE_OVERHEAD_BYTES
  for (let count = 0; count < 91; count++) await disk.fixture.store.store(aMessage({ data: uniqueData(size) }))
  expect(await disk.look()).toMatchObject({ shortage: expect.stringContaining('low: 9 MiB of 100 MiB') })
})
