import { describe, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../../src/base/clock.ts'
import { MemberVerdicts } from '../../../src/peer-tests/member-verdicts.ts'
import { defaultPeerTestsOptions } from '../../../src/peer-tests/options.ts'
import { chooseTests } from '../../../src/peer-tests/test-choice.ts'
import { createTestClock } from '../storage/store-fixture.ts'
import { people, testMetrics } from './peer-tests-fixture.ts'

const others = people(30)
const [alice, bob] = others.map(({ key }) => key) as [(typeof others)[0]['key'], (typeof others)[0]['key']]

function setup() {
  const clock = createTestClock()
  const { metrics, expose } = testMetrics()
  const verdicts = new MemberVerdicts({ clock, metrics }, defaultPeerTestsOptions)
  return { clock, verdicts, expose }
}

describe('a member', () => {
  test('counts as unreachable after two failures in a row, and as reachable after one success', () => {
    const { verdicts } = setup()
    for (const kind of ['https', 'libp2p'] as const) {
      verdicts.note(alice, kind, 'failed')
      expect(verdicts.isReachable(alice)).toBe(true)
      verdicts.note(alice, kind, 'passed')
      verdicts.note(alice, kind, 'failed')
      expect(verdicts.isReachable(alice)).toBe(true)
      verdicts.note(alice, kind, 'failed')
      expect(verdicts.isReachable(alice)).toBe(false)
      verdicts.note(alice, kind, 'passed')
      expect(verdicts.isReachable(alice)).toBe(true)
    }
  })

  test('that proves nothing is still reachable, and fails after five proofs', () => {
    const { verdicts } = setup()
    for (let failures = 1; failures <= 5; failures++) {
      verdicts.note(alice, 'storage', 'failed')
      expect(verdicts.findings(alice, 0)).toEqual({ storage: failures < 5 ? 'passed' : 'failed' })
    }
    expect(verdicts.isReachable(alice)).toBe(true)
  })

  test('that fails is retested after 10 s, 20 s and so on, at most ten minutes', () => {
    const { clock, verdicts } = setup()
    const pauses: number[] = []
    for (let failures = 0; failures < 9; failures++) {
      verdicts.note(alice, 'https', 'failed')
      expect(verdicts.due(['https', 'libp2p'])).toEqual([])
      let pause = 0
      while (verdicts.due(['https', 'libp2p']).length === 0) {
        clock.pass(10 * SECOND)
        pause += 10
      }
      pauses.push(pause)
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600])
    verdicts.note(alice, 'https', 'passed')
    clock.pass(20 * MINUTE)
    expect(verdicts.due(['https', 'libp2p'])).toEqual([])
  })

  test('is told about only what was tested since the last report, and forgotten when it is none any more', async () => {
    const { clock, verdicts, expose } = setup()
    verdicts.note(alice, 'https', 'failed')
    verdicts.note(alice, 'https', 'failed')
    clock.pass(MINUTE)
    verdicts.note(alice, 'libp2p', 'passed')
    expect(verdicts.findings(alice, MINUTE)).toEqual({ libp2p: 'passed' })
    expect(verdicts.findings(alice, 0)).toEqual({ https: 'failed', libp2p: 'passed' })
    expect(await expose()).toContain('starling_peer_tests_failing_members{test="https"} 1')
    verdicts.keep(new Set([bob]))
    expect(verdicts.findings(alice, 0)).toEqual({})
    expect(await expose()).toContain('starling_peer_tests_failing_members{test="https"} 0')
  })
})

describe('a node', () => {
  test('that cannot reach more than half of those whose turn it was doubts itself, and blames and skips nobody', () => {
    const { verdicts } = setup()
    const [reached, unreached] = [others.slice(0, 5), others.slice(5, 11)]
    for (const { key } of reached) verdicts.noteReached(key, true, true)
    for (const { key } of unreached) {
      for (let time = 0; time < 2; time++) verdicts.note(key, 'https', 'failed')
      verdicts.noteReached(key, false, true)
    }
    const [first] = unreached
    expect(verdicts.isInDoubt).toBe(true)
    expect(unreached.every(({ key }) => verdicts.isReachable(key))).toBe(true)
    expect(verdicts.findings(first?.key ?? alice, 0)).toEqual({})
    // A retest of one that is back ends it.
    verdicts.noteReached(first?.key ?? alice, true, false)
    expect(verdicts.isInDoubt).toBe(false)
    expect(verdicts.isReachable(unreached[1]?.key ?? alice)).toBe(false)
  })

  test('does not doubt itself for two members, nor for the same few that it retests again and again', () => {
    const { verdicts } = setup()
    for (const { key } of others.slice(0, 2)) verdicts.noteReached(key, false, true)
    expect(verdicts.isInDoubt).toBe(false)
    for (const { key } of others.slice(2, 6)) verdicts.noteReached(key, true, true)
    for (let time = 0; time < 50; time++) {
      for (const { key } of others.slice(10, 20)) verdicts.noteReached(key, false, false)
    }
    expect(verdicts.isInDoubt).toBe(false)
  })
})

test('a turn tests a random member, its swarm now and then, and the failing ones that wait longest', () => {
  const { clock, verdicts } = setup()
  const self = alice
  const members = others.map(({ member }) => member)
  const neighbours = others.slice(0, 3).map(({ key }) => key)
  const swarm = { members: () => members, ownSwarm: () => ({ id: 1n, members: neighbours }) }
  const choose = (random: number) =>
    chooseTests({ clock, random: () => random, self, swarm, verdicts }, defaultPeerTestsOptions)
  const first = choose(0.999)
  expect([...first.reach.keys()].sort()).toEqual([neighbours[1], neighbours[2], others[29]?.key].sort())
  expect(first.storage).toEqual(neighbours.slice(1))

  for (const key of neighbours.slice(1)) {
    verdicts.note(key, 'https', 'passed')
    verdicts.note(key, 'storage', 'passed')
  }
  for (const { key } of others.slice(10, 16)) {
    clock.pass(SECOND)
    verdicts.note(key, 'https', 'failed')
  }
  clock.pass(20 * SECOND)
  // Who draws itself takes the next.
  const second = choose(0)
  const retested = others.slice(10, 14).map(({ key }) => [key, false] as const)
  expect(new Map(second.reach)).toEqual(new Map([...retested, [bob, true]]))
  expect(second.storage).toEqual([])

  // What could not be tested waits for its time, too, and nothing is told of it.
  clock.pass(5 * MINUTE)
  expect(choose(0).storage).toEqual(neighbours.slice(1))
  for (const key of neighbours.slice(1)) verdicts.tried(key, 'storage')
  expect(choose(0).storage).toEqual([])
  expect(verdicts.findings(bob, clock.monotonicMs())).toEqual({})
})
