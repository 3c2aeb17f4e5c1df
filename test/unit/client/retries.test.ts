// What the client does again, and what it never does twice: real bytes over real HTTPS, and failures of every kind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, MINUTE } from '../../../src/base/clock.ts'
import { accountFromSeed } from '../../../src/client/account.ts'
import { createClient, type StarlingClient } from '../../../src/client/client.ts'
import { GuardRests } from '../../../src/client/guard-rests.ts'
import type { ClientOptions } from '../../../src/client/options.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { START_MS, startRealSwarm } from './real-swarm.ts'
import { startTestNetwork, type TestNetwork, type TestNode } from './test-network.ts'
import { answer, startTestSwarm, swarmBody, type TestSwarm } from './test-swarm.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))
const data = new TextEncoder().encode('data')

let network: TestNetwork
let swarm: TestSwarm
let members: readonly TestNode[]
let stack: AsyncDisposableStack

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startTestNetwork(10))
  members = network.nodes.slice(0, 3)
  swarm = startTestSwarm(network, members)
})
afterEach(() => stack.disposeAsync())

function clientOf(options: Partial<ClientOptions> = {}): StarlingClient {
  const seeds = [{ url: network.seedUrl, certificate: 'any' as const }]
  return stack.use(createClient({ seeds, account: alice, seedBackoffMs: 1, ...options }))
}

const nodeOf = (key: ServiceNodeKey | undefined) => network.nodes.find((node) => node.key === key) as TestNode
const store = (client: StarlingClient) => client.store({ account: bob.id, data })

/** Has the swarm kept by nodes that are no guards of the client, which must not be confused with them. */
async function keepGuardsOut(client: StarlingClient): Promise<readonly TestNode[]> {
  await client.info()
  swarm.members = network.nodes.filter(({ key }) => !client.guards().includes(key)).slice(0, 3)
  await client.getSwarm(bob.id)
  return swarm.members
}

/** What reached the nodes, in no particular order. */
const requestsOf = (method: string) =>
  network.nodes.flatMap((node) => node.requests).filter((request) => request.method === method)

const requestsTo = (node: TestNode, method: string) => node.requests.filter((each) => each.method === method).length

/** A member that answers stores with `reply`, and all else as it should. */
function refusing(node: TestNode, reply: ReturnType<TestNode['answer']>): void {
  node.answer = (request) => (request.method === 'store' ? reply : answer(network, swarm, node, request))
}

/** The list says who is in which swarm: `members` are in one near the account, the rest in one opposite to it. */
function listSwarms(): void {
  const account = BigInt(`0x${bob.id.slice(2)}`)
  const words = [0n, 1n, 2n, 3n].map((word) => BigInt.asUintN(64, account >> (64n * word)))
  const point = words.reduce((space, word) => space ^ word)
  for (const node of network.nodes) {
    node.swarm = members.includes(node) ? point : BigInt.asUintN(64, point + 2n ** 63n)
  }
}

describe('a write whose answer was lost', () => {
  test('is sent again as the same bytes', async () => {
    const client = clientOf({ account: bob })
    await client.getSwarm(bob.id)
    network.losses = 1
    await client.deleteAll(0)
    const [first, second] = requestsOf('delete_all')
    expect(second).toEqual(first)
  })

  test('is done once', async () => {
    await using real = await startRealSwarm(6, 3)
    const client = real.clientOf({ account: bob })
    await client.info()
    real.network.losses = 1
    const { hash, results } = await client.store({ account: bob.id, data, ttlMs: DAY })
    expect(real.asked('store')).toBe(2)
    expect(results[0]).toMatchObject({ kind: 'confirmed', value: { already: true } })
    expect((await client.retrieve()).messages.map((message) => message.hash)).toEqual([hash])
    real.network.losses = 1
    await client.expire([hash], START_MS + 2 * DAY)
    expect(real.asked('expire')).toBe(2)
    expect(await client.getExpiries([hash])).toEqual([{ hash, expiryMs: START_MS + 2 * DAY }])
  })
})

