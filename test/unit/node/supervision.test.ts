import { expect, test } from 'vitest'
import type { HealthReason } from '../../../src/node/health.ts'
import type { Phase } from '../../../src/node/readiness.ts'
import { superviseNode } from '../../../src/node/supervision.ts'
import type { NoticeFields } from '../../../src/node/supervisor-notice.ts'
import { handTimers } from '../../support/hand-timers.ts'

function setup(watchdogMs: number | undefined) {
  const hand = handTimers()
  const state: { phase: Phase; dead: HealthReason[]; reasons: HealthReason[]; degraded: HealthReason[] } = {
    phase: 'starting',
    dead: [],
    reasons: [{ part: 'life-cycle', reason: 'Starting: its ports are opened' }],
    degraded: [],
  }
  const told: NoticeFields[] = []
  const notice = { watchdogMs, tell: (fields: NoticeFields) => void told.push(fields) }
  const probes = {
    phase: () => state.phase,
    dead: () => state.dead,
    reasons: () => state.reasons,
    degraded: () => state.degraded,
  }
  const supervision = superviseNode({ notice, probes, timers: hand.timers })
  return { ...hand, state, supervision, newlyTold: () => told.splice(0) }
}

test('a start that waits for the chain is given more time, and says what it waits for', () => {
  const { fire, newlyTold } = setup(undefined)
  expect(newlyTold()).toEqual([{ STATUS: 'Starting: its ports are opened', EXTEND_TIMEOUT_USEC: '60000000' }])
  for (let look = 0; look < 4; look++) fire()
  expect(newlyTold()).toEqual([{ EXTEND_TIMEOUT_USEC: '60000000' }])
})

test('a node has started when all is up, and a stake that it waits for is told as its status', () => {
  const { state, supervision, newlyTold, fire } = setup(undefined)
  newlyTold()
  state.phase = 'running'
  state.reasons = [{ part: 'stake', reason: 'There is no stake' }]
  supervision.look()
  expect(newlyTold()).toEqual([{ READY: '1', STATUS: 'Not serving: There is no stake' }])
  state.reasons = []
  state.degraded = [{ part: 'chain', reason: 'The chain stands still' }]
  fire()
  expect(newlyTold()).toEqual([{ STATUS: 'Serving, but: The chain stands still' }])
  state.degraded = []
  fire()
  fire()
  expect(newlyTold()).toEqual([{ STATUS: 'Serving' }])
  state.phase = 'stopping'
  state.reasons = [{ part: 'life-cycle', reason: 'Shutting down' }]
  supervision.look()
  expect(newlyTold()).toEqual([{ STOPPING: '1', STATUS: 'Shutting down' }])
})

test('signs of life come three times as often as the watchdog wants them, whatever the chain does', () => {
  const { state, supervision, newlyTold, fire, waits } = setup(60_000)
  state.phase = 'running'
  state.reasons = [{ part: 'membership', reason: 'No service node list has been read from the chain yet' }]
  supervision.look()
  newlyTold()
  const signs = Array.from({ length: 12 }, () => {
    fire()
    return newlyTold().length
  })
  expect(waits.at(-1)).toBe(5_000)
  expect(signs.filter((count) => count > 0)).toHaveLength(3)
})

test('a short watchdog is looked at as often as it needs', () => {
  const { waits, fire, newlyTold } = setup(3_000)
  expect(waits).toEqual([1_000])
  newlyTold()
  fire()
  expect(newlyTold()).toEqual([{ EXTEND_TIMEOUT_USEC: '60000000', WATCHDOG: '1' }])
})

test('a node that makes no progress sends no sign of life, and says why', () => {
  const { state, newlyTold, fire } = setup(15_000)
  state.phase = 'running'
  fire()
  newlyTold()
  state.dead = [{ part: 'storage', reason: 'The message database has not answered' }]
  fire()
  fire()
  expect(newlyTold()).toEqual([{ STATUS: 'Hangs: The message database has not answered' }])
})
