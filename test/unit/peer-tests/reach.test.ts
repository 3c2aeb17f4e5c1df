// Members that test each other over real sockets: libp2p, and HTTPS servers of the clients' entry.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { defaultPeerTestsOptions } from '../../../src/peer-tests/options.ts'
import { createPeerTests, type PeerTests } from '../../../src/peer-tests/peer-tests.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { startNodes, type TestNode, testEpoch, testNetworkId, until } from '../network/peer-network-support.ts'
import { startTestServer, type TestServer } from '../rpc/https-fixture.ts'
import { createTestClock, type TestClock } from '../storage/store-fixture.ts'
import { quietParts, testMetrics } from './peer-tests-fixture.ts'

interface Tester {
  readonly key: ServiceNodeKey
  readonly node: TestNode
  readonly server: TestServer
  readonly clock: TestClock
  readonly tests: PeerTests
  readonly told: string[]
  expose(): Promise<string>
}

/** A port that was given and is closed again. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function startTesters(count: number) {
  await using stack = new AsyncDisposableStack()
  const { nodes } = stack.use(await startNodes(count))
  await until(() => nodes.every(({ network }) => network.status().missing === 0))
  const contacts = new Map<ServiceNodeKey, ServiceNodeContact>()
  const members = nodes.map(({ member }) => member)
  const testers: Tester[] = []
  for (const node of nodes) {
    const { key, identity } = node
    const server = stack.use(await startTestServer({}, { identity: { key } }))
    const peerPort = Number(node.address().match(/tcp\/(\d+)/)?.[1])
    contacts.set(key, { key, ip: '127.0.0.1', httpsPort: server.port, peerPort, version: [1, 2, 3], timestampMs: 1 })
    const clock = createTestClock()
    const { metrics, expose } = testMetrics()
    const told: string[] = []
    const log = {
      ...quietParts.log,
      warn: (facts: object) => void told.push(`wrong ${'what' in facts ? facts.what : ''}`),
      info: (facts: object) => void told.push(`over ${'what' in facts ? facts.what : ''}`),
    }
    const tests = stack.use(
      createPeerTests(
        {
          ...quietParts,
          ...{ log, clock, metrics, contacts, peers: node.network, network: testNetworkId },
          contacts: { contact: (each) => contacts.get(each) },
          identity: { key, sign: (bytes) => sign(bytes, identity.secretKey) },
          swarm: {
            members: () => members,
            ownSwarm: () => ({ id: 1n, members: members.map((member) => member.key) }),
            ownArc: () => ({ first: 0n, last: 2n ** 64n - 1n }),
            epoch: () => testEpoch,
          },
        },
        defaultPeerTestsOptions,
      ),
    )
    node.network.handle('probe', tests.handle)
    testers.push({ key, node, server, clock, tests, told, expose })
  }
  const started = stack.move()
  /** All of its swarm are due. */
  const turn = async (tester: Tester) => {
    tester.clock.pass(MINUTE)
    await tester.tests.testNow()
  }
  return { testers, contacts, turn, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

describe('members that test each other', () => {
  test('find those that answer, and compare clocks on the way', async () => {
    await using network = await startTesters(4)
    const [first] = network.testers as [Tester]
    await network.turn(first)
    for (const { key } of network.testers) expect(first.tests.isReachable(key)).toBe(true)
    expect(first.tests.status()).toMatchObject({
      failing: { https: 0, libp2p: 0, storage: 0 },
      isInDoubt: false,
      troubles: [],
      clock: { samples: 3, isByChain: false },
    })
    expect(first.tests.trouble()).toBeUndefined()
    expect(await first.expose()).toContain('starling_peer_tests_tests_total{test="https",outcome="passed"} 3')
    // Those that were asked had clocks that stood still while this one went on.
    expect(first.tests.clockTrouble()?.isUnready).toBe(false)
    expect(first.told).toEqual(['wrong clock'])
  })

  test('leave out one whose HTTPS port is closed, tell it so, and take it back when it is there again', async () => {
    await using network = await startTesters(4)
    const [closed, ...others] = network.testers as [Tester, ...Tester[]]
    await closed.server.stop()
    for (const tester of others) {
      await network.turn(tester)
      expect(tester.tests.isReachable(closed.key)).toBe(true)
      // The first failure is repeated after ten seconds.
      tester.clock.pass(10 * SECOND)
      await tester.tests.testNow()
      expect(tester.tests.isReachable(closed.key)).toBe(false)
      expect(tester.tests.status()).toMatchObject({ failing: { https: 1, libp2p: 0 }, isInDoubt: false })
      await tester.tests.reportNow()
    }
    const port = network.contacts.get(closed.key)?.httpsPort
    const sentence = expect.stringContaining(`3 of 3 testers can't reach port ${port} (HTTPS`)
    expect(closed.tests.status().troubles).toEqual([{ test: 'https', sentence }])
    expect(closed.tests.trouble()).toContain('firewall')
    await network.turn(closed)
    await network.turn(closed)
    expect(closed.told.filter((line) => line.endsWith('https'))).toEqual(['wrong https'])

    await using again = await startTestServer({}, { identity: { key: closed.key } })
    network.contacts.set(closed.key, {
      ...(network.contacts.get(closed.key) as ServiceNodeContact),
      httpsPort: again.port,
    })
    for (const tester of others) {
      await network.turn(tester)
      expect(tester.tests.isReachable(closed.key)).toBe(true)
      await tester.tests.reportNow()
    }
    expect(closed.tests.status().troubles).toEqual([])
    await network.turn(closed)
    expect(closed.told).toContain('over https')
  })

  test('do not take another service that answers at the port for the node', async () => {
    await using network = await startTesters(2)
    const [tester, other] = network.testers as [Tester, Tester]
    const contact = network.contacts.get(other.key) as ServiceNodeContact
    network.contacts.set(other.key, { ...contact, httpsPort: tester.server.port })
    await network.turn(tester)
    await network.turn(tester)
    expect(tester.tests.status().failing).toEqual({ https: 1, libp2p: 0, storage: 0 })
  })

  test('find a closed port of libp2p although the node itself has opened a connection', async () => {
    await using network = await startTesters(3)
    const [tester, closed] = network.testers as [Tester, Tester]
    await network.turn(closed)
    const contact = network.contacts.get(closed.key) as ServiceNodeContact
    network.contacts.set(closed.key, { ...contact, peerPort: await closedPort() })
    await network.turn(tester)
    await network.turn(tester)
    expect(tester.tests.status().failing).toEqual({ https: 0, libp2p: 1, storage: 0 })
    expect(tester.tests.isReachable(closed.key)).toBe(false)
    await tester.tests.reportNow()
    // One tester alone may be wrong.
    expect(closed.tests.status().standings.libp2p).toEqual({ testers: 1, failing: 1 })
    expect(closed.tests.trouble()).toBeUndefined()
  })

  test('ask for what they were not told', async () => {
    await using network = await startTesters(3)
    const [tester, other] = network.testers as [Tester, Tester]
    // What it is told gets lost.
    const TELL = 2
    other.node.network.handle('probe', async (from, payload, signal) =>
      payload[0] === TELL ? Buffer.alloc(0) : other.tests.handle(from, payload, signal),
    )
    await network.turn(tester)
    await tester.tests.reportNow()
    expect(other.tests.status().standings.https.testers).toBe(0)
    await other.tests.reportNow()
    expect(other.tests.status().standings.https).toEqual({ testers: 1, failing: 0 })
  })

  test('blame themselves first when they reach nobody', async () => {
    await using network = await startTesters(4)
    const [alone, ...others] = network.testers as [Tester, ...Tester[]]
    await Promise.all(others.map(({ server }) => server.stop()))
    await network.turn(alone)
    await network.turn(alone)
    expect(alone.tests.status()).toMatchObject({ isInDoubt: true, failing: { https: 3 } })
    for (const { key } of others) expect(alone.tests.isReachable(key)).toBe(true)
    expect(alone.tests.trouble()).toMatch(/cannot reach more than half .*cut off itself/)
    await alone.tests.reportNow()
    expect(others.map(({ tests }) => tests.status().standings.https.failing)).toEqual([0, 0, 0])
  })
})

test('a node that is stopped ends its tests', async () => {
  await using network = await startTesters(2)
  const [tester] = network.testers as [Tester]
  const turn = tester.tests.testNow()
  await tester.tests[Symbol.asyncDispose]()
  await expect(turn).resolves.toBeUndefined()
  await expect(tester.tests.testNow()).rejects.toThrow()
})
