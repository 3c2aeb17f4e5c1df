import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import { OPERATION_AHEAD_MAX_MS } from '../../../src/protocol/limits.ts'
import { firstStampAt, stampMs } from '../../../src/protocol/operation-stamp.ts'
import { OperationClock } from '../../../src/storage/operation-clock.ts'
import { createTestClock, START_MS } from './store-fixture.ts'

test('stamps are the microseconds of the clock, and grow while it stands still', () => {
  const clock = createTestClock()
  const stamps = new OperationClock(clock, 0)
  expect([stamps.next(), stamps.next()]).toEqual([firstStampAt(START_MS), firstStampAt(START_MS) + 1])
  clock.pass(MINUTE)
  expect(stamps.next()).toBe(firstStampAt(START_MS + MINUTE))
})

test('what follows a stamp of another node is greater, and so it is after a restart', () => {
  const clock = createTestClock()
  const stamps = new OperationClock(clock, 0)
  const ahead = firstStampAt(START_MS + MINUTE / 2)
  stamps.accept(ahead)
  expect(stamps.next()).toBe(ahead + 1)
  expect(new OperationClock(clock, ahead).next()).toBe(ahead + 1)
})

test('a node that lies about its clock takes ours no further than slower members accept', () => {
  const clock = createTestClock()
  const stamps = new OperationClock(clock, 0)
  stamps.accept(firstStampAt(START_MS + OPERATION_AHEAD_MAX_MS))
  const first = stamps.next()
  expect(stampMs(first)).toBe(START_MS + OPERATION_AHEAD_MAX_MS / 2)
  expect(stamps.next()).toBeGreaterThan(first)
})

test('a clock that is set back far gives stamps that others accept, and they still grow', () => {
  const clock = createTestClock()
  const stamps = new OperationClock(clock, 0)
  stamps.next()
  clock.pass(-HOUR)
  const first = stamps.next()
  expect(stampMs(first)).toBeLessThan(clock.nowMs() + OPERATION_AHEAD_MAX_MS)
  expect(stamps.next()).toBeGreaterThan(first)
})
