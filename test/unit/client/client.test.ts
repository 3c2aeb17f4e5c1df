import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, systemClock } from '../../../src/base/clock.ts'
import { accountFromSeed } from '../../../src/client/account.ts'
import { createClient, type StarlingClient } from '../../../src/client/client.ts'
import type { ClientOptions } from '../../../src/client/options.ts'
import type { ReachableNode } from '../../../src/client/reachable-node.ts'
import { retrieveRequest } from '../../../src/client/signed-params.ts'
import { generateEd25519KeyPair, toX25519PublicKey } from '../../../src/crypto/keys.ts'
import { hashMessage, type MessageHash } from '../../../src/protocol/message.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { seedReply, startTestNetwork, type TestNetwork, type TestNode } from './test-network.ts'
import { answer, startTestSwarm, swarmBody, type TestSwarm } from './test-swarm.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))

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

function clientOf(account: typeof alice, options: Partial<ClientOptions> = {}): StarlingClient {
  const seeds = [{ url: network.seedUrl, certificate: 'any' as const }]
  return stack.use(createClient({ seeds, account, seedBackoffMs: 1, ...options }))
}

/** How often `method` reached the nodes. */
function asked(method: string): number {
  return network.nodes.flatMap((node) => node.requests).filter((request) => request.method === method).length
}

/** A node that is in lists only. */
function unreachableNode(ip: string): ReachableNode {
  const { publicKey } = generateEd25519KeyPair()
  return { key: serviceNodeKey(publicKey), x25519: toX25519PublicKey(publicKey), ip, httpsPort: 1 }
}

const failsWith = (code: string) => expect.objectContaining({ code })

describe('a message', () => {
  test.each(['aes-gcm', 'xchacha20'] as const)('reaches its recipient through layers of %s', async (encryption) => {
    const receipt = await clientOf(alice, { encryption }).sendMessage(bob.id, 'hello, bob')
    expect(receipt).toMatchObject({ confirmations: 3, members: 3 })

    const { messages, unreadable } = await clientOf(bob, { encryption }).receiveMessages()
    expect(unreadable).toBe(0)
    expect(messages).toEqual([
      {
        hash: receipt.hash,
        from: alice.id,
        text: 'hello, bob',
        sentMs: expect.any(Number),
        expiryMs: receipt.expiryMs,
      },
    ])
  })

  test('goes through three hops to its destination, none of them twice', async () => {
    await clientOf(alice).sendMessage(bob.id, 'hello')
    expect(network.routes.length).toBeGreaterThan(0)
    for (const route of network.routes) expect(new Set(route).size).toBe(4)
  })

  test('is returned once, whichever members are asked', async () => {
    const client = clientOf(bob)
    await clientOf(alice).sendMessage(bob.id, 'one')
    await clientOf(alice).sendMessage(bob.id, 'two')
    const received = []
    for (let call = 0; call < 8; call++) received.push(...(await client.receiveMessages()).messages)
    expect(received.map(({ text }) => text)).toEqual(['one', 'two'])
  })

  test('is received although it comes in many pages', async () => {
    swarm.pageSize = 2
    const sender = clientOf(alice)
    for (let n = 0; n < 5; n++) await sender.sendMessage(bob.id, `message ${n}`)
    const { messages } = await clientOf(bob).receiveMessages()
    expect(messages.map(({ text }) => text).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `message ${n}`))
  })

  test('that was received is not lost when a later page cannot be had', async () => {
    swarm.pageSize = 1
    await clientOf(alice).sendMessage(bob.id, 'one')
    await clientOf(alice).sendMessage(bob.id, 'two')
    let pages = 0
    for (const node of members) {
      node.answer = (request) =>
        request.method === 'retrieve' && ++pages > 1
          ? { status: 400, body: 'no' }
          : answer(network, swarm, node, request)
    }
    const client = clientOf(bob)
    expect((await client.receiveMessages()).messages.map(({ text }) => text)).toEqual(['one'])
    for (const node of members) node.answer = (request) => answer(network, swarm, node, request)
    expect((await client.receiveMessages()).messages.map(({ text }) => text)).toEqual(['two'])
  })

  test('that was received is not lost when the caller gives up between two pages', async () => {
    swarm.pageSize = 1
    for (const text of ['one', 'two', 'three']) await clientOf(alice).sendMessage(bob.id, text)
    const client = clientOf(bob)
    const caller = new AbortController()
    let retrieves = 0
    for (const node of network.nodes) {
      node.answer = async (request) => {
        if (request.method === 'retrieve' && ++retrieves === 2) {
          caller.abort()
          return new Promise<never>(() => {})
        }
        return answer(network, swarm, node, request)
      }
    }
    await expect(client.receiveMessages({ signal: caller.signal })).rejects.toThrow()
    expect(retrieves).toBe(2)
    expect((await client.receiveMessages()).messages.map(({ text }) => text)).toEqual(['one', 'two', 'three'])
  })

  test('is not asked for for ever when a member gives the same page again and again', async () => {
    await clientOf(alice).sendMessage(bob.id, 'hello')
    for (const node of members) {
      node.answer = (request) => {
        if (request.method !== 'retrieve') return answer(network, swarm, node, request)
        const params = { ...request.params, last_hash: '' }
        const { status, body } = answer(network, swarm, node, { ...request, params })
        return { status, body: Object.assign({}, body, { more: true }) }
      }
    }
    expect((await clientOf(bob).receiveMessages()).messages).toHaveLength(1)
    expect(asked('retrieve')).toBe(2)
  })

  test('of which a node changed the data is left out', async () => {
    await clientOf(alice).sendMessage(bob.id, 'hello')
    for (const messages of swarm.held.values()) for (const message of messages) message.data = Buffer.from('spoiled')
    const page = await clientOf(bob).retrieve()
    expect(page).toMatchObject({ messages: [], forged: 1 })
  })

  test('that no Starling client wrote is counted, not returned', async () => {
    await clientOf(alice).store({ account: bob.id, data: Buffer.from('not an envelope') })
    expect(await clientOf(bob).receiveMessages()).toEqual({ messages: [], unreadable: 1 })
  })
})

