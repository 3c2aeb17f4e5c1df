// Members of one swarm with real message stores that prove to each other what they hold; between them are function calls.
import { describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { defaultPeerTestsOptions } from '../../../src/peer-tests/options.ts'
import { createPeerTests, type PeerTests } from '../../../src/peer-tests/peer-tests.ts'
import { chooseChallenge } from '../../../src/peer-tests/storage-proof.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { NetworkId } from '../../../src/protocol/network-id.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import { decodeProbeAnswer, encodeProbeRequest, storageDigest } from '../../../src/protocol/peer-api/probe.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createTestNetwork, type TestNode } from '../rpc/rpc-fixture.ts'
import { aMessage, START_MS } from '../storage/store-fixture.ts'
import { quietParts, testMetrics } from './peer-tests-fixture.ts'

const NETWORK = 'ab'.repeat(32) as NetworkId

interface Prover {
  readonly node: TestNode
  readonly tests: PeerTests
  isComplete: boolean
  expose(): Promise<string>
}

async function startProvers(count: number) {
  await using stack = new AsyncDisposableStack()
  const network = stack.use(await createTestNetwork(count))
  const provers: Prover[] = []
  for (const node of network.nodes) {
    const { metrics, expose } = testMetrics()
    const peers = {
      request: async (peer: ServiceNodeKey, _: string, payload: Uint8Array) => {
        const other = provers.find((each) => each.node.key === peer)
        if (other === undefined) throw new PeerRequestError('PEER_UNKNOWN', 'Nobody knows')
        return other.tests.handle(node.key, payload, new AbortController().signal)
      },
    }
    const prover: Prover = {
      ...{ node, expose, isComplete: true },
      tests: stack.use(
        createPeerTests(
          {
            ...quietParts,
            ...{ metrics, peers, network: NETWORK, clock: node.store.clock, swarm: node.membership },
            // Only what is held is tested here.
            contacts: { contact: () => undefined },
            contents: node.store.store.contents,
            isComplete: () => prover.isComplete,
            identity: { key: node.key, sign: (bytes) => sign(bytes, node.pair.secretKey) },
          },
          defaultPeerTestsOptions,
        ),
      ),
    }
    provers.push(prover)
  }
  const started = stack.move()
  return {
    provers: provers as [Prover, ...Prover[]],
    pass: (ms: number) => {
      for (const { node } of provers) node.store.clock.pass(ms)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

const accountOf = (at: number) => `05${at.toString(16).padStart(2, '0').repeat(32)}` as AccountId
const message = (at: number, life = DAY) =>
  aMessage({ account: accountOf(at), data: Buffer.alloc(1000, at), expiryMs: START_MS + life })

async function storeAt(provers: readonly Prover[], ...messages: ReturnType<typeof message>[]) {
  for (const { node } of provers) for (const each of messages) await node.store.store.store(each)
}

const outcomes = async (prover: Prover) =>
  Object.fromEntries(
    [...(await prover.expose()).matchAll(/tests_total\{test="storage",outcome="(\w+)"\} (\d+)/g)].map((match) => [
      match[1],
      Number(match[2]),
    ]),
  )

describe('members of one swarm', () => {
  test('prove that they hold the same; what is under way, or ends soon, makes no difference', async () => {
    await using network = await startProvers(3)
    const [first, second, third] = network.provers as [Prover, Prover, Prover]
    await storeAt(network.provers, ...Array.from({ length: 150 }, (_, at) => message(at)))
    // One has what expires in a moment, another what came just now.
    await storeAt([second], message(200, 25 * MINUTE))
    network.pass(20 * MINUTE)
    await storeAt([third], message(201))
    await first.tests.testNow()
    for (let time = 0; time < 6; time++) {
      network.pass(5 * MINUTE)
      // What came just now is settled then, so all have it by now.
      if (time === 0) await storeAt([first, second], message(201))
      await first.tests.testNow()
    }
    expect(await outcomes(first)).toEqual({ passed: 14 })
    expect(first.tests.status().failing.storage).toBe(0)
  })

  test('find one that has lost what it should hold, but only when it fails again and again', async () => {
    await using network = await startProvers(3)
    const [first, ...others] = network.provers as [Prover, Prover, Prover]
    await storeAt([first, ...others.slice(1)], ...Array.from({ length: 40 }, (_, at) => message(at * 6)))
    network.pass(20 * MINUTE)
    for (let failures = 1; failures <= 5; failures++) {
      await first.tests.testNow()
      expect(first.tests.status().failing.storage).toBe(failures < 5 ? 0 : 1)
      network.pass(10 * MINUTE)
    }
    // It is told of, but whoever answers clients is not left out for it.
    expect(first.tests.isReachable(others[0].node.key)).toBe(true)
    await storeAt([others[0]], ...Array.from({ length: 40 }, (_, at) => message(at * 6)))
    network.pass(20 * MINUTE)
    await first.tests.testNow()
    expect(first.tests.status().failing.storage).toBe(0)
  })

  test('ask nothing of those who join, but do not believe that somebody joins for ever', async () => {
    await using network = await startProvers(2)
    const [first, second] = network.provers as [Prover, Prover]
    await storeAt([first], message(1))
    second.isComplete = false
    network.pass(20 * MINUTE)
    for (let time = 0; time < 12; time++) {
      network.pass(5 * MINUTE)
      await first.tests.testNow()
    }
    expect(await outcomes(first)).toEqual({ untested: 12 })
    network.pass(5 * MINUTE)
    await first.tests.testNow()
    expect(await outcomes(first)).toEqual({ untested: 12, failed: 1 })
    first.isComplete = false
    network.pass(HOUR)
    await first.tests.testNow()
    expect(await outcomes(first)).toEqual({ untested: 12, failed: 1 })
  })

  test('answer neither strangers, nor about others, nor in the name of others, nor without end', async () => {
    await using network = await startProvers(3)
    const [first, second, third] = network.provers as [Prover, Prover, Prover]
    await storeAt(network.provers, message(1))
    network.pass(20 * MINUTE)
    const arc = first.node.membership.ownArc() ?? { first: 0n, last: 0n }
    const choice = { arc, atMs: START_MS + 20 * MINUTE, nonce: Buffer.alloc(32, 9), start: Buffer.alloc(32) }
    const held = await chooseChallenge(first.node.store.store.contents, choice)
    if (held === undefined) throw new Error('There is a message')
    const ask = async (from: ServiceNodeKey, changes: Partial<typeof held.challenge> = {}) => {
      const request = encodeProbeRequest({ kind: 'proof', challenge: { ...held.challenge, ...changes } })
      const answer = await second.tests.handle(from, request, new AbortController().signal)
      return decodeProbeAnswer('proof', answer).content
    }
    const digest = (key: ServiceNodeKey) => Buffer.from(storageDigest(held.challenge, key, held.messages))
    expect(await ask(first.node.key)).toEqual({ digest: digest(second.node.key) })
    expect(digest(third.node.key)).not.toEqual(digest(second.node.key))
    const stranger = parseServiceNodeKey('ab'.repeat(32)) as ServiceNodeKey
    expect(await ask(stranger)).toEqual({ refusal: 'other-range' })
    expect(await ask(first.node.key, { arc: { first: 1n, last: 2n } })).toEqual({ refusal: 'other-range' })
    expect(await ask(first.node.key, { atMs: START_MS + 2 * HOUR })).toEqual({ refusal: 'other-range' })
    for (let asked = 1; asked < 4; asked++) expect(await ask(first.node.key)).toHaveProperty('digest')
    expect(await ask(first.node.key)).toEqual({ refusal: 'not-now' })
    expect(await ask(third.node.key)).toHaveProperty('digest')
  })
})
