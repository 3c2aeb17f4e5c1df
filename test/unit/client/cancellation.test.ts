// A call that is given up, by its caller or by its deadline, leaves nothing behind: no connection, no timer, no waiting code.
import { getActiveResourcesInfo } from 'node:process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accountFromSeed } from '../../../src/client/account.ts'
import type { CallOptions } from '../../../src/client/call-runner.ts'
import { batchCall } from '../../../src/client/calls/batch.ts'
import { ifElseCall } from '../../../src/client/calls/if-else.ts'
import { storeCall } from '../../../src/client/calls/store.ts'
import { createClient, type StarlingClient } from '../../../src/client/client.ts'
import { groupFromSeed } from '../../../src/client/groups.ts'
import { createHttpsTransport } from '../../../src/client/https-transport.ts'
import type { ClientOptions } from '../../../src/client/options.ts'
import type { Transport } from '../../../src/client/transport.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { startTestNetwork, type TestNetwork } from './test-network.ts'
import { startTestSwarm } from './test-swarm.ts'

const account = accountFromSeed('11'.repeat(32))
const group = groupFromSeed('22'.repeat(32))
const data = new TextEncoder().encode('data')
const hashes = [hashMessage(account.id, 0, data)]
const server = { host: 'files.example', x25519: account.id.slice(2) }
const storing = storeCall({ account: account.id, data })
const changedMind = new Error('changed my mind')

const methods: Record<string, (client: StarlingClient, options: CallOptions) => Promise<unknown>> = {
  sendMessage: (client, options) => client.sendMessage(account.id, 'hello', options),
  receiveMessages: (client, options) => client.receiveMessages(options),
  store: (client, options) => client.store({ account: account.id, data }, options),
  retrieve: (client, options) => client.retrieve({}, options),
  retrievePublic: (client, options) => client.retrievePublic(group.id, { namespace: -1 }, options),
  delete: (client, options) => client.delete(hashes, options),
  deleteAll: (client, options) => client.deleteAll('all', options),
  deleteBefore: (client, options) => client.deleteBefore('all', 10 ** 12, options),
  expire: (client, options) => client.expire(hashes, 10 ** 12, options),
  expireAll: (client, options) => client.expireAll('all', 10 ** 12, options),
  getExpiries: (client, options) => client.getExpiries(hashes, options),
  getSwarm: (client, options) => client.getSwarm(group.id, options),
  info: (client, options) => client.info(options),
  serviceNodes: (client, options) => client.serviceNodes(options),
  activeNodes: (client, options) => client.activeNodes(options),
  batch: (client, options) => client.ask(batchCall([storing]), options),
  sequence: (client, options) => client.messagesOf(account).sequence([storing], options),
  ifelse: (client, options) => client.ask(ifElseCall({ heightAtLeast: 1 }, storing), options),
  request: (client, options) => client.request('info', {}, options),
  requestServer: (client, options) => client.requestServer({ ...server, payload: data }, options),
  fetchFromServer: (client, options) => client.fetchFromServer(server, { method: 'GET', endpoint: '/' }, options),
  'messagesOf().store': (client, options) => client.messagesOf(group).store({ data }, options),
  'revocationsOf().revoke': (client, options) => client.revocationsOf(group).revoke([], options),
  'revocationsOf().unrevoke': (client, options) => client.revocationsOf(group).unrevoke([], options),
  'revocationsOf().list': (client, options) => client.revocationsOf(group).list(options),
}

let network: TestNetwork
let stack: AsyncDisposableStack

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startTestNetwork(8))
  startTestSwarm(network, network.nodes.slice(0, 3))
})
afterEach(() => stack.disposeAsync())

function clientOf(options: Partial<ClientOptions> = {}): StarlingClient {
  const seeds = [{ url: network.seedUrl, certificate: 'any' as const }]
  return stack.use(createClient({ seeds, account, seedBackoffMs: 1, ...options }))
}

/** Settles when a request has come to a node, which then never answers it. */
function hanging(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const hang = () => {
    resolve()
    return new Promise<never>(() => {})
  }
  for (const node of network.nodes) {
    node.answer = hang
    node.askServer = hang
  }
  return promise
}