describe('confirmations', () => {
  const store = () => clientOf(alice).store({ account: bob.id, data: Buffer.from('data') })
  const onlyAt = (index: number, change: object) => {
    swarm.spoil = (result, member) => (member === members[index] ? { ...result, ...change } : result)
  }

  test('leave out members that failed', async () => {
    onlyAt(0, { failed: true, timeout: true })
    expect(await store()).toMatchObject({ confirmations: 2, members: 3 })
  })

  test('leave out members that signed something else', async () => {
    onlyAt(1, { signature: Buffer.alloc(64).toString('base64') })
    expect((await store()).confirmations).toBe(2)
    onlyAt(1, { hash: hashMessage(bob.id, 0, Buffer.from('other')) })
    expect((await store()).confirmations).toBe(2)
  })

  test('say of each member what became of it', async () => {
    swarm.spoil = (result, member) => {
      if (member === members[0]) return { failed: true, code: '503', reason: 'Server busy, try again later' }
      return member === members[1] ? { ...result, signature: 'x' } : result
    }
    const one = network.nodes[5] as TestNode
    swarm.members = [...members, one]
    const client = clientOf(alice)
    await client.getSwarm(bob.id)
    for (const node of network.nodes) {
      const without = { ...swarm, members }
      node.answer = (request) => answer(network, node === one ? swarm : without, node, request)
    }
    const { results } = await client.store({ account: bob.id, data: Buffer.from('data') })
    expect(results.slice(0, 2)).toEqual([
      { kind: 'failed', member: members[0]?.key, timedOut: false, status: 503 },
      { kind: 'unproved', member: members[1]?.key },
    ])
    expect(results[2]).toMatchObject({ kind: 'confirmed', member: members[2]?.key, value: { already: false } })
    expect(results[3]?.kind).toMatch(/^(missing|confirmed)$/)
  })

  test('come with the latest expiry that a node may keep, not with any that one makes up', async () => {
    const { expiryMs } = await store()
    onlyAt(0, { expiry: expiryMs + 86_400_000 })
    expect((await store()).expiryMs).toBe(expiryMs + 86_400_000)
    onlyAt(0, { expiry: Number.MAX_SAFE_INTEGER })
    expect((await store()).expiryMs).toBeLessThan(Date.now() + 15 * 86_400_000)
  })

  test('leave out nodes that are not of the swarm', async () => {
    swarm.members = network.nodes.slice(0, 5)
    const client = clientOf(alice)
    for (const node of network.nodes) {
      node.answer = (request) =>
        request.method === 'get_swarm'
          ? { status: 200, body: swarmBody({ ...swarm, members }) }
          : answer(network, swarm, node, request)
    }
    expect(await client.store({ account: bob.id, data: Buffer.from('data') })).toMatchObject({
      confirmations: 3,
      members: 3,
    })
  })
})

