import { expect, test } from 'vitest'
import { NetworkClock } from '../../../src/client/network-clock.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const LOCAL_MS = 1_700_000_000_000

function clockAt(localMs = LOCAL_MS): NetworkClock {
  return new NetworkClock({ nowMs: () => localMs, monotonicMs: () => 0 })
}

/** Node `n` says that the network is `aheadMs` ahead, on a way of 100 ms. */
function says(clock: NetworkClock, n: number, aheadMs: number): void {
  const node = String(n).padStart(64, '0') as ServiceNodeKey
  clock.add({ node, nodeMs: LOCAL_MS + 50 + aheadMs, sentMs: LOCAL_MS, receivedMs: LOCAL_MS + 100 })
}

test('two nodes cannot set the clock, three can', () => {
  const clock = clockAt()
  says(clock, 1, 5000)
  says(clock, 2, 5000)
  expect(clock.nowMs()).toBe(LOCAL_MS)
  says(clock, 3, 5000)
  expect(clock.nowMs()).toBe(LOCAL_MS + 5000)
})

test('one node that repeats itself is still one node', () => {
  const clock = clockAt()
  for (let n = 0; n < 10; n++) says(clock, 1, 5000)
  expect(clock.offsetMs()).toBe(0)
})

test('two of five that lie do not move the clock out of what the others say', () => {
  const clock = clockAt()
  for (const [n, aheadMs] of [9_000_000, 100, -9_000_000, 120, 110].entries()) says(clock, n, aheadMs)
  expect(clock.offsetMs()).toBe(110)
})

test('what was said long ago gives way', () => {
  const clock = clockAt()
  for (let n = 0; n < 5; n++) says(clock, n, 60_000)
  for (let n = 5; n < 10; n++) says(clock, n, 0)
  expect(clock.offsetMs()).toBe(0)
})

test('a time that cannot be is not listened to', () => {
  const clock = clockAt()
  const node = '0'.repeat(64) as ServiceNodeKey
  for (const nodeMs of [Number.NaN, 1e300, 0, -1]) {
    for (let n = 0; n < 3; n++) clock.add({ node, nodeMs, sentMs: LOCAL_MS, receivedMs: LOCAL_MS })
  }
  expect(clock.nowMs()).toBe(LOCAL_MS)
})
