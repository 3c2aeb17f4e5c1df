// Requests to servers outside the network: a real server with a key of its own, which opens what the last hop posts to it.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createClient, type StarlingClient } from '../../../src/client/client.ts'
import type { OutsideServer } from '../../../src/client/server-requester.ts'
import { generateX25519KeyPair } from '../../../src/crypto/keys.ts'
import { createDestination } from '../../../src/onion-relay/destination.ts'
import { createOnionRelayMetrics } from '../../../src/onion-relay/metrics.ts'
import { defaultOnionRelayOptions } from '../../../src/onion-relay/options.ts'
import { createOutsideServers } from '../../../src/onion-relay/outside/outside-servers.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { decodeCombinedPayload } from '../../../src/protocol/onion/combined-payload.ts'
import { type OpenedLayer, openLayer, readSealedLayer } from '../../../src/protocol/onion/layer.ts'
import { DEFAULT_REPLY_FORMAT } from '../../../src/protocol/onion/layer-content.ts'
import { sealOnionReply } from '../../../src/protocol/onion/response.ts'
import { decodeV4Request, encodeV4Reply, type V4Request } from '../../../src/protocol/onion/v4-payload.ts'
import { startTestNetwork, type TestNetwork } from './test-network.ts'
import { startTestSwarm } from './test-swarm.ts'

const pair = generateX25519KeyPair()
const failsWith = (code: string, message = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

let stack: AsyncDisposableStack
let network: TestNetwork
let client: StarlingClient
let server: Server
let address: OutsideServer
let paths: string[]
/** What the server answers to an opened request; a number is a status in clear. */
let answer: (payload: Uint8Array) => Uint8Array | { status: number; text: string }

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startTestNetwork(10))
  startTestSwarm(network, network.nodes.slice(0, 3))
  client = stack.use(createClient({ seeds: [{ url: network.seedUrl, certificate: 'any' }] }))
  answer = (payload) => payload
  paths = []
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
    paths.push(request.url ?? '')
    const { blob, metadata } = decodeCombinedPayload(Buffer.concat(chunks))
    const opened = openedLayer(blob, metadata)
    const reply = opened === undefined ? { status: 400, text: 'not for this server' } : answer(opened.plaintext)
    if ('text' in reply) response.writeHead(reply.status).end(reply.text)
    else response.end(opened?.key.seal(reply))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const { port } = server.address() as AddressInfo
  address = { host: '127.0.0.1', port, protocol: 'http', x25519: toHex(pair.publicKey) }
})
afterEach(() => stack.disposeAsync())

function openedLayer(blob: Uint8Array, metadata: JsonObject): OpenedLayer | undefined {
  try {
    return openLayer(readSealedLayer(blob, metadata), pair)
  } catch {
    return undefined
  }
}