describe('an account’s own messages', () => {
  let hashes: MessageHash[]
  let client: StarlingClient

  beforeEach(async () => {
    client = clientOf(bob)
    hashes = []
    for (const text of ['a', 'b']) hashes.push((await client.store({ account: bob.id, data: Buffer.from(text) })).hash)
  })

  test('are deleted, which each member proves', async () => {
    const receipt = await client.delete(hashes.slice(0, 1))
    expect(receipt).toMatchObject({ deleted: hashes.slice(0, 1), confirmations: 3, members: 3 })
    expect((await client.retrieve()).messages.map(({ hash }) => hash)).toEqual(hashes.slice(1))
  })

  test.each([0, 'all'] as const)('are deleted all at once, from namespace %s', async (namespace) => {
    const receipt = await client.deleteAll(namespace)
    expect(receipt).toMatchObject({ deleted: [...hashes].sort(), confirmations: 3, members: 3 })
  })

  test('live longer when they are told to', async () => {
    const expiryMs = Date.now() + 25 * 86_400_000
    const extended = await client.expire(hashes, expiryMs, { mode: 'extend' })
    expect(extended).toMatchObject({ updated: [...hashes].sort(), unchanged: [], confirmations: 3, members: 3 })
    expect(await client.getExpiries(hashes)).toEqual([...hashes].sort().map((hash) => ({ hash, expiryMs })))

    const again = await client.expire(hashes, expiryMs - 1, { mode: 'extend' })
    expect(again.unchanged).toEqual([...hashes].sort().map((hash) => ({ hash, expiryMs })))
    expect(again.updated).toEqual([])
  })

  test('are asked for in a batch', async () => {
    const timestampMs = client.nowMs()
    const results = await client.batch(bob.id, [
      retrieveRequest({ namespace: 0, timestampMs }, bob),
      { method: 'info', params: {} },
    ])
    expect(results.map(({ status }) => status)).toEqual([200, 200])
    expect(results[0]?.body).toMatchObject({ messages: [{}, {}] })
  })
})

