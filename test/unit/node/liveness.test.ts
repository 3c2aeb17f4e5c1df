import { expect, test } from 'vitest'
import { defaultLivenessOptions, watchLiveness } from '../../../src/node/liveness.ts'
import { handTimers } from '../../support/hand-timers.ts'

function setup() {
  const hand = handTimers()
  const state = { nowMs: 0, reads: [] as PromiseWithResolvers<void>[] }
  const read = () => {
    const answer = Promise.withResolvers<void>()
    state.reads.push(answer)
    return answer.promise
  }
  const clock = { monotonicMs: () => state.nowMs }
  const liveness = watchLiveness({ clock, timers: hand.timers, read }, defaultLivenessOptions)
  return { ...hand, state, liveness }
}

test('a node lives while its database answers, well or badly', async () => {
  const { state, liveness, fire } = setup()
  state.reads[0]?.resolve()
  await state.reads[0]?.promise
  fire()
  state.reads[1]?.reject(new Error('EIO'))
  await state.reads[1]?.promise.catch(() => {})
  await Promise.resolve()
  state.nowMs += 3_600_000
  expect(liveness.reasons()).toEqual([])
  fire()
  expect(state.reads).toHaveLength(3)
})

test('a node whose database does not answer for two minutes lives no more, until it does', async () => {
  const { state, liveness } = setup()
  state.nowMs = 120_000
  expect(liveness.reasons()).toEqual([])
  state.nowMs = 121_000
  expect(liveness.reasons()).toEqual([{ part: 'storage', reason: expect.stringContaining('for 121 seconds: restart') }])
  state.reads[0]?.resolve()
  await state.reads[0]?.promise
  expect(liveness.reasons()).toEqual([])
})

test('it asks no more when it is disposed of', async () => {
  const { state, liveness, isWaiting } = setup()
  liveness[Symbol.dispose]()
  state.reads[0]?.resolve()
  await state.reads[0]?.promise
  expect(isWaiting()).toBe(false)
})
