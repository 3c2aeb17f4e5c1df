// Messages as they come, through hops and over connections of the client's own, from nodes with real stores.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry, type MetricsRegistry } from '../../../src/base/metrics.ts'
import { RateLimiter } from '../../../src/base/rate-limiter.ts'
import { accountFromSeed } from '../../../src/client/account.ts'
import type { ClientError } from '../../../src/client/errors.ts'
import type { Followed, FollowedMessages, FollowOptions } from '../../../src/client/follow/follow.ts'
import { createSocketWatch } from '../../../src/client/follow/socket-watch.ts'
import { groupFromSeed, issuePass, memberFromPass } from '../../../src/client/groups.ts'
import { createHttpsTransport } from '../../../src/client/https-transport.ts'
import { createNetwork } from '../../../src/client/network.ts'
import { openWebSocket } from '../../../src/client/web-socket.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { MonitorEndpoint } from '../../../src/rpc/monitor/endpoint.ts'
import { defaultMonitorOptions } from '../../../src/rpc/monitor/options.ts'
import { type RealSwarm, START_MS, startRealSwarm } from './real-swarm.ts'

const alice = accountFromSeed('11'.repeat(32))
const bob = accountFromSeed('22'.repeat(32))

let real: RealSwarm
let stack: AsyncDisposableStack
let stop: AbortController

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  stop = new AbortController()
  real = stack.use(await startRealSwarm(8, 3))
})
afterEach(async () => {
  stop.abort()
  await stack.disposeAsync()
})

const isStopped = expect.objectContaining({ name: 'AbortError' })

function follow(options: FollowOptions = {}): AsyncGenerator<Followed> {
  return real.clientOf({ account: alice }).follow({ signal: stop.signal, intervalMs: 10, ...options })
}

async function textsOf(followed: AsyncGenerator<Followed>): Promise<readonly string[]> {
  const { value } = await followed.next()
  return (value as Followed).messages.map(({ text }) => text)
}

async function say(text: string): Promise<void> {
  await real.clientOf({ account: bob }).sendMessage(alice.id, text)
}

/** Opens the nodes' WebSockets, and gives what closes them again. */
function openMonitors(): { readonly registry: MetricsRegistry; readonly endpoints: readonly MonitorEndpoint[] } {
  const registry = createMetricsRegistry()
  const metrics = createRpcMetrics(registry)
  const clock = { monotonicMs: () => performance.now() }
  const rate = { burst: 1000, perSecond: 1000, keysMax: 10, whenFull: 'refuse' } as const
  const endpoints = real.rpc.nodes.map(({ monitor }, at) => {
    const rates = new RateLimiter({ clock }, rate)
    const endpoint = new MonitorEndpoint(
      { log: silentLogger, metrics, monitor, overload: { isOverloaded: false }, rates, freeRates: rates },
      defaultMonitorOptions,
    )
    real.network.servers[at]?.on('upgrade', (request, socket, head) => endpoint.upgrade(request, socket, head))
    return endpoint
  })
  stack.defer(() => {
    for (const endpoint of endpoints) endpoint.stop()
  })
  return { registry, endpoints }
}

async function exposed(): Promise<string> {
  return (await Promise.all(real.rpc.nodes.map((node) => node.exposeMetrics()))).join('\n')
}

/** Settles once so many requests wait on the nodes together. */
async function untilWaiting(count: number): Promise<void> {
  const waiting = /^starling_rpc_monitor_waiting_requests (\d+)$/gm
  await expect
    .poll(async () => [...(await exposed()).matchAll(waiting)].reduce((sum, [, each]) => sum + Number(each), 0))
    .toBe(count)
}