describe('when a destination refuses', () => {
  /** Every member answers `reply` until it has done so `times`. */
  function refuse(reply: { status: number; body: string }, times = Number.POSITIVE_INFINITY): void {
    let left = times
    for (const node of members) {
      node.answer = (request) =>
        request.method === 'store' && left-- > 0 ? reply : answer(network, swarm, node, request)
    }
  }
  const store = (client = clientOf(alice)) => client.store({ account: bob.id, data: Buffer.from('data') })

  test('421 leads to the swarm that it names, and later requests go there at once', async () => {
    const client = clientOf(alice)
    await client.getSwarm(bob.id)
    swarm.members = network.nodes.slice(4, 7)
    expect(await store(client)).toMatchObject({ confirmations: 3, members: 3 })
    const before = asked('store')
    await store(client)
    expect(asked('store')).toBe(before + 1)
    expect(asked('get_swarm')).toBe(3)
  })

  test('421 in a batch does the same', async () => {
    const client = clientOf(bob)
    await client.getSwarm(bob.id)
    swarm.members = network.nodes.slice(4, 7)
    const request = retrieveRequest({ namespace: 0, timestampMs: Date.now() }, bob)
    expect((await client.batch(bob.id, [request])).map(({ status }) => status)).toEqual([200])
  })

  test('421 names only nodes that the client knows of', async () => {
    const client = clientOf(alice)
    await client.getSwarm(bob.id)
    const stranger = { pubkey_ed25519: 'ab'.repeat(32) as ServiceNodeKey, ip: '127.0.66.6', port_https: 1 }
    const [liar, ...rest] = members as [TestNode, ...TestNode[]]
    let lies = 0
    liar.answer = (request) => {
      if (request.method !== 'store') return answer(network, swarm, liar, request)
      lies++
      return { status: 421, body: { snodes: [stranger], swarm: '1' } }
    }
    for (let n = 0; n < 4; n++) await store(client)
    const known = (await client.getSwarm(bob.id)).map(({ key }) => key)
    expect(known.sort()).toEqual((lies > 0 ? rest : members).map(({ key }) => key).sort())
  })

  test('401 of two members is the end of it', async () => {
    refuse({ status: 401, body: 'store signature verification failed' })
    await expect(store()).rejects.toThrow(failsWith('UNAUTHORIZED'))
    expect(asked('store')).toBe(2)
  })

  test('400 of two members is the end of it, and its text is told', async () => {
    refuse({ status: 400, body: 'invalid request: \u001b[31mno' })
    await expect(store()).rejects.toThrow('The node refused the request: invalid request:  [31mno')
    expect(asked('store')).toBe(2)
  })

  test('400 is the end of it when nobody else can be asked', async () => {
    swarm.members = members.slice(0, 1)
    refuse({ status: 400, body: 'no' })
    await expect(store()).rejects.toThrow(failsWith('REQUEST_REFUSED'))
    expect(asked('store')).toBe(1)
  })

  test.each([400, 401, 404, 406])('%i of one member alone keeps nobody from storing', async (status) => {
    const [liar] = members as [TestNode]
    liar.answer = (request) =>
      request.method === 'store' ? { status, body: 'no' } : answer(network, swarm, liar, request)
    const client = clientOf(alice)
    for (let n = 0; n < 12; n++) await expect(store(client)).resolves.toMatchObject({ confirmations: 3 })
    // A timestamp may have been refused in good faith, so that alone costs no strike.
    if (status !== 406) expect(liar.requests.filter(({ method }) => method === 'store').length).toBeLessThanOrEqual(3)
  })

  test.each([500, 503, 507, 429])('%i has another member asked', async (status) => {
    refuse({ status, body: 'not now' }, 2)
    await expect(store()).resolves.toMatchObject({ confirmations: 3 })
    expect(asked('store')).toBe(3)
  })

  test('errors of all members end in an error that says so', async () => {
    refuse({ status: 500, body: 'not now' })
    await expect(store()).rejects.toThrow(
      expect.objectContaining({ code: 'SWARM_UNAVAILABLE', details: { tried: 3, lastStatus: 500 } }),
    )
  })

  test.each([406, 425])('%i has the clock compared with three nodes and the request signed anew', async (status) => {
    const behindMs = 3_600_000
    const clock = { ...systemClock, nowMs: () => Date.now() - behindMs }
    for (const node of members) {
      node.answer = (request) => {
        const timestamp = request.params['timestamp']
        const isOld = typeof timestamp === 'number' && Math.abs(timestamp - Date.now()) > 60_000
        return isOld ? { status, body: 'check your clock' } : answer(network, swarm, node, request)
      }
    }
    const client = clientOf(bob, { clock })
    await expect(client.retrieve()).resolves.toMatchObject({ messages: [] })
    expect(asked('info')).toBe(3)
    expect(Math.abs(client.nowMs() - Date.now())).toBeLessThan(30_000)
  })

  test('406 again ends in an error that says so', async () => {
    refuse({ status: 406, body: 'check your clock' })
    await expect(store()).rejects.toThrow(failsWith('CLOCK_REJECTED'))
    expect(asked('store')).toBe(3)
  })

  test('an answer without messages has another member asked', async () => {
    let asked = 0
    for (const node of members) {
      node.answer = (request) =>
        request.method === 'retrieve' && ++asked === 1
          ? { status: 200, body: { messages: [{ hash: 'no hash' }] } }
          : answer(network, swarm, node, request)
    }
    await expect(clientOf(bob).retrieve()).resolves.toMatchObject({ messages: [] })
    expect(asked).toBe(2)
  })
})

