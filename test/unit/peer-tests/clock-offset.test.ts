import { describe, expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { ClockOffset } from '../../../src/peer-tests/clock-offset.ts'
import { clockTrouble } from '../../../src/peer-tests/clock-trouble.ts'
import { defaultPeerTestsOptions as options } from '../../../src/peer-tests/options.ts'
import { createTestClock } from '../storage/store-fixture.ts'
import { people, testMetrics } from './peer-tests-fixture.ts'

const members = people(70).map(({ key }) => key)

function setup({ newestBlockMs }: { newestBlockMs?: () => number } = {}) {
  const clock = createTestClock()
  const { metrics, expose } = testMetrics()
  const offset = new ClockOffset({ clock, metrics, newestBlockMs: newestBlockMs ?? (() => undefined) }, options)
  /** Clocks of others that are ahead of ours by so much, or behind. */
  const hear = (...aheads: readonly number[]) => {
    for (const [at, ahead] of aheads.entries()) {
      const nowMs = clock.monotonicMs()
      const member = members[at]
      if (member !== undefined) offset.note(member, clock.nowMs() + ahead, nowMs, nowMs)
    }
  }
  const trouble = () => clockTrouble(offset.status(), options)
  return { clock, offset, hear, trouble, expose }
}

describe('the clock', () => {
  test('is compared with the median of at least three members', async () => {
    const { hear, offset, expose } = setup()
    hear(-SECOND, -SECOND)
    expect(offset.status()).toEqual({ aheadMs: undefined, samples: 2, isByChain: false })
    hear(-HOUR, -2 * SECOND, 4 * SECOND)
    expect(offset.status()).toEqual({ aheadMs: 2 * SECOND, samples: 3, isByChain: false })
    hear(-HOUR, -2 * SECOND, 4 * SECOND, 4 * SECOND)
    expect(offset.status().aheadMs).toBe(-SECOND)
    expect(await expose()).toContain('starling_peer_tests_clock_offset_seconds -1')
  })

  test('is not moved by fewer than half of the members, whatever they say', () => {
    const { hear, trouble } = setup()
    hear(-HOUR, -HOUR, 0, 0, 10)
    expect(trouble()).toBeUndefined()
  })

  test('that jumps an hour is found at once, without another answer, and so is its return', () => {
    for (const jump of [HOUR, -HOUR]) {
      const { clock, hear, trouble } = setup()
      hear(0, 0, 0)
      clock.pass(10 * MINUTE)
      expect(trouble()).toBeUndefined()
      clock.wallMs += jump
      expect(trouble()).toEqual({
        isUnready: true,
        sentence: expect.stringMatching(
          jump > 0 ? /60 min ahead of the clocks of 3 .*timedatectl/ : /60 min behind the clocks of 3/,
        ),
      })
      clock.wallMs -= jump
      expect(trouble()).toBeUndefined()
    }
  })

  test('is told of from 30 s on, and keeps the node from serving from two minutes on', () => {
    const { hear, trouble } = setup()
    const at = (ms: number) => {
      hear(ms, ms, ms)
      return trouble()?.isUnready
    }
    expect(at(30 * SECOND)).toBeUndefined()
    expect(at(31 * SECOND)).toBe(false)
    expect(at(-2 * MINUTE)).toBe(false)
    expect(at(-2 * MINUTE - 1)).toBe(true)
  })

  test('takes half of the way there and back into account, and no answer that took long', () => {
    const { clock, offset } = setup()
    for (const member of members.slice(0, 3)) offset.note(member, clock.nowMs() + 500, 0, 1000)
    expect(offset.status().aheadMs).toBe(0)
    for (const member of members.slice(0, 3)) offset.note(member, clock.nowMs() + HOUR, 0, 5 * SECOND + 1)
    expect(offset.status().aheadMs).toBe(0)
  })

  test('is compared with no more members than are remembered, and not with those who left or were silent for long', () => {
    const { clock, hear, offset } = setup()
    hear(...members.map(() => 0))
    expect(offset.status().samples).toBe(options.clockSamplesMax)
    offset.keep(new Set(members.slice(-5)))
    expect(offset.status().samples).toBe(5)
    clock.pass(options.clockMemoryMs + 1)
    offset.keep(new Set(members))
    expect(offset.status()).toEqual({ aheadMs: undefined, samples: 0, isByChain: false })
  })

  test('before the newest block is told of while no members tell more, but stops no node', () => {
    const blockMs = { now: 0 }
    const { clock, hear, trouble } = setup({ newestBlockMs: () => blockMs.now })
    blockMs.now = clock.nowMs()
    expect(trouble()).toBeUndefined()
    blockMs.now = clock.nowMs() + HOUR
    expect(trouble()).toEqual({ isUnready: false, sentence: expect.stringContaining('behind the newest block') })
    hear(0, 0, 0)
    expect(trouble()).toBeUndefined()
  })
})
