// Subscriptions over real WebSockets, against a node with a real store (docs/protocol/monitor.md).
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { RateLimiter } from '../../../src/base/rate-limiter.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { MonitorEndpoint } from '../../../src/rpc/monitor/endpoint.ts'
import { defaultMonitorOptions } from '../../../src/rpc/monitor/options.ts'
import { TEST_CERTIFICATE } from '../client/test-certificate.ts'
import { aMember, anEpoch } from '../swarm/member-lists.ts'
import { startTestServer } from './https-fixture.ts'
import {
  alice,
  connectSubscriber,
  type MonitorNetwork,
  NOW_S,
  startMonitorNetwork,
  subscription,
} from './monitor-fixture.ts'
import { anAccount, NO_SWARMS, START_MS } from './rpc-fixture.ts'

const success = { success: 1 }
describe('a subscriber', () => {
  test('is told of each new message in the form that it asked in, with its data only if it wished', async () => {
    const net = await startMonitorNetwork()
    const plain = await net.connect()
    const full = await net.connect()
    expect(await plain.ask('json', subscription(alice))).toEqual(success)
    expect(await full.ask('bencode', subscription(alice, { wantsData: true }))).toEqual(success)
    const h = await net.store({ data: 'hello' })
    const fields = { h, n: 0, t: START_MS, z: START_MS + DAY }
    expect(await plain.next()).toEqual({ form: 'json', value: { '@': alice.id, ...fields } })
    expect(await full.next()).toEqual({ form: 'bencode', value: { '@': alice.id, ...fields, '~': 'hello' } })
    const json = await net.connect()
    expect(await json.ask('json', subscription(alice, { wantsData: true }))).toEqual(success)
    await net.store({ data: 'again' })
    expect((await json.next()).value).toMatchObject({ '~': toBase64(Buffer.from('again')) })
    expect(await net.metric('starling_rpc_monitor_notifications_total{outcome="sent"}')).toBe(5)
  })

  test('is told of messages that came to another member', async () => {
    const net = await startMonitorNetwork({ size: 3 })
    const subscriber = await net.connect()
    await subscriber.ask('json', subscription(alice))
    const h = await net.store({ at: 2 })
    expect((await subscriber.next()).value).toMatchObject({ h })
  })

  test('is not told of messages held already, of other namespaces or of other accounts', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    await net.store({ data: 'old' })
    await subscriber.ask('json', subscription(alice, { namespaces: [-10, 0] }))
    await net.store({ data: 'old' })
    await net.store({ namespace: 10 })
    await net.store({ account: anAccount(2).id })
    const h = await net.store({ namespace: -10 })
    expect((await subscriber.next()).value).toMatchObject({ h, n: -10 })
    await subscriber.settled()
    expect(subscriber.unread).toBe(0)
  })

  test('may ask for many accounts on one connection, in one frame', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    const people = Array.from({ length: 40 }, (_, at) => anAccount(10 + at))
    expect(
      await subscriber.ask(
        'bencode',
        people.map((each) => subscription(each)),
      ),
    ).toEqual(people.map(() => success))
    expect(await net.metric('starling_rpc_monitor_subscriptions')).toBe(40)
    for (const each of people.slice(0, 3)) await net.store({ account: each.id })
    for (const each of people.slice(0, 3)) expect((await subscriber.next()).value).toMatchObject({ '@': each.id })
    subscriber.socket.close()
    await subscriber.closed
    await expect.poll(() => net.metric('starling_rpc_monitor_subscriptions')).toBe(0)
  })

  test('may be a group, or a subaccount that may read', async () => {
    const net = await startMonitorNetwork()
    const member = anAccount(4)
    const token = subaccountToken(3, 1, member.pair.publicKey)
    const owner = await net.connect()
    expect(await owner.ask('bencode', subscription(alice, { isGroup: true, namespaces: [11] }))).toEqual(success)
    const other = await net.connect()
    const request = subscription(alice, { isGroup: true, namespaces: [11], subaccount: { member, token } })
    expect(await other.ask('json', request)).toEqual(success)
    const h = await net.store({ account: alice.groupId, namespace: 11 })
    expect((await owner.next()).value).toMatchObject({ h, '@': alice.groupId })
    expect((await other.next()).value).toMatchObject({ h, '@': alice.groupId })
  })
})