describe('through hops', () => {
  test('what is there comes first, and then each message as it arrives, without being asked for', async () => {
    await say('before')
    const followed = follow()
    expect(await textsOf(followed)).toEqual(['before'])
    const next = textsOf(followed)
    await untilWaiting(1)
    const asked = real.asked('retrieve')
    await say('after')
    expect(await next).toEqual(['after'])
    expect(real.asked('retrieve')).toBe(asked + 1)
    const third = textsOf(followed)
    await untilWaiting(1)
    await say('later')
    expect(await third).toEqual(['later'])
    // Nobody but guards is connected to: every request had three hops before its destination.
    expect(real.network.routes.every((route) => route.length === 4)).toBe(true)
  })

  test('several namespaces are told apart', async () => {
    const client = real.clientOf({ account: alice })
    const followed = client.follow({ signal: stop.signal, namespaces: [10, 0, 10] })
    await say('inbox')
    expect((await followed.next()).value).toMatchObject({ namespace: 0 })
    const next = followed.next()
    await untilWaiting(1)
    await client.store({ account: alice.id, data: Buffer.from('not for a client'), namespace: 10 })
    expect((await next).value).toMatchObject({ namespace: 10, messages: [], unreadable: 1 })
  })

  test.each([
    ['does not know how to wait', 400, 'no method monitor'],
    ['has no room to wait', 200, { news: [], busy: true, t: START_MS, hf: [19, 4] }],
    ['refuses the signature', 401, 'monitor signature verification failed'],
  ])('a node that %s is asked from time to time', async (_, status, body) => {
    for (const node of real.network.nodes) {
      const { answer } = node
      node.answer = (request) => (request.method === 'monitor' ? { status, body } : answer(request))
    }
    const troubles: ClientError[] = []
    const followed = follow({ onTrouble: (error) => troubles.push(error) })
    await say('one')
    expect(await textsOf(followed)).toEqual(['one'])
    const next = textsOf(followed)
    await say('two')
    expect(await next).toEqual(['two'])
    expect(troubles.map(({ code }) => code)).toEqual(['MONITOR_UNAVAILABLE'])
    expect(real.asked('monitor')).toBe(1)
  })

  test('a node that has left the swarm says who is in it now, and the next is asked', async () => {
    const { snodes } = (await real.rpc.first.call('get_swarm', { pubkey: alice.id })).json as {
      snodes: { pubkey_ed25519: string }[]
    }
    const members = real.network.nodes.filter(({ key }) => snodes.some(({ pubkey_ed25519: each }) => each === key))
    let moved = 0
    for (const node of members) {
      const { answer } = node
      node.answer = (request) => {
        if (request.method !== 'monitor' || moved++ > 0) return answer(request)
        const rest = snodes.filter(({ pubkey_ed25519: key }) => key !== node.key)
        return { status: 421, body: { snodes: rest, swarm: '1' } }
      }
    }
    const followed = follow()
    const next = textsOf(followed)
    await untilWaiting(1)
    await say('there you are')
    expect(await next).toEqual(['there you are'])
    expect(moved).toBeGreaterThan(1)
  })

  test('it goes on after the network was away, and misses nothing', async () => {
    const troubles: string[] = []
    const followed = follow({ onTrouble: ({ code }) => troubles.push(code) })
    await say('one')
    expect(await textsOf(followed)).toEqual(['one'])
    for (const node of real.network.nodes) node.guardRefusal = { status: 504, text: 'Request time out' }
    const next = textsOf(followed)
    await expect.poll(() => troubles.length).toBeGreaterThan(1)
    for (const node of real.network.nodes) node.guardRefusal = undefined
    await say('two')
    expect(await next).toEqual(['two'])
  })

  test('the first question must succeed', async () => {
    for (const node of real.network.nodes) node.guardRefusal = { status: 504, text: 'Request time out' }
    await expect(follow().next()).rejects.toThrow(expect.objectContaining({ code: expect.stringMatching(/^[A-Z_]+$/) }))
  })

  test('it ends with the reason of its signal, or when the client is disposed of', async () => {
    const stopped = expect(follow().next()).rejects.toEqual(isStopped)
    await untilWaiting(1)
    stop.abort()
    await stopped
    const client = real.clientOf({ account: alice })
    const ended = expect(client.follow().next()).rejects.toThrow(expect.objectContaining({ code: 'CLOSED' }))
    await untilWaiting(2)
    await client[Symbol.asyncDispose]()
    await ended
  })
})

describe('a group', () => {
  const group = groupFromSeed('33'.repeat(32))
  const pass = issuePass(group, alice.ed25519.publicKey)

  test.each([false, true])(
    'is followed by whoever has a pass, until it is revoked (directly: %s)',
    async (directly) => {
      openMonitors()
      const client = real.clientOf({ account: alice })
      const owner = real.clientOf({ account: bob })
      const say = (text: string) => owner.messagesOf(group).store({ data: Buffer.from(text), namespace: 11 })
      const messages = client.messagesOf(memberFromPass(pass, alice.ed25519))
      const options = { signal: stop.signal, namespaces: [11], intervalMs: 10, directly }
      const followed = messages.follow(options)
      await say('before')
      const first = (await followed.next()).value
      expect(first).toMatchObject({ namespace: 11, messages: [{ account: group.id, data: expect.anything() }] })
      const next = followed.next()
      await expect.poll(exposed).toMatch(/monitor_(waiting_requests|subscriptions) 1/)
      const asked = real.asked('retrieve')
      await say('after')
      expect(textOf((await next).value)).toEqual(['after'])
      expect(real.asked('retrieve')).toBe(asked + 1)
      const ended = expect(followed.next()).rejects.toThrow(expect.objectContaining({ code: 'UNAUTHORIZED' }))
      await owner.revocationsOf(group).revoke([pass])
      await ended
    },
  )

  function textOf({ messages }: FollowedMessages): readonly string[] {
    return messages.map(({ data }) => Buffer.from(data).toString())
  }
})