describe('a request to an outside server', () => {
  test('reaches it through three hops, and only the last learns which server', async () => {
    const payload = Uint8Array.from({ length: 3000 }, (_, at) => at % 256)
    await expect(client.requestServer({ ...address, payload })).resolves.toEqual(Buffer.from(payload))
    expect(paths).toEqual(['/oxen/v4/lsrpc'])
    expect(new Set(network.routes.at(-1)).size).toBe(3)
  })

  test('takes the form of HTTP, and so does the reply, whatever its status', async () => {
    const requests: V4Request[] = []
    answer = (payload) => {
      requests.push(decodeV4Request(payload))
      return encodeV4Reply({ status: 404, headers: { 'Content-Type': 'text/plain' }, body: utf8('no such file') })
    }
    const request = { method: 'POST', endpoint: '/file?ttl=1', headers: { 'X-Part': '1' }, body: utf8('a\0b') }
    const target = '/loki/oxen/v4/lsrpc'
    const reply = await client.fetchFromServer({ ...address, target, x25519: pair.publicKey }, request)
    expect(requests).toEqual([{ ...request, body: Buffer.from('a\0b') }])
    expect({ ...reply, body: fromUtf8(reply.body) }).toEqual({
      status: 404,
      headers: { 'content-type': 'text/plain' },
      body: 'no such file',
    })
    expect(paths).toEqual([target])
  })

  test('whose reply is not of that form fails', async () => {
    const request = { method: 'GET', endpoint: '/' }
    await expect(client.fetchFromServer(address, request)).rejects.toThrow(failsWith('ANSWER_INVALID'))
  })

  test.each([
    ['a server that is away', { port: 1 }, 'No path'],
    ['a server with another key', { x25519: toHex(generateX25519KeyPair().publicKey) }, 'No path'],
  ])('to %s fails after two paths, and costs no guard its place', async (_, change, message) => {
    await client.info()
    const before = client.guards()
    for (let n = 0; n < 4; n++) {
      const request = client.requestServer({ ...address, ...change, payload: utf8('x') })
      await expect(request).rejects.toThrow(failsWith('SERVER_UNREACHABLE', message))
    }
    expect(client.guards()).toEqual(before)
    expect(network.nodes.reduce((sum, node) => sum + node.guarded, 0)).toBe(9)
  })

  test.each([
    [404, 'Not Found'],
    [500, 'Oxen Server error'],
  ])('that is answered %i "%s" in clear is not tried again', async (status, text) => {
    answer = () => ({ status, text })
    const request = client.requestServer({ ...address, payload: utf8('x') })
    await expect(request).rejects.toThrow(failsWith('SERVER_UNREACHABLE'))
    expect(paths).toHaveLength(1)
  })

  test('that one operator does not allow is tried through another last hop', async () => {
    const refusing = new Set<string>()
    for (const node of network.nodes) {
      const post = node.askServer
      node.askServer = async (...request) => {
        if (refusing.size > 0) return post(...request)
        refusing.add(node.key)
        const [, , key] = request
        return { bytes: sealOnionReply(key, { status: 403, body: 'Server not allowed' }, DEFAULT_REPLY_FORMAT) }
      }
    }
    await expect(client.requestServer({ ...address, payload: utf8('x') })).resolves.toEqual(Buffer.from('x'))
    expect(network.routes.map((hops) => hops.at(-1))).toHaveLength(2)
    expect(new Set(network.routes.map((hops) => hops.at(-1))).size).toBe(2)
  })

  test.each([
    [403, 'Server not allowed', 2],
    [400, 'Invalid url', 1],
  ])('that no last hop takes fails with its words: %i "%s"', async (status, body, tries) => {
    for (const node of network.nodes) {
      node.askServer = async (_server, _layer, key) => ({
        bytes: sealOnionReply(key, { status, body }, DEFAULT_REPLY_FORMAT),
      })
    }
    const request = client.requestServer({ ...address, payload: utf8('x') })
    await expect(request).rejects.toThrow(failsWith('SERVER_UNREACHABLE', body))
    expect(network.routes).toHaveLength(tries)
  })

  test.each(['', 'ab', '00'.repeat(32)])('with %j for a key is not sent', async (x25519) => {
    const request = client.requestServer({ ...address, x25519, payload: utf8('x') })
    await expect(request).rejects.toThrow(failsWith('SERVER_KEY_INVALID'))
    expect(network.routes).toEqual([])
  })
})

describe('through the last hop as nodes run it, a request', () => {
  const signal = new AbortController().signal
  const nobody = () => Promise.reject(new Error('Nobody else is asked'))

  /** Every node is an exit whose operator allows these servers. */
  function runExits(servers: readonly string[]): void {
    for (const node of network.nodes) {
      const outside = createOutsideServers(
        { clock: systemClock, metrics: createOnionRelayMetrics(createMetricsRegistry()), ownAddresses: [] },
        { ...defaultOnionRelayOptions.outside, enabled: true, servers, allowPrivateAddresses: true },
      )
      const act = createDestination(
        {
          identity: node,
          peers: { request: nobody },
          membership: { isMember: () => false },
          rpc: { handleOnionRpc: nobody },
          outside,
        },
        defaultOnionRelayOptions,
      )
      node.askServer = async (asked, plaintext, key) => {
        const { answer: said } = await act({
          content: { role: 'server', server: asked },
          plaintext,
          key,
          hopNumber: 2,
          signal,
        })
        if (said.status === 200) return { bytes: said.body }
        return { status: said.status, text: Buffer.from(said.body).toString() }
      }
    }
  }

  test('reaches a server on the operator’s list, and the reply comes back whole', async () => {
    runExits([`${address.host}:${address.port}`])
    const payload = Uint8Array.from({ length: 100_000 }, (_, at) => at % 251)
    await expect(client.requestServer({ ...address, payload })).resolves.toEqual(Buffer.from(payload))
  })

  test.each([
    ['a server that no operator allows', { host: '127.0.0.2' }, 'Server not allowed', 2],
    ['a target that is none', { target: '/file' }, 'Invalid url', 1],
    ['a server that is away', { port: 1 }, 'No path', 2],
  ])('to %s fails, and says why', async (_, change, message, tries) => {
    runExits([`${address.host}:*`])
    const request = client.requestServer({ ...address, ...change, payload: utf8('x') })
    await expect(request).rejects.toThrow(failsWith('SERVER_UNREACHABLE', message))
    expect(network.routes).toHaveLength(tries)
    expect(paths).toEqual([])
  })
})