describe('when a path fails', () => {
  test('a hop that is not found is replaced, and used no more', async () => {
    const client = clientOf(alice)
    await client.info()
    const guards = client.guards()
    const gone = network.nodes.find((node) => node.key === network.routes[0]?.[1]) as TestNode
    gone.refusal = { status: 502, text: `Next node not found: ${gone.key}` }
    network.routes.length = 0
    for (let n = 0; n < 10; n++) await client.request('get_swarm', { pubkey: bob.id })
    expect(network.routes.flat()).not.toContain(gone.key)
    expect(client.guards()).toEqual(guards)
  })

  test('a member that cannot be reached is left for another', async () => {
    const [down] = members as [TestNode]
    down.refusal = { status: 502, text: `Next node is currently unreachable: ${down.key}` }
    const client = clientOf(alice)
    for (let n = 0; n < 5; n++) {
      await expect(client.store({ account: bob.id, data: Buffer.from(`${n}`) })).resolves.toMatchObject({
        confirmations: 3,
      })
    }
    expect(down.requests).toEqual([])
  })

  test('an error that names a stranger costs nobody their place', async () => {
    const [node] = network.nodes as [TestNode]
    const client = clientOf(alice)
    await client.info()
    node.guardRefusal = { status: 502, text: `Next node not found: ${'ab'.repeat(32)}` }
    await expect(client.info()).resolves.toMatchObject({ version: [1, 2, 3] })
  })

  test.each([
    [413, 'Request body too large'],
    [429, 'Too Many Requests'],
    [503, 'Server busy, try again later'],
    [504, 'Request time out'],
    [500, 'Invalid response from snode'],
    [400, 'Invalid ciphertext'],
    [200, 'bm90IHNlYWxlZA=='],
  ])('guard answer %i "%s" has the request tried on the other path', async (status, text) => {
    const client = clientOf(alice)
    await client.info()
    const [guard] = client.guards()
    const node = network.nodes.find((each) => each.key === guard) as TestNode
    node.guardRefusal = { status, text }
    for (let n = 0; n < 6; n++) await expect(client.info()).resolves.toMatchObject({ version: [1, 2, 3] })
  })

  test('a guard that fails three times is replaced', async () => {
    const client = clientOf(alice)
    await client.info()
    const [guard] = client.guards() as [ServiceNodeKey]
    const node = network.nodes.find((each) => each.key === guard) as TestNode
    node.guardRefusal = { status: 503, text: `Snode not ready: ${guard}` }
    for (let n = 0; n < 40 && client.guards().includes(guard); n++) await client.info()
    expect(client.guards()).not.toContain(guard)
    const after = node.guarded
    for (let n = 0; n < 10; n++) await client.info()
    expect(node.guarded).toBe(after)
  })

  test('a request larger than nodes take is not sent at all', async () => {
    const params = { text: 'x'.repeat(10 * 1024 * 1024) }
    await expect(clientOf(alice).request('info', params)).rejects.toThrow(failsWith('TOO_LARGE'))
    expect(network.nodes.reduce((sum, node) => sum + node.guarded, 0)).toBe(0)
  })

  test('the request fails once every path has, after a bounded number of tries', async () => {
    for (const node of network.nodes) node.guardRefusal = { status: 504, text: 'Request time out' }
    await expect(clientOf(alice).info()).rejects.toThrow(failsWith('PATHS_FAILED'))
    expect(network.nodes.reduce((sum, node) => sum + node.guarded, 0)).toBe(6)
  })

  test('a destination that lets every path run out of time is given up', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const [slow] = members as [TestNode]
    let hung = 0
    slow.answer = async (request) => {
      if (request.method === 'retrieve') {
        hung++
        await promise
      }
      return answer(network, swarm, slow, request)
    }
    swarm.members = [slow]
    // Long enough for the paths that are answered, on a busy machine.
    const client = clientOf(bob, { pathTimeoutMs: 2000 })
    await expect(client.retrieve()).rejects.toThrow(failsWith('SWARM_UNAVAILABLE'))
    expect(hung).toBe(2)
    resolve()
  })

  test('a kept connection that was closed does no harm', async () => {
    const client = clientOf(alice)
    for (let n = 0; n < 5; n++) {
      await client.info()
      network.closeConnections()
    }
    const guards = client.guards()
    await client.info()
    expect(client.guards()).toEqual(guards)
  })

  test('too few nodes for a path are an error that says so', async () => {
    await using small = await startTestNetwork(3)
    startTestSwarm(small, small.nodes)
    const client = clientOf(alice, { seeds: [{ url: small.seedUrl, certificate: 'any' }] })
    await expect(client.info()).rejects.toThrow(failsWith('TOO_FEW_NODES'))
  })
})