describe('a lease', () => {
  test('ends after 65 minutes, and renewal adds namespaces and the wish for data', async () => {
    const net = await startMonitorNetwork()
    const { clock } = net.network.first.store
    const subscriber = await net.connect()
    await subscriber.ask('json', subscription(alice, { namespaces: [0], wantsData: true }))
    clock.pass(64 * MINUTE)
    await subscriber.ask('json', subscription(alice, { namespaces: [10] }))
    clock.pass(64 * MINUTE)
    const first = await net.store({ namespace: 0, data: 'a' })
    expect((await subscriber.next()).value).toMatchObject({ h: first, n: 0, '~': 'YQ==' })
    const second = await net.store({ namespace: 10 })
    expect((await subscriber.next()).value).toMatchObject({ h: second, n: 10 })
    clock.pass(MINUTE)
    await net.store()
    await subscriber.settled()
    expect(subscriber.unread).toBe(0)
    // What has ended is not merged with what begins.
    await subscriber.ask('json', subscription(alice, { namespaces: [10] }))
    await net.store({ namespace: 0 })
    const third = await net.store({ namespace: 10 })
    expect((await subscriber.next()).value).toEqual(expect.objectContaining({ h: third, n: 10 }))
    await subscriber.settled()
    expect(subscriber.unread).toBe(0)
  })
})

