import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { watchStorage } from '../../../src/node/storage-failure.ts'
import { handTimers } from '../../support/hand-timers.ts'

test('a node whose store fails has some seconds to show it, and then ends with a code of its own', async () => {
  const { timers, waits, fire } = handTimers()
  let health: { writable: boolean; reason?: string } = { writable: true }
  using failure = watchStorage({ log: silentLogger, messages: { health: () => health }, timers })
  fire()
  fire()
  health = { writable: false, reason: 'Writing failed: EIO' }
  fire()
  expect(waits).toEqual([500, 500, 500, 5_000])
  fire()
  const error = await failure.happened
  expect(error).toMatchObject({
    code: 'NOT_WRITABLE',
    message: expect.stringContaining('opened again: Writing failed: EIO'),
  })
  expect(exitCodeOf(error)).toBe(74)
})

test('a node that stops before that stops as it was told', () => {
  const { timers, isWaiting } = handTimers()
  const failure = watchStorage({ log: silentLogger, messages: { health: () => ({ writable: false }) }, timers })
  expect(isWaiting()).toBe(true)
  failure[Symbol.dispose]()
  expect(isWaiting()).toBe(false)
})
