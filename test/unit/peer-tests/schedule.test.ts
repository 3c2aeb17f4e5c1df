// When tests are made, with timers that a test holds in its hand.
import { expect, test } from 'vitest'
import { SECOND } from '../../../src/base/clock.ts'
import { systemTimers } from '../../../src/base/timers.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { defaultPeerTestsOptions } from '../../../src/peer-tests/options.ts'
import { createPeerTests } from '../../../src/peer-tests/peer-tests.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { createTestClock } from '../storage/store-fixture.ts'
import { type Person, people, quietParts, testMetrics } from './peer-tests-fixture.ts'

const [self, ...others] = people(12) as [Person, ...Person[]]

function aNode({
  members = [self, ...others],
  chances = [0],
}: {
  members?: readonly Person[]
  chances?: number[]
} = {}) {
  const waits: { readonly ms: number; readonly callback: () => void }[] = []
  const asked: string[] = []
  let cancelled = 0
  const tests = createPeerTests(
    {
      ...quietParts,
      ...{ metrics: testMetrics().metrics, clock: createTestClock(), network: 'ab'.repeat(32) as NetworkId },
      random: () => chances.shift() ?? 0,
      timers: {
        ...systemTimers,
        after(ms, callback) {
          waits.push({ ms, callback })
          return () => void cancelled++
        },
      },
      identity: { key: self.key, sign: (bytes) => sign(bytes, self.pair.secretKey) },
      contacts: {
        contact(key) {
          asked.push(key)
          return undefined
        },
      },
      peers: { request: () => Promise.reject(new Error('Nobody is asked without an address')) },
      swarm: {
        members: () => members.map(({ member }) => member),
        ownSwarm: () => undefined,
        ownArc: () => undefined,
        epoch: () => ({ index: 1 }),
      },
    },
    defaultPeerTestsOptions,
  )
  return { tests, waits, asked, cancelled: () => cancelled }
}

/** Lets a turn that waits for nothing come to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a turn begins ten seconds after the one before, give or take a quarter, and tests a random member', async () => {
  // A pause, a member, and so on.
  const node = aNode({ chances: [0, 0.5, 0.5, 0.9999, 1] })
  node.tests.start()
  for (const expected of [7.5, 10, 12.5]) {
    const next = node.waits.shift()
    expect(next?.ms).toBeCloseTo(expected * SECOND)
    next?.callback()
    await settle()
  }
  const chosen = new Set(node.asked.filter((key) => key !== self.key))
  expect([...chosen].slice(0, 2)).toEqual([others[5]?.key, others[10]?.key])
  expect(node.waits).toHaveLength(1)
  await node.tests[Symbol.asyncDispose]()
  expect(node.cancelled()).toBe(1)
})

test('a node that is no member tests nobody', async () => {
  const node = aNode({ members: others })
  await node.tests.testNow()
  expect(node.asked.filter((key) => key !== self.key)).toEqual([])
  await node.tests[Symbol.asyncDispose]()
})