test('three nodes are asked for a swarm once an hour', async () => {
  let nowMs = 0
  const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
  const client = clientOf(alice, { clock, nodeListRefreshAfterMs: 2 * 3_600_000 })
  await client.getSwarm(bob.id)
  nowMs = 3_600_000 - 1
  await client.getSwarm(bob.id)
  expect(asked('get_swarm')).toBe(3)
  nowMs = 3_600_000
  await client.getSwarm(bob.id)
  expect(asked('get_swarm')).toBe(6)
})

describe('the service node list', () => {
  test('is refreshed by asking service nodes, not the seed', async () => {
    let seeded = 0
    const { seed } = network
    network.seed = (body) => {
      seeded++
      return seed(body)
    }
    let nowMs = 0
    const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
    const refreshed = Promise.withResolvers<void>()
    for (const node of network.nodes) {
      node.answer = (request) => {
        if (asked('oxend_request') === 3) refreshed.resolve()
        return answer(network, swarm, node, request)
      }
    }
    const client = clientOf(alice, { clock, nodeListRefreshAfterMs: 1000 })
    await client.info()
    nowMs = 1001
    await client.info()
    await refreshed.promise
    expect(seeded).toBe(1)
  })

  test('takes in nodes that two sources name, and none that one alone names', async () => {
    let nowMs = 0
    const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
    const strangers = network.nodes.map((_, n) => unreachableNode(`10.1.${n}.1`))
    const newcomer = unreachableNode('10.2.0.1')
    for (const [n, node] of network.nodes.entries()) {
      const list = JSON.parse(seedReply([...network.nodes, newcomer, strangers[n] as ReachableNode]))
      node.answer = (request) => {
        if (request.method === 'oxend_request') return { status: 200, body: { result: list.result } }
        if (request.method !== 'get_swarm') return answer(network, swarm, node, request)
        const snodes = [newcomer, ...strangers, node].map(({ key }) => ({ pubkey_ed25519: key }))
        return { status: 200, body: { snodes } }
      }
    }
    const client = clientOf(alice, { clock, nodeListRefreshAfterMs: 1000 })
    await client.info()
    nowMs = 1001
    let known: readonly ServiceNodeKey[] = []
    for (let seed = 1; seed < 100 && !known.includes(newcomer.key); seed++) {
      const { id } = accountFromSeed(seed.toString(16).padStart(64, '0'))
      known = (await client.getSwarm(id)).map(({ key }) => key)
    }
    expect(known).toEqual([newcomer.key])
  })

  test.each<[string, { ms: number; list: () => Parameters<typeof seedReply>[0] }]>([
    ['nodes do not agree on any', { ms: 1001, list: () => [] }],
    ['nodes agree on one without a fifth of it', { ms: 1001, list: () => network.nodes.slice(2) }],
    [
      'nodes agree on one with a fifth more',
      { ms: 1001, list: () => [...network.nodes, ...[1, 2].map((n) => unreachableNode(`10.1.${n}.1`))] },
    ],
    [
      'nodes agree on other swarms for a fifth of it',
      { ms: 1001, list: () => network.nodes.map((node, n) => ({ ...node, swarm: n < 2 ? 2n : 1n })) },
    ],
    ['a day has gone, whatever nodes agree on', { ms: DAY + 1, list: () => network.nodes }],
  ])('comes from the seed again when %s', async (_, { ms, list }) => {
    for (const node of network.nodes) node.swarm = 1n
    const seeded = Promise.withResolvers<void>()
    let nowMs = 0
    const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
    const client = clientOf(alice, { clock, nodeListRefreshAfterMs: 1000 })
    await client.info()
    const { seed } = network
    network.seed = (body) => {
      seeded.resolve()
      return seed(body)
    }
    const { result } = JSON.parse(seedReply(list()))
    for (const node of network.nodes) {
      node.answer = (request) =>
        request.method === 'oxend_request' ? { status: 200, body: { result } } : answer(network, swarm, node, request)
    }
    nowMs = ms
    await client.info()
    await seeded.promise
  })

  test('comes from nodes when a seed should be asked and none answers', async () => {
    let nowMs = 0
    const clock = { nowMs: () => Date.now(), monotonicMs: () => nowMs }
    const client = clientOf(alice, { clock })
    await client.info()
    network.seed = () => ({ status: 500, body: '' })
    nowMs = DAY + 1
    for (let n = 0; n < 200 && asked('oxend_request') < 3; n++) await client.info()
    expect(asked('oxend_request')).toBe(3)
  })
})

