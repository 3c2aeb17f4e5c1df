import { expect, test } from 'vitest'
import { HOUR } from '../../../src/base/clock.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { openTestStore, START_MS } from './store-fixture.ts'

const [FIRST, SECOND] = ['a1', 'b2'].map((byte) => byte.repeat(32) as ServiceNodeKey) as [
  ServiceNodeKey,
  ServiceNodeKey,
]
const EXPIRY_MS = START_MS + HOUR
const payload = (at: number) => Buffer.from([at])

test('hints wait in the order in which they came, for each peer, until they are taken away', async () => {
  await using fixture = await openTestStore()
  const { hints } = fixture.store
  expect(hints.statistics()).toEqual({ queued: 0, bytes: 0 })
  const added = Array.from({ length: 40 }, (_, at) => hints.add(at % 2 === 0 ? FIRST : SECOND, payload(at), EXPIRY_MS))
  expect(await Promise.all(added)).toEqual(added.map(() => true))
  expect(hints.peers()).toEqual([FIRST, SECOND])
  const all = await hints.next(FIRST, 100, 1_000)
  expect(all.map((hint) => hint.payload[0])).toEqual(Array.from({ length: 20 }, (_, at) => 2 * at))
  expect(await hints.next(FIRST, 3, 1_000)).toEqual(all.slice(0, 3))
  expect(await hints.next(FIRST, 100, 5)).toEqual(all.slice(0, 5))
  expect(await hints.next(FIRST, 100, 0)).toEqual(all.slice(0, 1))
  fixture.clock.pass(5)
  await hints.add(FIRST, payload(99), EXPIRY_MS)
  const ids = all.map(({ id }) => id)
  // Those of another peer, and those that are gone, are nobody's.
  await hints.remove(SECOND, ids)
  await Promise.all([hints.remove(FIRST, ids), hints.remove(FIRST, ids)])
  expect(hints.statistics()).toEqual({ queued: 21, bytes: 21, oldestMs: START_MS })
  await fixture.reopen()
  const again = fixture.store.hints
  expect(again.statistics()).toEqual({ queued: 21, bytes: 21, oldestMs: START_MS })
  expect(again.peers()).toEqual([FIRST, SECOND])
  expect((await again.next(FIRST, 9, 9)).map((hint) => hint.payload[0])).toEqual([99])
  const others = await again.next(SECOND, 100, 1_000)
  await again.remove(
    SECOND,
    others.map(({ id }) => id),
  )
  expect(again.statistics()).toEqual({ queued: 1, bytes: 1, oldestMs: START_MS + 5 })
  expect(await fixture.exposeMetrics()).toContain('starling_storage_hints 1')
  expect(again.peers()).toEqual([FIRST])
})

test('hints that are too old are not given out, and go', async () => {
  await using fixture = await openTestStore()
  const { hints } = fixture.store
  await hints.add(FIRST, payload(1), EXPIRY_MS)
  await hints.add(FIRST, payload(2), EXPIRY_MS + HOUR)
  fixture.clock.pass(HOUR)
  expect((await hints.next(FIRST, 9, 9)).map((hint) => hint.payload[0])).toEqual([2])
  expect(hints.statistics().queued).toBe(1)
})

test('no more wait than there is room for', async () => {
  const full = { peerHintsMax: 3, peerHintBytesMax: 100, hintBytesMax: 150 }
  let freeBytes = 2 ** 40
  await using fixture = await openTestStore(full, { freeDiskBytes: async () => freeBytes })
  const add = (peer: ServiceNodeKey, size: number) => fixture.store.hints.add(peer, Buffer.alloc(size), EXPIRY_MS)
  expect([await add(FIRST, 60), await add(FIRST, 50), await add(FIRST, 30)]).toEqual([true, false, true])
  expect([await add(FIRST, 1), await add(FIRST, 1)]).toEqual([true, false])
  expect([await add(SECOND, 60), await add(SECOND, 59)]).toEqual([false, true])
  await fixture.reopen()
  expect(await add(SECOND, 1)).toBe(false)
  freeBytes = 0
  await fixture.reopen({ hintBytesMax: 1_000 })
  expect(await add(SECOND, 1)).toBe(false)
})

test('marks are there after a restart, until they are taken away', async () => {
  await using fixture = await openTestStore()
  await fixture.store.marks.write('join', payload(7))
  await fixture.reopen()
  expect(await fixture.store.marks.read('join')).toEqual(payload(7))
  expect(await fixture.store.marks.read('joi')).toBeUndefined()
  await fixture.store.marks.write('join', undefined)
  expect(await fixture.store.marks.read('join')).toBeUndefined()
})
