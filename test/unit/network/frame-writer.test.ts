import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FrameWriter } from '../../../src/network/frame-writer.ts'

const stallTimeoutMs = 1000

/** A stream that takes one write, and the next after each `drain`. */
class FullStream extends EventTarget {
  writes = 0

  send(): boolean {
    this.writes++
    return false
  }

  /** The peer has read what was written. */
  async drain(): Promise<void> {
    this.dispatchEvent(new Event('drain'))
    // The writer goes on in a microtask.
    await Promise.resolve()
  }
}

function aWriter() {
  const stream = new FullStream()
  let stalled = false
  const onStall = () => {
    stalled = true
  }
  const writer = new FrameWriter(stream, { stallTimeoutMs, onStall })
  let given = 0
  const send = (size: number) =>
    writer.send({ kind: 'response', id: 1, payload: Buffer.alloc(size) }, () => {
      given++
    })
  return { stream, writer, send, given: () => given, isStalled: () => stalled }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a peer that reads in time is never stalled, however long that goes on', async () => {
  const { stream, writer, send, given, isStalled } = aWriter()
  for (let round = 1; round <= 100; round++) {
    send(30_000)
    await Promise.resolve()
    vi.advanceTimersByTime(stallTimeoutMs / 2)
    await stream.drain()
    expect(given()).toBe(round)
  }
  expect(isStalled()).toBe(false)
  expect(writer.unwritten).toBe(0)
})

test('a peer that reads nothing is stalled', async () => {
  const { send, isStalled } = aWriter()
  send(10)
  await Promise.resolve()
  vi.advanceTimersByTime(stallTimeoutMs - 1)
  expect(isStalled()).toBe(false)
  vi.advanceTimersByTime(1)
  expect(isStalled()).toBe(true)
})

test('a peer that reads now and then, but less than it is sent, is stalled', async () => {
  const { stream, writer, send, isStalled } = aWriter()
  for (let count = 0; count < 10; count++) send(40_000)
  await Promise.resolve()
  for (let quarter = 0; quarter < 4; quarter++) {
    vi.advanceTimersByTime(stallTimeoutMs / 4)
    await stream.drain()
  }
  expect(isStalled()).toBe(true)
  expect(writer.unwritten).toBeGreaterThan(0)
})

test('what is queued when a writer closes is let go of', async () => {
  const { writer, send, given } = aWriter()
  for (let count = 0; count < 10; count++) send(40_000)
  await Promise.resolve()
  writer.close()
  send(10)
  expect(given()).toBe(11)
})
