import { expect, test } from 'vitest'
import { standingOf } from '../../../src/staking/chain-standing.ts'
import { defaultStakingOptions } from '../../../src/staking/options.ts'
import { ProviderHealth } from '../../../src/staking/provider-health.ts'
import { aClock } from './staked-chain.ts'

function aHealth() {
  const clock = aClock()
  return { clock, health: new ProviderHealth(clock, defaultStakingOptions) }
}

test('a hiccup is not told, and a failure that lasts is', () => {
  const { clock, health } = aHealth()
  health.failed('PROVIDER_TIMEOUT')
  expect(health).toMatchObject({ trouble: 'PROVIDER_TIMEOUT', isFaulty: false, isResting: true })
  clock.advance(19_999)
  expect(health.isFaulty).toBe(false)
  clock.advance(1)
  expect(health.isFaulty).toBe(true)
  health.succeeded()
  health.reviewed()
  expect(health).toMatchObject({ trouble: undefined, isFaulty: false, isResting: false })
})

test('one fault that ends right before another is found is one trouble', () => {
  const { clock, health } = aHealth()
  health.failed('PROVIDER_TIMEOUT')
  clock.advance(20_000)
  health.succeeded()
  health.judge('PROVIDER_BEHIND', true)
  expect(health).toMatchObject({ trouble: 'PROVIDER_BEHIND', isFaulty: true })
})

test('what does not happen to a good provider is told at once', () => {
  for (const code of ['PROVIDER_DISAGREES', 'PROVIDER_AHEAD', 'PROVIDER_SLOW'] as const) {
    const { health } = aHealth()
    health.judge(code, true)
    expect(health.isFaulty).toBe(true)
  }
  const { health } = aHealth()
  health.judge('PROVIDER_BEHIND', true)
  health.failed('CHAIN_WRONG')
  expect(health).toMatchObject({ trouble: 'CHAIN_WRONG', isFaulty: true })
})

test('a lie is not forgotten because other answers come', () => {
  const { clock, health } = aHealth()
  health.dissented()
  clock.advance(60_000)
  health.succeeded()
  expect(health.trouble).toBe('PROVIDER_DISAGREES')
})

test('who tells the truth every other time does not seem well in between', () => {
  const { clock, health } = aHealth()
  for (let looks = 0; looks < 10; looks++) {
    health.dissented()
    clock.advance(19_000)
    health.judge('PROVIDER_DISAGREES', false)
    health.reviewed()
    expect(health).toMatchObject({ trouble: 'PROVIDER_DISAGREES', isFaulty: true })
  }
  clock.advance(1000)
  health.judge('PROVIDER_DISAGREES', false)
  expect(health.trouble).toBeUndefined()
})

test('who does it again after it was cleared has to behave for longer each time', () => {
  const { clock, health } = aHealth()
  const clearedAfterS = () => {
    health.judge('PROVIDER_BEHIND', true)
    for (let seconds = 0; ; seconds += 20) {
      health.judge('PROVIDER_BEHIND', false)
      if (health.trouble === undefined) return seconds
      clock.advance(20_000)
    }
  }
  expect([1, 2, 3, 4, 5, 6, 7].map(clearedAfterS)).toEqual([20, 40, 80, 160, 320, 640, 640])
  clock.advance(3_600_000)
  expect(clearedAfterS()).toBe(20)
})

test('something new against a provider makes it prove its chain again', () => {
  const { health } = aHealth()
  health.checkedAtMs = 1
  health.judge('PROVIDER_BEHIND', true)
  expect(health.checkedAtMs).toBeUndefined()
  health.checkedAtMs = 2
  health.judge('PROVIDER_BEHIND', true)
  expect(health.checkedAtMs).toBe(2)
})

test('answers that mostly take seconds make a provider slow; one that does so now and then is not', () => {
  const { clock, health } = aHealth()
  for (const tookMs of [50, 60, 9900, 40, 50]) health.timed(tookMs)
  expect(health.trouble).toBeUndefined()
  for (const tookMs of [9900, 9900]) health.timed(tookMs)
  expect(health.trouble).toBe('PROVIDER_SLOW')
  clock.advance(20_000)
  health.timed(50)
  clock.advance(20_000)
  health.timed(50)
  expect(health.trouble).toBeUndefined()
})

test('a provider rests as long as it asks for, within reason', () => {
  const { clock, health } = aHealth()
  health.failed('PROVIDER_LIMITED', 15_000)
  clock.advance(14_999)
  expect(health.isResting).toBe(true)
  clock.advance(1)
  expect(health.isResting).toBe(false)
  health.failed('PROVIDER_LIMITED', 86_400_000)
  clock.advance(30_000)
  expect(health.isResting).toBe(false)
})

test('how well the chain is seen follows from who is sound', () => {
  expect(standingOf(['sound'], 1)).toBe('trusting-one')
  expect(standingOf(['faulty'], 1)).toBe('trusting-one')
  expect(standingOf(['sound', 'sound', 'sound'], 2)).toBe('full')
  expect(standingOf(['sound', 'sound', 'faulty'], 2)).toBe('without-spare')
  expect(standingOf(['sound', 'faulty', 'sound'], 2)).toBe('on-backup')
  expect(standingOf(['faulty', 'sound', 'sound'], 2)).toBe('on-backup')
  expect(standingOf(['sound', 'faulty'], 2)).toBe('too-few')
  expect(standingOf(['faulty', 'faulty', 'sound'], 2)).toBe('too-few')
  // Who is slow is believed all the same.
  expect(standingOf(['slow', 'slow', 'slow'], 2)).toBe('on-backup')
  expect(standingOf(['slow', 'faulty', 'faulty'], 2)).toBe('too-few')
})