describe('directly', () => {
  test('a member tells of messages over a connection, and they are fetched through hops', async () => {
    const { registry } = openMonitors()
    await say('before')
    const followed = follow({ directly: true })
    expect(await textsOf(followed)).toEqual(['before'])
    const next = textsOf(followed)
    expect(await registry.expose()).toContain('starling_rpc_monitor_connections 1')
    const asked = real.asked('retrieve')
    await say('after')
    expect(await next).toEqual(['after'])
    expect(real.asked('retrieve')).toBe(asked + 1)
    expect(real.asked('monitor')).toBe(0)
    stop.abort()
    await expect(followed.next()).rejects.toEqual(isStopped)
    await expect.poll(() => registry.expose()).toContain('starling_rpc_monitor_connections 0')
  })

  test('a connection that closes is made anew, and nothing is missed', async () => {
    const { endpoints } = openMonitors()
    const troubles: string[] = []
    const followed = follow({ directly: true, onTrouble: ({ code }) => troubles.push(code) })
    await say('one')
    expect(await textsOf(followed)).toEqual(['one'])
    const next = textsOf(followed)
    for (const endpoint of endpoints) endpoint.stop()
    await say('two')
    expect(await next).toEqual(['two'])
    const third = textsOf(followed)
    await say('three')
    expect(await third).toEqual(['three'])
    expect(troubles.length).toBeGreaterThan(0)
  })

  test('nodes without WebSockets are asked from time to time', async () => {
    const troubles: string[] = []
    const followed = follow({ directly: true, onTrouble: ({ code }) => troubles.push(code) })
    await say('one')
    expect(await textsOf(followed)).toEqual(['one'])
    const next = textsOf(followed)
    await say('two')
    expect(await next).toEqual(['two'])
    expect(troubles).toEqual(['MONITOR_UNAVAILABLE'])
  })

  test('a transport that opens no WebSockets cannot do it', async () => {
    const https = stack.use(createHttpsTransport())
    const transport = { post: https.post, async [Symbol.asyncDispose]() {} }
    const client = real.clientOf({ account: alice, transport })
    await expect(client.follow({ directly: true }).next()).rejects.toThrow(
      expect.objectContaining({ code: 'MONITOR_UNAVAILABLE' }),
    )
  })

  test('a subscription is renewed, and one that is ended says where to go', async () => {
    openMonitors()
    const seeds = [{ url: real.network.seedUrl, certificate: 'any' as const }]
    const clock = { nowMs: () => START_MS, monotonicMs: () => performance.now() }
    const network = stack.use(createNetwork({ seeds, clock }))
    await network.nodes.ready(stop.signal)
    const open = createSocketWatch(
      { openWebSocket, swarms: network.swarms, clock: network.clock },
      { openTimeoutMs: 10_000, renewMs: 10 },
    )
    const watched = { signer: alice, namespaces: [0], lastHashOf: () => undefined }
    const members = await network.swarms.membersOf(alice.id, stop.signal)
    const [member] = members
    if (member === undefined) throw new Error('A swarm has members')
    await using watch = await open(member, watched, stop.signal)
    await expect.poll(exposed).toContain('starling_rpc_monitor_requests_total{result="renewed"}')
    expect(await watch.next(1, stop.signal)).toEqual([])
    await say('hello')
    expect(await watch.next(60_000, stop.signal)).toEqual([0])
    const stranger = real.network.nodes.find(({ key }) => !members.some((each) => each.key === key))
    const elsewhere = network.nodes.find(stranger?.key ?? member.key)
    if (elsewhere === undefined) throw new Error('There are two swarms')
    network.swarms.forget(alice.id)
    await expect(open(elsewhere, watched, stop.signal)).rejects.toThrow(
      expect.objectContaining({ code: 'SWARM_UNAVAILABLE' }),
    )
    expect(
      network.swarms
        .known(alice.id)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(members.map(({ key }) => key).toSorted())
  })
})
