import { expect, test } from 'vitest'
import { RequestBudget } from '../../../src/staking/request-budget.ts'
import { aClock } from './staked-chain.ts'

const signal = new AbortController().signal

function aBudget(burst: number, perSecond: number) {
  const clock = aClock()
  const pauses: number[] = []
  const pause = async (ms: number, until: AbortSignal) => {
    until.throwIfAborted()
    pauses.push(ms)
    clock.advance(ms)
  }
  return { budget: new RequestBudget({ clock, pause }, { burst, perSecond }), clock, pauses }
}

test('requests go at once while the burst lasts, and then wait for their turn', async () => {
  const { budget, pauses } = aBudget(3, 2)
  const waited = []
  for (let count = 0; count < 5; count++) waited.push(await budget.take(signal))
  expect(waited).toEqual([false, false, false, true, true])
  expect(pauses).toEqual([500, 500])
})

test('over any time, no more than the burst and the rate are taken, however many ask at once', async () => {
  const { budget, clock } = aBudget(10, 2)
  const begunMs = clock.nowMs()
  await Promise.all(Array.from({ length: 100 }, () => budget.take(signal)))
  expect(clock.nowMs() - begunMs).toBeGreaterThanOrEqual(45_000)
})

test('who asks first goes first', async () => {
  const { budget } = aBudget(1, 2)
  const order: number[] = []
  await Promise.all([1, 2, 3, 4].map(async (place) => void order.push((await budget.take(signal)) ? place : 0)))
  expect(order).toEqual([0, 2, 3, 4])
})

test('a quiet time fills the budget, and no further', async () => {
  const { budget, clock } = aBudget(4, 2)
  for (let count = 0; count < 4; count++) await budget.take(signal)
  expect(budget.left()).toBe(0)
  clock.advance(1000)
  expect(budget.left()).toBe(2)
  clock.advance(3_600_000)
  expect(budget.left()).toBe(4)
})

test('who gives up in the queue leaves it, and those behind still wait for those before', async () => {
  const { budget } = aBudget(1, 2)
  const stop = new AbortController()
  const first = budget.take(signal)
  const second = budget.take(stop.signal)
  const third = budget.take(signal)
  stop.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  expect([await first, await third]).toEqual([false, true])
})

test('a provider that finds it too much ends the burst', async () => {
  const { budget, clock } = aBudget(100, 2)
  await budget.take(signal)
  budget.drain()
  expect(budget.left()).toBe(0)
  expect(await budget.take(signal)).toBe(true)
  clock.advance(10_000)
  expect(budget.left()).toBe(20)
})

test('a clock that goes back takes nothing away', async () => {
  const { budget, clock } = aBudget(5, 2)
  await budget.take(signal)
  clock.advance(-3_600_000)
  expect(budget.left()).toBe(4)
})
