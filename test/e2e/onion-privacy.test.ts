// What each node on a message's way can see, and what it refuses: real nodes, a real chain, the SDK as client.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { postToNode } from '../../devnet/node-request.ts'
import { asBuffer, fromUtf8, toBase64, toHex, utf8 } from '../../src/base/bytes.ts'
import { createClient, type Route, type StoreReceipt } from '../../src/client/index.ts'
import { parseX25519PublicKey, type X25519KeyPair } from '../../src/crypto/keys.ts'
import { toPeerId } from '../../src/network/peer-identity.ts'
import { decodeCombinedPayload } from '../../src/protocol/onion/combined-payload.ts'
import { openLayer, type SealedLayer } from '../../src/protocol/onion/layer.ts'
import { decodeLayerContent } from '../../src/protocol/onion/layer-content.ts'
import { buildOnionRequest, type OnionPathNode } from '../../src/protocol/onion/request.ts'
import { openOnionReply, openSealedReply } from '../../src/protocol/onion/response.ts'
import { decodeHopRequest } from '../../src/protocol/peer-api/onion-hop.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { type Eavesdropper, startEavesdropper } from '../support/eavesdropper.ts'
import { FILE_MAX_BYTES, startFileServer, versionFour } from '../support/file-server.ts'
import { layerKeysOf } from '../support/node-keys.ts'
import { type MetricsPage, readMetrics } from '../support/node-metrics.ts'
import { openersOf, type ReadLayer, readLayers, sealTampered, withFlippedBit } from '../support/onion-layers.ts'
import { newAccount } from '../support/people.ts'
import { createRecordingTransport } from '../support/recording-transport.ts'
import { openConnections } from '../support/sockets.ts'

const NODES = 7
const HOPS = 3
const CLIENT_ADDRESS = '127.9.9.9'
const EAVESDROPPER_ADDRESS = '127.0.200.1'
const TEXT = 'A sentence that no node on the way may ever see.'
const INFO = utf8(JSON.stringify({ method: 'info', params: {} }))

const alice = newAccount()
const bob = newAccount()

let devnet: Devnet & { folder: string }
let keys: ReadonlyMap<ServiceNodeKey, X25519KeyPair>
const transport = createRecordingTransport(CLIENT_ADDRESS)
const routes: Route[] = []
let receipt: StoreReceipt
/** Each onion request of the client, opened by those it was for, layer by layer. */
let requests: readonly (readonly ReadLayer[])[]
let before: ReadonlyMap<ServiceNodeKey, MetricsPage>
let after: ReadonlyMap<ServiceNodeKey, MetricsPage>
/** Length of each node's log when the client began. */
let logStarts: ReadonlyMap<ServiceNodeKey, number>
/** Addresses of the nodes that the client's own address had connections to. */
let nodesOfClient: readonly string[]

beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, logLevel: 'trace' })
  keys = await layerKeysOf(devnet.nodes)
  logStarts = new Map(devnet.nodes.map((node) => [node.key, logOf(node).length]))
  before = await metricsOf(devnet.nodes)
  receipt = await sendAndReceive()
  nodesOfClient = connectedNodes()
  after = await metricsOf(devnet.nodes)
  requests = transport.posts
    .filter(({ url }) => url.endsWith('/onion_req/v2'))
    .map(({ url, body }) => readLayers(body, nodeAt(new URL(url).hostname).key, keys))
})

afterAll(async () => {
  await transport[Symbol.asyncDispose]()
  await devnet?.[Symbol.asyncDispose]()
})