describe('a guard that has too much to do', () => {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
  let nowMs = 0

  test('is left alone for as long as it says', async () => {
    const client = clientOf({ clock })
    await keepGuardsOut(client)
    const guard = nodeOf(client.guards()[0])
    guard.guardRefusal = { status: 429, text: 'Too Many Requests', retryAfter: '3' }
    const before = guard.guarded
    for (let n = 0; n < 20; n++) await store(client)
    expect(guard.guarded).toBe(before + 1)
    guard.guardRefusal = undefined
    nowMs += 3000
    for (let n = 0; n < 40 && guard.guarded === before + 1; n++) await store(client)
    expect(guard.guarded).toBe(before + 2)
  })

  test('is waited for when the other has, too', async () => {
    // Each look at this clock takes a while, so that little of the second is waited for.
    const client = clientOf({ clock: { nowMs: () => Date.now(), monotonicMs: () => (nowMs += 200) } })
    await client.info()
    const guards = client.guards().map(nodeOf)
    let refused = 0
    for (const guard of guards) {
      Object.defineProperty(guard, 'guardRefusal', {
        get: () => (++refused <= 2 ? { status: 429, text: 'Too Many Requests', retryAfter: '1' } : undefined),
      })
    }
    await client.info()
    expect(refused).toBeGreaterThan(2)
    expect(client.guards()).toEqual(guards.map(({ key }) => key))
  })

  test.each([
    ['2', 2000],
    ['100000', 5000],
    ['0', 0],
    [undefined, 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    ['-1', 0],
    ['1e3', 0],
  ])('and says %s rests %i ms', (retryAfter, restMs) => {
    let now = 7
    const rests = new GuardRests({ monotonicMs: () => now })
    const guard = 'ab' as ServiceNodeKey
    rests.rest(guard, retryAfter)
    expect(rests.restMs(guard)).toBe(restMs)
    now += restMs
    expect(rests.restMs(guard)).toBe(0)
  })
})

describe('what the destination says, sealed', () => {
  test.each([500, 502, 503, 504, 429])('%i costs no guard its place, however often', async (status) => {
    const client = clientOf()
    const [one, two] = (await keepGuardsOut(client)) as [TestNode, TestNode]
    const guards = client.guards()
    for (const member of [one, two]) refusing(member, { status, body: 'Request time out' })
    for (let n = 0; n < 8; n++) await expect(store(client)).resolves.toMatchObject({ confirmations: 3 })
    expect(client.guards()).toEqual(guards)
    // Three strikes each, and nobody asks them any more.
    for (const member of [one, two]) {
      expect(member.requests.filter(({ method }) => method === 'store').length).toBeLessThanOrEqual(3)
    }
  })

  test('“Next node not found” has that destination left at once, and nobody whom it names', async () => {
    const [odd, named] = members as [TestNode, TestNode]
    refusing(odd, { status: 502, body: `Next node not found: ${named.key}` })
    const client = clientOf()
    for (let n = 0; n < 12; n++) await store(client)
    expect(odd.requests.filter(({ method }) => method === 'store').length).toBeLessThanOrEqual(1)
    expect(named.requests.some(({ method }) => method === 'store')).toBe(true)
  })

  test('a receipt that nobody signed has another member asked', async () => {
    const [liar] = members as [TestNode]
    const results = Object.fromEntries(members.map(({ key }) => [key, { hash: 'x', signature: 'x', expiry: 1 }]))
    refusing(liar, { status: 200, body: { swarm: results } })
    const client = clientOf()
    for (let n = 0; n < 8; n++) await expect(store(client)).resolves.toMatchObject({ confirmations: 3 })
  })

  test('421 of an ifelse leads to the right swarm', async () => {
    const client = clientOf()
    await client.getSwarm(bob.id)
    swarm.members = network.nodes.slice(4, 7)
    for (const node of network.nodes) {
      node.answer = (request) => {
        if (request.method !== 'ifelse') return answer(network, swarm, node, request)
        const isMember = swarm.members.includes(node)
        const result = isMember ? { code: 200, body: {} } : { code: 421, body: swarmBody(swarm) }
        return { status: 200, body: { condition: true, result } }
      }
    }
    const params = { if: { height_at_least: 0 } }
    const reply = await client.request('ifelse', params, { account: bob.id })
    expect(reply).toEqual({ condition: true, result: { code: 200, body: {} } })
    expect((await client.getSwarm(bob.id)).map(({ key }) => key)).toEqual(swarm.members.map(({ key }) => key))
  })
})

describe.each([
  { status: 502, text: 'Next node not found' },
  { status: 503, text: 'Snode not ready' },
])('a hop that says "$text" of others', (slander) => {
  test('is a guard no more after three of them', async () => {
    const client = clientOf()
    await client.info()
    const guard = nodeOf(client.guards()[0])
    guard.slander = slander
    for (let n = 0; n < 60 && client.guards().includes(guard.key); n++) await client.info()
    expect(client.guards()).not.toContain(guard.key)
    expect(guard.guarded).toBeLessThanOrEqual(3 + 30)
  })

  test('and is the last one is replaced after three destinations', async () => {
    const client = clientOf()
    await client.info()
    const last = nodeOf(network.routes[0]?.[2])
    last.slander = slander
    for (let n = 0; n < 30; n++) await client.info()
    network.routes.length = 0
    for (let n = 0; n < 10; n++) await client.info()
    expect(network.routes.flat()).not.toContain(last.key)
  })
})

describe('who keeps an account’s messages', () => {
  test('follows from the list, and nobody is asked', async () => {
    listSwarms()
    const client = clientOf()
    expect(await store(client)).toMatchObject({ confirmations: 3, members: 3 })
    expect(requestsOf('get_swarm')).toEqual([])
  })

  test('follows from the list again when a member named another swarm and a new list came', async () => {
    listSwarms()
    let nowMs = 0
    const client = clientOf({ clock: { nowMs: () => Date.now(), monotonicMs: () => nowMs } })
    await client.info()
    const others = network.nodes.slice(5, 8)
    // All members lie, and the others play along.
    for (const node of network.nodes) {
      const lie = { status: 421, body: swarmBody({ ...swarm, members: others }) }
      if (members.includes(node)) refusing(node, lie)
      else node.answer = (request) => answer(network, { ...swarm, members: others }, node, request)
    }
    await store(client)
    const keysOf = (nodes: readonly { key: string }[]) => nodes.map(({ key }) => key).sort()
    expect(keysOf(await client.getSwarm(bob.id))).toEqual(keysOf(others))
    expect(requestsOf('oxend_request')).toEqual([])
    nowMs += 5 * MINUTE + 1
    await client.info()
    for (let n = 0; n < 100 && requestsOf('oxend_request').length < 3; n++) await client.info()
    await expect.poll(async () => keysOf(await client.getSwarm(bob.id)), { interval: 20 }).toEqual(keysOf(members))
  })

  test.each(['by the list', 'by what nodes said'])(
    'is not changed by one member: it can only leave itself out, of a swarm that is known %s',
    async (source) => {
      if (source === 'by the list') listSwarms()
      const [liar, ...honest] = members as [TestNode, ...TestNode[]]
      const friend = nodeOf(network.nodes.at(-1)?.key)
      const theirs = { ...swarm, members: [liar, friend] }
      friend.answer = (request) => answer(network, theirs, friend, request)
      liar.answer = (request) =>
        request.method === 'store' ? { status: 421, body: swarmBody(theirs) } : answer(network, swarm, liar, request)
      const client = clientOf()
      for (let n = 0; n < 40 && requestsTo(liar, 'store') === 0; n++) await store(client)
      expect(requestsTo(liar, 'store')).toBe(1)
      for (let n = 0; n < 4; n++) expect(await store(client)).toMatchObject({ confirmations: 2, members: 2 })
      expect((await client.getSwarm(bob.id)).map(({ key }) => key).sort()).toEqual(honest.map(({ key }) => key).sort())
      expect(requestsTo(friend, 'store')).toBe(0)
    },
  )

  test('is not one node’s word', async () => {
    const [liar] = network.nodes.slice(5) as [TestNode]
    liar.answer = (request) => {
      const members = request.method === 'get_swarm' ? [liar] : swarm.members
      return answer(network, { ...swarm, members }, liar, request)
    }
    const client = clientOf()
    for (let seed = 1; seed <= 12; seed++) {
      const { id } = accountFromSeed(seed.toString(16).padStart(64, '0'))
      expect((await client.getSwarm(id)).map(({ key }) => key)).not.toContain(liar.key)
    }
    expect(liar.requests.some(({ method }) => method === 'get_swarm')).toBe(true)
  })

  test('is unknown when no two nodes agree', async () => {
    for (const node of network.nodes) {
      node.answer = (request) => answer(network, { ...swarm, members: [node] }, node, request)
    }
    await expect(clientOf().getSwarm(bob.id)).rejects.toThrow(expect.objectContaining({ code: 'SWARM_UNKNOWN' }))
  })
})