describe('a call', () => {
  test('is given up when its caller says so', async () => {
    const controller = new AbortController()
    for (const node of network.nodes) {
      node.answer = () => {
        controller.abort(new Error('changed my mind'))
        return new Promise(() => {})
      }
    }
    await expect(clientOf(alice).info({ signal: controller.signal })).rejects.toThrow('changed my mind')
  })

  test('is given up when the client is disposed of', async () => {
    const client = clientOf(alice)
    for (const node of network.nodes) {
      node.answer = () => {
        void client[Symbol.asyncDispose]()
        return new Promise(() => {})
      }
    }
    await expect(client.info()).rejects.toThrow(failsWith('CLOSED'))
    await expect(client.info()).rejects.toThrow(failsWith('CLOSED'))
  })

  test('has a deadline', async () => {
    for (const node of network.nodes) node.answer = () => new Promise(() => {})
    await expect(clientOf(alice, { deadlineMs: 300 }).info()).rejects.toThrow(failsWith('TRANSPORT_TIMEOUT'))
  })

  test('that needs an account fails without one', async () => {
    const seeds = [{ url: network.seedUrl, certificate: 'any' as const }]
    await using client = createClient({ seeds })
    await expect(client.retrieve()).rejects.toThrow(failsWith('ACCOUNT_MISSING'))
    await expect(client.store({ account: bob.id, data: Buffer.from('data') })).resolves.toMatchObject({
      confirmations: 3,
    })
  })
})