describe('three hops and a destination', () => {
  test('carry a message from Alice to Bob on the ways that the client says', () => {
    expect(receipt.confirmations).toBe(NODES)
    const ways = requests.map((layers) => layers.map(({ reader }) => reader).join())
    for (const method of ['store', 'retrieve']) {
      const route = routes.find((one) => one.method === method)
      expect(route?.hops).toHaveLength(HOPS)
      const way = [...(route?.hops ?? []), route?.destination].map((node) => node?.key)
      expect(new Set(way).size).toBe(HOPS + 1)
      expect(ways).toContain(way.join())
    }
  })

  test('can each be opened with one node’s key only', () => {
    for (const { reader, sealed } of requests.flat()) expect(openersOf(sealed, keys)).toEqual([reader])
  })

  test('show each hop the next node and a ciphertext, and nothing else', () => {
    for (const layers of requests) {
      expect(layers.map(({ content }) => content.role)).toEqual(['relay', 'relay', 'relay', 'final'])
      for (const [at, layer] of layers.slice(0, HOPS).entries()) {
        const next = layers[at + 1]
        expect({ ...decodeCombinedPayload(layer.plaintext).metadata }).toEqual({
          destination: next?.reader,
          enc_type: next?.sealed.encryption,
          ephemeral_key: toHex(next?.sealed.ephemeralKey ?? new Uint8Array()),
        })
        const others = devnet.nodes.map(({ key }) => key).filter((key) => key !== next?.reader)
        expectWithout(layer.plaintext, [...identities(), ...others])
      }
    }
  })

  test('show the destination the account and the request, but neither the sender nor the client', () => {
    const payloads = requests.map((layers) => layers[HOPS])
    for (const layer of payloads) {
      const payload = layer?.content.role === 'final' ? layer.content.payload : new Uint8Array()
      const { method, params } = JSON.parse(fromUtf8(payload) ?? '') as { method: string; params: { pubkey?: string } }
      if (method !== 'info') expect(params.pubkey).toBe(bob.id)
      const hops = devnet.nodes.map(({ key }) => key)
      expectWithout(payload, [...formsOf(alice), CLIENT_ADDRESS, TEXT, ...hops])
    }
    const methods = payloads.map((layer) => methodOf(layer))
    expect(methods).toContain('store')
    expect(methods).toContain('retrieve')
  })

  test('each take a request from one node and hand it to one, and nobody else takes part', () => {
    for (const { key, index } of devnet.nodes) {
      const relayed = requests.filter((layers) => layers.slice(0, HOPS).some(({ reader }) => reader === key)).length
      const ended = requests.filter((layers) => layers[HOPS]?.reader === key).length
      const guarded = requests.filter((layers) => layers[0]?.reader === key).length
      const grown = (name: string, labels: Record<string, string>) =>
        (after.get(key)?.sum(name, labels) ?? 0) - (before.get(key)?.sum(name, labels) ?? 0)
      const counts = {
        relayed: grown('starling_onion_relay_requests_total', { role: 'relay', outcome: 'answered' }),
        ended: grown('starling_onion_relay_requests_total', { role: 'final', outcome: 'answered' }),
        takenInAll: grown('starling_onion_relay_requests_total', {}),
        sentToNodes: grown('starling_network_requests_total', { protocol: 'onion' }),
        takenFromNodes: grown('starling_network_handled_requests_total', { protocol: 'onion' }),
      }
      expect({ index, ...counts }).toEqual({
        index,
        relayed,
        ended,
        takenInAll: relayed + ended,
        sentToNodes: relayed,
        takenFromNodes: relayed + ended - guarded,
      })
    }
  })

  test('let nobody but guards meet the client’s address', () => {
    const guards = new Set(requests.map(([first]) => devnet.nodes.find(({ key }) => key === first?.reader)?.ip))
    expect(nodesOfClient.length).toBeGreaterThan(0)
    expect([...guards]).toEqual(expect.arrayContaining([...nodesOfClient]))
    expect(guards.size).toBeLessThan(NODES)
  })
})