describe('a request is refused', () => {
  const good = subscription(alice)
  const member = anAccount(4)
  const token = (flags: number, prefix = 3) => subaccountToken(prefix, flags, member.pair.publicKey)
  const bySubaccount = (flags: number, prefix = 3) =>
    subscription(alice, { isGroup: true, subaccount: { member, token: token(flags, prefix) } })
  const cases: readonly (readonly [string, object, number, string])[] = [
    ['without an account', { ...good, P: undefined }, 2, "invalid request: Exactly one of 'P' and 'p' is required"],
    [
      'with two accounts',
      { ...good, p: Buffer.alloc(33, 5) },
      2,
      "invalid request: Exactly one of 'P' and 'p' is required",
    ],
    ['with a key of another size', { ...good, P: Buffer.alloc(31) }, 2, "invalid request: Invalid value given for 'P'"],
    ['with a key that is none', { ...good, P: Buffer.alloc(32) }, 2, "invalid request: Invalid value given for 'P'"],
    [
      'with half a subaccount',
      { ...good, T: Buffer.alloc(36) },
      2,
      "invalid request: 'S' and 'T' are required together",
    ],
    [
      'with a token of another size',
      { ...good, S: Buffer.alloc(64), T: Buffer.alloc(35) },
      2,
      "invalid request: Invalid value given for 'T'",
    ],
    ['without namespaces', { ...good, n: undefined }, 1, "invalid request: Required field 'n' missing"],
    ['with no namespace', { ...good, n: [] }, 3, 'invalid request: At least one namespace is required'],
    ['with a namespace twice', { ...good, n: [0, 0] }, 3, 'invalid request: Namespaces must be strictly ascending'],
    [
      'with namespaces out of order',
      { ...good, n: [1, 0] },
      3,
      'invalid request: Namespaces must be strictly ascending',
    ],
    ['with a namespace out of range', { ...good, n: [40_000] }, 3, 'invalid request: A namespace is out of range'],
    [
      'with too many namespaces',
      { ...good, n: Array.from({ length: 101 }, (_, at) => at) },
      3,
      'invalid request: More than 100 namespaces',
    ],
    ['with a wish that is no truth', { ...good, d: 2 }, 1, "invalid request: Invalid value given for 'd'"],
    ['without a signature', { ...good, s: undefined }, 1, "invalid request: Required field 's' missing"],
    [
      'with a signature of another size',
      { ...good, s: Buffer.alloc(63) },
      1,
      "invalid request: Invalid value given for 's'",
    ],
    ['without a time', { ...good, t: undefined }, 1, "invalid request: Required field 't' missing"],
    [
      'with a time in milliseconds',
      subscription(alice, { timestampS: START_MS }),
      4,
      'monitor timestamp too far from current time',
    ],
    [
      'signed two weeks ago',
      subscription(alice, { timestampS: NOW_S - 14 * 86_400 - 1 }),
      4,
      'monitor timestamp too far from current time',
    ],
    [
      'signed a day ahead',
      subscription(alice, { timestampS: NOW_S + 86_401 }),
      4,
      'monitor timestamp too far from current time',
    ],
    ['with a wrong signature', { ...good, s: Buffer.alloc(64, 1) }, 5, 'monitor signature verification failed'],
    ['with a signature over something else', { ...good, n: [0, 1] }, 5, 'monitor signature verification failed'],
    ['by a subaccount that may not read', bySubaccount(2), 5, 'monitor signature verification failed'],
    ['by a subaccount of another kind of account', bySubaccount(1, 5), 5, 'monitor signature verification failed'],
  ]

  test('with a code and a text that say why, in both forms', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    for (const form of ['bencode', 'json'] as const) {
      for (const [name, fields, errcode, error] of cases) {
        const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
        expect([name, await subscriber.ask(form, given)]).toEqual([name, { errcode, error }])
      }
      expect(await subscriber.ask(form, subscription(alice, { timestampS: NOW_S - 14 * 86_400 }))).toEqual(success)
      expect(await subscriber.ask(form, subscription(alice, { timestampS: NOW_S + 86_400 }))).toEqual(success)
      expect(await subscriber.ask(form, { ...good, unknown: 1 })).toEqual(success)
      const mixed = await subscriber.ask(form, [good, { ...good, n: [] }])
      expect(mixed).toEqual([success, expect.objectContaining({ errcode: 3 })])
      expect(await subscriber.ask(form, [])).toEqual([])
    }
  })

  test('when its frame is no dictionary', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    for (const text of ['', 'd', 'i1e', '4:spam', 'li1ee', 'd1:ni1ee1', 'd1:ti1e1:si1ee']) {
      subscriber.sendBytes(Buffer.from(text), 'bencode')
      expect((await subscriber.next()).value).toMatchObject({ errcode: 1 })
    }
    for (const text of ['', '{', '1', '"a"', '[1]', '[[]]', 'null']) {
      subscriber.sendBytes(Buffer.from(text), 'json')
      expect((await subscriber.next()).value).toMatchObject({ errcode: 1 })
    }
    expect(await subscriber.ask('json', good)).toEqual(success)
  })

  test('whatever bytes its frames have, and the connection goes on', async () => {
    const net = await startMonitorNetwork({ rpc: { rateBurst: 10_000 } })
    const subscriber = await net.connect()
    const likely = fc.constantFrom(...'dlei0:1ntPs{}[]",n'.split('')).map((char) => char.charCodeAt(0))
    const frames = fc.array(fc.oneof(likely, fc.integer({ min: 0, max: 127 })), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(frames, fc.constantFrom('bencode' as const, 'json' as const), async (bytes, form) => {
        subscriber.sendBytes(Uint8Array.from(bytes), form)
        const answer = await subscriber.next()
        expect(answer.form).toBe(form)
        if (!Array.isArray(answer.value)) expect(answer.value).toMatchObject({ errcode: expect.any(Number) })
      }),
      { numRuns: 500 },
    )
    expect(await subscriber.ask('json', good)).toEqual(success)
  })

  test('by a node that is not ready', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    net.network.reasons.push('Starting')
    expect(await subscriber.ask('json', good)).toMatchObject({ errcode: 8 })
    await expect(net.connect()).rejects.toThrow('503')
  })

  test('without any member list with errcode 7', async () => {
    const net = await startMonitorNetwork({ components: { swarm: NO_SWARMS } })
    const subscriber = await net.connect()
    expect(await subscriber.ask('json', good)).toEqual({ errcode: 7, error: 'No swarms known!' })
  })
})

