import { expect, test } from 'vitest'
import { raceSignal, withDeadline } from '../../../src/base/deadline.ts'

function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))
}

test('a deadline aborts by itself', async () => {
  expect(await aborted(withDeadline(1))).toMatchObject({ name: 'TimeoutError' })
})

test.for([0, -1, -0.5, 0.25])('%d ms, what may be left of a deadline, is next to no time', async (ms) => {
  expect(await aborted(withDeadline(ms))).toMatchObject({ name: 'TimeoutError' })
})

test.for([2 ** 31, 2 ** 33, Number.POSITIVE_INFINITY])(
  '%d ms, more than a timer holds, is not over at once',
  async (ms) => {
    const deadline = withDeadline(ms)
    // A timer of a millisecond, as Node makes of an overflow, would be over before this one.
    await aborted(withDeadline(20))
    expect(deadline.aborted).toBe(false)
  },
)

test('a deadline ends with its parent, for its parent’s reason', async () => {
  const parent = new AbortController()
  const deadline = withDeadline(60_000, parent.signal)
  parent.abort('the client left')
  expect(await aborted(deadline)).toBe('the client left')
  expect(withDeadline(60_000, parent.signal).aborted).toBe(true)
})

test('a race settles as its promise does', async () => {
  const { signal } = new AbortController()
  expect(await raceSignal(Promise.resolve(7), signal)).toBe(7)
  await expect(raceSignal(Promise.reject(new Error('lost')), signal)).rejects.toThrow('lost')
})

test('a race ends with the signal, and what the promise does later goes unnoticed', async () => {
  const stop = new AbortController()
  const work = Promise.withResolvers<number>()
  const race = raceSignal(work.promise, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(race).rejects.toThrow('stopped')
  work.reject(new Error('too late'))
  await expect(work.promise).rejects.toThrow('too late')
})

test('a race against a signal that has aborted is lost from the start', async () => {
  await expect(raceSignal(Promise.resolve(7), AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  await expect(raceSignal(Promise.reject(new Error('also')), AbortSignal.abort('stopped'))).rejects.toBe('stopped')
})