describe('a flipped bit', () => {
  const CHANGES: readonly { readonly what: string; readonly change: (sealed: SealedLayer) => SealedLayer }[] = [
    { what: 'the nonce', change: (sealed) => ({ ...sealed, ciphertext: withFlippedBit(sealed.ciphertext, 0) }) },
    {
      what: 'the middle of the ciphertext',
      change: (sealed) => ({
        ...sealed,
        ciphertext: withFlippedBit(sealed.ciphertext, sealed.ciphertext.length >> 1, 5),
      }),
    },
    { what: 'the tag', change: (sealed) => ({ ...sealed, ciphertext: withFlippedBit(sealed.ciphertext, -1, 7) }) },
    {
      what: 'the ephemeral key',
      change: (sealed) => ({ ...sealed, ephemeralKey: withFlippedBit(sealed.ephemeralKey, 7, 3) }),
    },
  ]

  test.each([
    { layer: 0, who: 'the guard’s' },
    { layer: 1, who: 'the second hop’s' },
    { layer: 2, who: 'the third hop’s' },
    { layer: 3, who: 'the destination’s' },
  ])('in $who layer is refused by exactly that node', async ({ layer }) => {
    const way = devnet.nodes.slice(0, HOPS + 1)
    const start = await metricsOf(devnet.nodes)
    for (const [at, { what, change }] of CHANGES.entries()) {
      const encryption = at % 2 === 0 ? 'aes-gcm' : 'xchacha20'
      const { body } = sealTampered({ nodes: way.map(pathNode), payload: INFO, encryption, tamper: { layer, change } })
      const reply = await postToNode(way[0] as DevnetNode, '/onion_req/v2', body)
      expect({ what, status: reply.status, text: reply.body.toString() }).toEqual({
        what,
        status: 400,
        text: 'Invalid ciphertext',
      })
    }
    const end = await metricsOf(devnet.nodes)
    const seen = devnet.nodes.map(({ key }) => ({
      relayed: grownBetween(start, end, key, { role: 'relay', outcome: 'answered' }),
      refused: grownBetween(start, end, key, { outcome: 'undecryptable' }),
      all: grownBetween(start, end, key, {}),
    }))
    const count = CHANGES.length
    expect(seen).toEqual(
      devnet.nodes.map((_, at) => ({
        relayed: at < layer ? count : 0,
        refused: at === layer ? count : 0,
        all: at <= layer ? count : 0,
      })),
    )
  })

  test('is what made the difference: the same requests without it are answered', async () => {
    const nodes = devnet.nodes.slice(0, HOPS + 1).map(pathNode)
    for (const encryption of ['aes-gcm', 'xchacha20'] as const) {
      const { body, replyKey } = sealTampered({ nodes, payload: INFO, encryption })
      const reply = await postToNode(devnet.nodes[0] as DevnetNode, '/onion_req/v2', body)
      expect(reply.status).toBe(200)
      expect(openOnionReply(replyKey, reply.body).status).toBe(200)
      // Sent again, it is refused as if it had been changed.
      const again = await postToNode(devnet.nodes[0] as DevnetNode, '/onion_req/v2', body)
      expect([again.status, again.body.toString()]).toEqual([400, 'Invalid ciphertext'])
    }
  })

  test('in the reply is found by the client', async () => {
    const nodes = devnet.nodes.slice(0, HOPS + 1).map(pathNode)
    const { body, replyKey } = sealTampered({ nodes, payload: INFO, encryption: 'aes-gcm' })
    const reply = await postToNode(devnet.nodes[0] as DevnetNode, '/onion_req/v2', body)
    const sealed = Buffer.from(reply.body.toString(), 'base64')
    expect(() => openOnionReply(replyKey, utf8(toBase64(withFlippedBit(sealed, -20))))).toThrow(
      expect.objectContaining({ code: 'LAYER_UNDECRYPTABLE' }),
    )
  })

  test('keeps no honest message from arriving', async () => {
    const again = await sendAndReceive()
    expect(again.confirmations).toBe(NODES)
  })
})