/** An account that the first node does not serve once there are `members`; the node itself is the first of them. */
function moveAway(net: MonitorNetwork) {
  const { first, members } = net.network
  const others = Array.from({ length: 11 }, (_, at) => aMember(20 + at))
  return (index: number) => first.membership.update(anEpoch(index, [...members, ...others]))
}

describe('when swarms change', () => {
  test('whoever watches an account that moved is told where it is, and asked for elsewhere from then on', async () => {
    const net = await startMonitorNetwork({ sizeMin: 5 })
    const people = Array.from({ length: 12 }, (_, at) => anAccount(30 + at))
    const subscriber = await net.connect()
    await subscriber.ask(
      'json',
      people.map((each) => subscription(each, { namespaces: [0, 10] })),
    )
    const nextEpoch = moveAway(net)
    nextEpoch(8)
    // A node goes on serving what it served in the epoch before.
    await subscriber.settled()
    expect(subscriber.unread).toBe(0)
    nextEpoch(9)
    const { membership } = net.network.first
    const moved = people.filter(({ id }) => !membership.serves(id))
    expect(moved.length).toBeGreaterThan(0)
    expect(moved.length).toBeLessThan(people.length)
    for (const { id } of moved) {
      const swarm = membership.swarmOf(id)?.id.toString(16)
      expect((await subscriber.next()).value).toEqual({
        '@': id,
        errcode: 6,
        error: 'Wrong swarm',
        n: [0, 10],
        swarm: { swarm, snodes: [] },
      })
    }
    const gone = moved[0] ?? alice
    expect(await subscriber.ask('bencode', subscription(gone))).toMatchObject({ errcode: 6, error: 'Wrong swarm' })
    const stays = people.find(({ id }) => membership.serves(id)) ?? alice
    const h = await net.store({ account: stays.id })
    expect((await subscriber.next()).value).toMatchObject({ h })
  })
})

describe('when a subaccount is revoked', () => {
  const member = anAccount(4)
  const token = subaccountToken(3, 3, member.pair.publicKey)
  const revoke = (net: MonitorNetwork) =>
    net.network.first.call('revoke_subaccount', {
      pubkey: alice.groupId,
      timestamp: START_MS,
      revoke: [toBase64(token)],
      signature: alice.sign(Buffer.concat([Buffer.from(`revoke_subaccount${START_MS}`), token])),
    })

  test('its subscription ends, but for what it may still retrieve; nobody else notices', async () => {
    const net = await startMonitorNetwork()
    const [its, owner] = [await net.connect(), await net.connect()]
    const both = { isGroup: true, namespaces: [-11, 11] }
    expect(await its.ask('bencode', subscription(alice, { ...both, subaccount: { member, token } }))).toEqual(success)
    expect(await owner.ask('bencode', subscription(alice, both))).toEqual(success)
    expect((await revoke(net)).status).toBe(200)
    expect((await its.next()).value).toEqual({
      '@': alice.groupId,
      errcode: 5,
      error: 'The subaccount was revoked',
      n: [11],
    })
    await net.store({ account: alice.groupId, namespace: 11 })
    const h = await net.store({ account: alice.groupId, namespace: -11 })
    expect((await its.next()).value).toMatchObject({ h, n: -11 })
    expect((await owner.next()).value).toMatchObject({ n: 11 })
    expect((await owner.next()).value).toMatchObject({ n: -11 })
    const again = subscription(alice, { ...both, subaccount: { member, token } })
    expect(await its.ask('json', again)).toMatchObject({ errcode: 5 })
    const still = subscription(alice, { ...both, namespaces: [-11], subaccount: { member, token } })
    expect(await its.ask('json', still)).toEqual(success)
    expect(await net.metric('starling_rpc_monitor_ended_total{reason="revoked"}')).toBe(1)
  })
})