const pendingTimers = () => getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('a call that its caller gives up', () => {
  // One network, one client, and every method one after another: each must leave it as it found it.
  test('ends at once with the caller’s reason and closes its connection, whichever method it is', async () => {
    const client = clientOf()
    await client.info()
    network.closeConnections()
    for (const [name, call] of Object.entries(methods)) {
      const controller = new AbortController()
      const asked = hanging()
      const outcome = call(client, { signal: controller.signal }).then(
        () => `${name} was answered`,
        (error: unknown) => error,
      )
      await asked
      controller.abort(changedMind)
      expect([name, await outcome]).toEqual([name, changedMind])
      await expect.poll(() => network.connections.size, { message: name, interval: 5 }).toBe(0)
    }
    expect(client.guards()).toHaveLength(2)
  })

  test('is not begun when it was given up before', async () => {
    const client = clientOf()
    for (const [name, call] of Object.entries(methods)) {
      const outcome = await call(client, { signal: AbortSignal.abort(changedMind) }).catch((error: unknown) => error)
      expect([name, outcome]).toEqual([name, changedMind])
    }
    expect(network.connections.size).toBe(0)
  })

  test('costs nobody a strike', async () => {
    const client = clientOf()
    await client.info()
    const guards = client.guards()
    for (let n = 0; n < 10; n++) {
      const controller = new AbortController()
      const asked = hanging()
      const outcome = client.info({ signal: controller.signal }).catch((error: unknown) => error)
      await asked
      controller.abort(changedMind)
      expect(await outcome).toBe(changedMind)
    }
    expect(client.guards()).toEqual(guards)
  })

  test('ends although the transport does not listen', async () => {
    const deaf: Transport = {
      post: (url, body, options) => (url.includes('json_rpc') ? real.post(url, body, options) : new Promise(() => {})),
      [Symbol.asyncDispose]: async () => {},
    }
    const real = stack.use(createHttpsTransport())
    const client = clientOf({ transport: deaf, deadlineMs: 200 })
    await expect(client.info()).rejects.toThrow(expect.objectContaining({ code: 'TRANSPORT_TIMEOUT' }))
    const controller = new AbortController()
    const outcome = client.info({ signal: controller.signal })
    controller.abort(changedMind)
    await expect(outcome).rejects.toThrow(changedMind)
  })

  test('ends while a guard is waited for that asked to be left alone', async () => {
    const client = clientOf()
    await client.info()
    const refused = Promise.withResolvers<void>()
    let count = 0
    for (const node of network.nodes) {
      Object.defineProperty(node, 'guardRefusal', {
        get: () => {
          if (++count === 2) refused.resolve()
          return { status: 429, text: 'Too Many Requests', retryAfter: '5' }
        },
      })
    }
    const controller = new AbortController()
    const outcome = client.info({ signal: controller.signal })
    await refused.promise
    controller.abort(changedMind)
    await expect(outcome).rejects.toThrow(changedMind)
    expect(count).toBe(2)
  })
})

test('a call that its deadline ends closes its connection', async () => {
  const client = clientOf({ deadlineMs: 1000 })
  await client.info()
  network.closeConnections()
  void hanging()
  await expect(client.info()).rejects.toThrow(expect.objectContaining({ code: 'TRANSPORT_TIMEOUT' }))
  await expect.poll(() => network.connections.size, { interval: 5 }).toBe(0)
})

test('a client that is disposed of keeps no connection and no timer', async () => {
  const timers = pendingTimers()
  const client = clientOf()
  await client.info()
  expect(network.connections.size).toBeGreaterThan(0)
  const asked = hanging()
  const outcome = client.retrieve().catch((error: unknown) => error)
  await asked
  await client[Symbol.asyncDispose]()
  expect(await outcome).toMatchObject({ code: 'CLOSED' })
  await expect.poll(() => network.connections.size, { interval: 5 }).toBe(0)
  expect(pendingTimers()).toBeLessThanOrEqual(timers)
})