describe('an outside server', () => {
  test('is given the largest file byte for byte, and learns of the exit but not of the client', async () => {
    const file = randomBytes(FILE_MAX_BYTES)
    const payload = versionFour('{"method":"POST","endpoint":"/file"}', file)
    const reply = versionFour('{"code":200}', file)
    await using server = await startFileServer(reply)
    const [guard, ...further] = devnet.nodes.slice(0, HOPS).map(pathNode) as [OnionPathNode, ...OnionPathNode[]]
    const { body, replyKey } = buildOnionRequest({
      path: [guard, ...further],
      destination: {
        kind: 'server',
        host: '127.0.0.1',
        port: server.port,
        protocol: 'http',
        target: '/oxen/v4/lsrpc',
        x25519: server.x25519,
      },
      payload,
      encryption: 'aes-gcm',
    })
    // A connection of its own: one that was kept may be given up by the node while so much is sealed.
    await using fresh = createRecordingTransport(CLIENT_ADDRESS)
    const { status, body: sealed } = await fresh.post(onionUrl(guard.ed25519), body, {
      timeoutMs: 60_000,
      responseMaxBytes: 2 * FILE_MAX_BYTES,
      certificate: 'any',
    })
    expect(status).toBe(200)
    expect(asBuffer(openSealedReply(replyKey, sealed)).equals(reply)).toBe(true)
    expect(server.opened.map((opened) => asBuffer(opened).equals(payload))).toEqual([true])
    const [request] = server.requests
    expect(request?.from).not.toBe(CLIENT_ADDRESS)
    expectWithout(utf8(JSON.stringify(request?.headers)), [CLIENT_ADDRESS, ...identities()])
  })

  test('that the network does not list is not asked, and only the client is told', async () => {
    const start = await metricsOf(devnet.nodes)
    const { body } = buildOnionRequest({
      path: devnet.nodes.slice(0, HOPS).map(pathNode),
      destination: {
        kind: 'server',
        host: 'unlisted.example',
        target: '/oxen/v4/lsrpc',
        x25519: alice.x25519.publicKey,
      },
      payload: INFO,
      encryption: 'xchacha20',
    })
    const answer = await postToNode(devnet.nodes[0] as DevnetNode, '/onion_req/v2', body)
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).not.toContain('allowed')
    const end = await metricsOf(devnet.nodes)
    const exit = devnet.nodes[HOPS - 1] as DevnetNode
    expect(grownBetween(start, end, exit.key, { role: 'server', outcome: 'server_refused' })).toBe(1)
  })
})

describe('a member that writes down all it is given', () => {
  let eavesdropper: Eavesdropper

  beforeAll(async () => {
    const operator = await devnet.createOperator(NODES + 1)
    await devnet.chain.register(operator)
    eavesdropper = await startEavesdropper(devnet, operator, EAVESDROPPER_ADDRESS)
  })
  afterAll(() => eavesdropper?.[Symbol.asyncDispose]())

  test.each([
    { place: 1, as: 'second hop' },
    { place: 2, as: 'third hop' },
    { place: 3, as: 'destination' },
  ])('learns its two neighbours and no more as $as', async ({ place }) => {
    const honest = devnet.nodes.slice(0, HOPS + 1).map(pathNode)
    const way = honest.with(place, eavesdropper.node)
    const [guard, second, third, destination] = way as [OnionPathNode, OnionPathNode, OnionPathNode, OnionPathNode]
    eavesdropper.heard.length = 0
    eavesdropper.payloads.length = 0
    const { body, replyKey } = buildOnionRequest({
      path: [guard, second, third],
      destination: { kind: 'service-node', ...destination },
      payload: INFO,
      encryption: 'xchacha20',
    })
    const { status, body: sealed } = await transport.post(onionUrl(guard.ed25519), body, {
      timeoutMs: 60_000,
      responseMaxBytes: 1_000_000,
      certificate: 'any',
    })
    expect(status).toBe(200)
    expect(openOnionReply(replyKey, sealed).status).toBe(place === HOPS ? 421 : 200)

    // By the identity that Noise has proven: the node before it, once, and nobody else.
    const [heard] = eavesdropper.heard
    expect(eavesdropper.heard.map(({ from }) => from)).toEqual([way[place - 1]?.ed25519])
    const { plaintext } = openLayer(decodeHopRequest(heard?.payload ?? new Uint8Array()), eavesdropper.x25519)
    const content = decodeLayerContent(plaintext)
    const next = way[place + 1]?.ed25519
    expect(content.role === 'relay' ? content.destination : undefined).toBe(next)
    expect(eavesdropper.payloads.map((payload) => fromUtf8(payload))).toEqual(
      next === undefined ? [fromUtf8(INFO)] : [],
    )
    const others = way.map(({ ed25519 }) => ed25519).filter((key) => key !== next)
    expectWithout(plaintext, [CLIENT_ADDRESS, ...others])
    expectWithout(heard?.payload ?? new Uint8Array(), [CLIENT_ADDRESS, ...way.map(({ ed25519 }) => ed25519)])
  })
})