describe('bounds', () => {
  test('of subscriptions refuse one more, and let those that are there be renewed', async () => {
    const monitor = { subscriptionsPerConnectionMax: 2, subscriptionsPerAddressMax: 3, subscriptionsPerAccountMax: 2 }
    const net = await startMonitorNetwork({ monitor })
    const [one, two, three] = [await net.connect(), await net.connect(), await net.connect()]
    const [a, b, c] = [anAccount(1), anAccount(2), anAccount(3)].map((each) => subscription(each))
    if (a === undefined || b === undefined || c === undefined) throw new Error('There are three')
    expect(await one.ask('json', [a, b, c])).toEqual([success, success, expect.objectContaining({ errcode: 8 })])
    expect(await one.ask('json', [a, b])).toEqual([success, success])
    expect(await two.ask('json', [a, c])).toEqual([success, expect.objectContaining({ errcode: 8 })])
    one.socket.close()
    await one.closed
    await expect.poll(() => net.metric('starling_rpc_monitor_subscriptions')).toBe(1)
    expect(await three.ask('json', a)).toEqual(success)
    expect(await two.ask('json', c)).toEqual(success)
  })

  test('of connections, in all and for an address', async () => {
    const full = await startMonitorNetwork({ monitor: { connectionsMax: 1 } })
    await full.connect()
    await expect(full.connect()).rejects.toThrow('503')
    const crowded = await startMonitorNetwork({ monitor: { connectionsPerAddressMax: 1 } })
    const first = await crowded.connect()
    await expect(crowded.connect()).rejects.toThrow('429')
    first.socket.close()
    await first.closed
    await crowded.connect()
  })

  test('of a frame close the connection', async () => {
    const net = await startMonitorNetwork({ monitor: { frameMaxBytes: 1000 } })
    const subscriber = await net.connect()
    subscriber.sendBytes(Buffer.alloc(1001), 'bencode')
    expect(await subscriber.closed).toBe(1009)
  })

  test('of the pieces of a frame close the connection: each takes more memory than its bytes', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    for (let piece = 0; piece < 65; piece++) subscriber.socket.send('x', { fin: false })
    expect(await subscriber.closed).toBe(1008)
  })

  test('of dictionaries in a list refuse it as a whole', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    const one = subscription(alice)
    expect(await subscriber.ask('bencode', Array(256).fill(one))).toHaveLength(256)
    for (const form of ['bencode', 'json'] as const) {
      expect(await subscriber.ask(form, Array(257).fill({}))).toEqual({
        errcode: 1,
        error: 'invalid request: more than 256 dictionaries in a list',
      })
    }
  })

  test('let the answer to the longest list pass, with the largest swarm for each', async () => {
    const { network } = await startMonitorNetwork()
    const node = { address: `${'y'.repeat(52)}.snode`, keys: 'a'.repeat(3 * 64), rest: 'b'.repeat(150) }
    const moved = {
      errcode: 6 as const,
      error: 'Wrong swarm',
      swarm: { snodes: Array(21).fill(node), swarm: 'f'.repeat(16) },
    }
    const monitor = { subscribe: () => moved, leave: () => {}, countOf: () => 0, isReady: () => true, stop: () => {} }
    const server = await startTestServer({}, { rpc: { ...network.first, monitor } })
    onTestFinished(() => server[Symbol.asyncDispose]())
    const subscriber = await connectSubscriber(server, { maxPayload: 4 * 1024 * 1024 })
    expect(await Promise.race([subscriber.ask('json', Array(256).fill({})), subscriber.closed])).toHaveLength(256)
  })

  test('of refused frames close the connection', async () => {
    const net = await startMonitorNetwork({
      rpc: { rateBurst: 2, ratePerSecond: 0.001, freeBurst: 2, freePerSecond: 0.001 },
    })
    const subscriber = await net.connect()
    expect(await subscriber.ask('json', subscription(alice))).toEqual(success)
    for (let refused = 0; refused < 2; refused++) {
      expect(await subscriber.ask('json', subscription(alice))).toMatchObject({ errcode: 8 })
    }
    subscriber.send('json', subscription(alice))
    expect(await subscriber.closed).toBe(1006)
  })

  test('of requests count each dictionary, each ping and each handshake', async () => {
    const net = await startMonitorNetwork({ rpc: { rateBurst: 6, ratePerSecond: 0.001 } })
    const subscriber = await net.connect()
    const all = [1, 2, 3, 4, 5].map((seed) => subscription(anAccount(seed)))
    expect(await subscriber.ask('json', all)).toEqual(all.map(() => success))
    expect(await subscriber.ask('json', subscription(alice))).toMatchObject({ errcode: 8 })
    await expect(net.connect()).rejects.toThrow('429')
    subscriber.socket.ping()
    expect(await subscriber.closed).toBe(1006)
  })

  test('of what a client leaves untaken close its connection, and no store waits for it', async () => {
    const net = await startMonitorNetwork({ monitor: { outgoingPerConnectionMaxBytes: 200_000 } })
    const [slow, quick] = [await net.connect(), await net.connect()]
    await slow.ask('json', subscription(alice, { wantsData: true }))
    await quick.ask('json', subscription(alice))
    slow.socket.pause()
    const slowOnes = 'starling_rpc_monitor_notifications_total{outcome="slow"}'
    for (let sent = 0; sent < 500 && (await net.metric(slowOnes)) === 0; sent++) {
      const h = await net.store({ data: `${sent}`.padEnd(70_000, 'x') })
      expect((await quick.next()).value).toMatchObject({ h })
    }
    expect(await net.metric(slowOnes)).toBe(1)
    slow.socket.resume()
    expect(await slow.closed).toBe(1006)
  })

  test('of all that clients leave untaken close the connection of the slowest', async () => {
    const net = await startMonitorNetwork({
      monitor: { outgoingMaxBytes: 300_000, outgoingPerConnectionMaxBytes: 50_000_000 },
    })
    const [slow, quick] = [await net.connect(), await net.connect()]
    await slow.ask('json', subscription(alice, { wantsData: true }))
    await quick.ask('json', subscription(alice))
    slow.socket.pause()
    for (let sent = 0; sent < 500 && (await net.metric('starling_rpc_monitor_connections')) === 2; sent++) {
      await net.store({ data: `${sent}`.padEnd(70_000, 'y') })
      await quick.next()
    }
    slow.socket.resume()
    expect(await slow.closed).toBe(1006)
    await quick.settled()
  })

  test('of messages to tell of close the connections that would miss one', async () => {
    const net = await startMonitorNetwork({ monitor: { queueMaxBytes: 100 } })
    const subscriber = await net.connect()
    const other = await net.connect()
    await subscriber.ask('json', subscription(alice))
    await other.ask('json', subscription(alice, { namespaces: [10] }))
    await net.store()
    expect(await subscriber.closed).toBe(1013)
    await other.settled()
  })

  test('of messages to tell of close a connection once, however slowly it takes its leave', async () => {
    const net = await startMonitorNetwork({ monitor: { queueMaxBytes: 100 } })
    const subscriber = await net.connect()
    await subscriber.ask('json', subscription(alice))
    subscriber.socket.pause()
    for (let sent = 0; sent < 3; sent++) await net.store()
    expect(await net.metric('starling_rpc_monitor_notifications_total{outcome="overflow"}')).toBe(1)
    subscriber.socket.resume()
    expect(await subscriber.closed).toBe(1013)
  })
})

/** An endpoint whose heart beats by hand. */
async function startBeaten() {
  const { network } = await startMonitorNetwork()
  const rates = new RateLimiter(
    { clock: systemClock },
    { burst: 1000, perSecond: 1000, keysMax: 1, whenFull: 'refuse' },
  )
  const metrics = createRpcMetrics(createMetricsRegistry())
  const components = {
    log: silentLogger,
    metrics,
    monitor: network.first.monitor,
    overload: { isOverloaded: false },
    rates,
    freeRates: rates,
  }
  const endpoint = new MonitorEndpoint(components, { ...defaultMonitorOptions, heartbeatMs: HOUR })
  const server = createServer(TEST_CERTIFICATE)
  server.on('upgrade', (request, socket, head) => endpoint.upgrade(request, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    endpoint.stop()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { endpoint, connect: (options = {}) => connectSubscriber({ port }, options) }
}

describe('a connection', () => {
  test('is opened for any origin, on its own path only', async () => {
    const net = await startMonitorNetwork()
    await net.connect({ origin: 'https://somewhere.example' })
    const socket = await net.server.connect()
    socket.write('GET /monitor/v2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [first] = await new Promise<string[]>((resolve) =>
      socket.once('data', (data) => resolve(data.toString().split('\r\n'))),
    )
    expect(first).toBe('HTTP/1.1 404 Not Found')
    socket.destroy()
    const upgrading = await net.server.post('/storage_rpc/v1', '{"method":"info","params":{}}', {
      headers: { Connection: 'Upgrade', Upgrade: 'h2c' },
    })
    expect(upgrading.status).toBe(200)
  })

  test('without a subscription is closed', async () => {
    const net = await startMonitorNetwork({ monitor: { heartbeatMs: 20 } })
    const subscriber = await net.connect()
    expect(await subscriber.closed).toBe(1000)
  })

  test('with a subscription stays, heartbeat after heartbeat, as long as it answers', async () => {
    const { endpoint, connect } = await startBeaten()
    const [subscriber, mute] = [await connect(), await connect({ autoPong: false })]
    for (const each of [subscriber, mute]) expect(await each.ask('json', subscription(alice))).toEqual(success)
    for (let beats = 0; beats < 4; beats++) {
      const pinged = once(subscriber.socket, 'ping')
      endpoint.beat()
      await pinged
      // What it answered is there before what it asks now.
      await subscriber.settled()
    }
    expect(subscriber.socket.readyState).toBe(subscriber.socket.OPEN)
    expect(await mute.closed).toBe(1006)
  })

  test('is closed when the server stops, also one that does not listen any more', async () => {
    const net = await startMonitorNetwork()
    const [subscriber, deaf] = [await net.connect(), await net.connect()]
    await subscriber.ask('json', subscription(alice))
    deaf.socket.pause()
    await net.server.stop()
    expect(await subscriber.closed).toBe(1001)
  })

  test('ends when the node fails in a way that nobody foresaw, and the node goes on', async () => {
    const net = await startMonitorNetwork()
    const { monitor } = net.network.first
    const broken = {
      subscribe: () => {
        throw new TypeError('A bug')
      },
      leave: () => {},
      countOf: () => 1,
      isReady: () => true,
      stop: () => monitor.stop(),
    }
    await using server = await startTestServer({}, { rpc: { ...net.network.first, monitor: broken } })
    const subscriber = await connectSubscriber(server)
    subscriber.send('json', subscription(alice))
    expect(await subscriber.closed).toBe(1011)
    expect(await server.exposeMetrics()).toContain('starling_rpc_local_failures_total 1')
    const next = await connectSubscriber(server)
    await next.settled()
    next.socket.terminate()
  })

  test('is known by nothing that names an account', async () => {
    const net = await startMonitorNetwork()
    const subscriber = await net.connect()
    await subscriber.ask('json', subscription(alice))
    await net.store()
    await subscriber.next()
    const exposed = `${await net.network.first.exposeMetrics()}${await net.server.exposeMetrics()}`
    expect(exposed).not.toContain(alice.id.slice(2, 20))
    expect(exposed).not.toContain(toHex(alice.pair.publicKey).slice(0, 20))
  })
})