// Last, so that it covers all that happened above.
describe('logs and metrics', () => {
  test('name no account, message or client at any level', async () => {
    for (const node of devnet.nodes) {
      const log = logOf(node)
      expect(log).toContain('"level":"debug"')
      expectWithout(utf8(log), identities())
      expectWithout(utf8((await readMetrics(node)).text), identities())
    }
  })

  test('name no part of a path: nothing in metrics, and nothing in logs at info and above', async () => {
    const ephemeral = requests.flat().map(({ sealed }) => toHex(sealed.ephemeralKey))
    for (const node of devnet.nodes) {
      const others = devnet.nodes.filter(({ key }) => key !== node.key)
      const path = [
        ...ephemeral,
        ...others.flatMap(({ key, ip }) => [key, toPeerId(key).toString(), `${ip}:`, `"${ip}"`]),
      ]
      const lines = logOf(node)
        .slice(logStarts.get(node.key))
        .split('\n')
        .filter((line) => !/"level":"(debug|trace)"/.test(line))
      expectWithout(utf8(lines.join('\n')), [...identities(), ...path])
      expectWithout(utf8((await readMetrics(node)).text), path)
    }
  })
})

async function sendAndReceive(): Promise<StoreReceipt> {
  const common = { seeds: [devnet.seed], transport, onRoute: (route: Route) => void routes.push(route) }
  await using sender = createClient({ ...common, account: alice })
  const sent = await sender.sendMessage(bob.id, TEXT)
  await using reader = createClient({ ...common, account: bob })
  const { messages } = await reader.receiveMessages()
  expect(messages.find(({ hash }) => hash === sent.hash)).toMatchObject({ text: TEXT, from: alice.id })
  return sent
}

function connectedNodes(): readonly string[] {
  const remotes = openConnections().filter(({ local }) => local === CLIENT_ADDRESS)
  const ips = new Set(remotes.map(({ remote }) => remote))
  return devnet.nodes.map(({ ip }) => ip).filter((ip) => ips.has(ip))
}

/** Every form in which what must stay hidden could be written. */
function identities(): readonly string[] {
  return [...formsOf(alice), ...formsOf(bob), receipt.hash, TEXT, CLIENT_ADDRESS]
}

function formsOf({ id, ed25519 }: typeof alice): readonly string[] {
  const bytes = Buffer.from(id, 'hex')
  const forms = [bytes.subarray(1), Buffer.from(ed25519.publicKey)]
  return forms.flatMap((form) => [form.toString('hex'), form.toString('base64').replace(/=+$/, '')])
}

/** Looks for each text, and for hex in it as bytes too. */
function expectWithout(bytes: Uint8Array, needles: readonly string[]): void {
  const haystack = asBuffer(bytes)
  const found = needles.filter(
    (needle) => haystack.includes(needle) || (/^[0-9a-f]{64}$/.test(needle) && haystack.includes(needle, 0, 'hex')),
  )
  expect(found).toEqual([])
}

function methodOf(layer: ReadLayer | undefined): string | undefined {
  if (layer?.content.role !== 'final') return undefined
  return (JSON.parse(fromUtf8(layer.content.payload) ?? '') as { method: string }).method
}

async function metricsOf(nodes: readonly DevnetNode[]): Promise<ReadonlyMap<ServiceNodeKey, MetricsPage>> {
  return new Map(await Promise.all(nodes.map(async (node) => [node.key, await readMetrics(node)] as const)))
}

function grownBetween(
  start: ReadonlyMap<ServiceNodeKey, MetricsPage>,
  end: ReadonlyMap<ServiceNodeKey, MetricsPage>,
  key: ServiceNodeKey,
  labels: Readonly<Record<string, string>>,
): number {
  const at = (pages: ReadonlyMap<ServiceNodeKey, MetricsPage>) =>
    pages.get(key)?.sum('starling_onion_relay_requests_total', labels) ?? Number.NaN
  return at(end) - at(start)
}

function logOf({ logPath }: DevnetNode): string {
  return readFileSync(logPath, 'utf8')
}

function nodeAt(ip: string): DevnetNode {
  const node = devnet.nodes.find((one) => one.ip === ip)
  if (node === undefined) throw new Error(`No node is at ${ip}`)
  return node
}

function onionUrl(guard: ServiceNodeKey): string {
  const node = devnet.nodes.find(({ key }) => key === guard)
  return `https://${node?.ip}:${node?.httpsPort}/onion_req/v2`
}

function pathNode({ key, x25519 }: DevnetNode): OnionPathNode {
  const parsed = parseX25519PublicKey(x25519)
  if (parsed === undefined) throw new Error('A node has no X25519 key')
  return { ed25519: key, x25519: parsed }
}
