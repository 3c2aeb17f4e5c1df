// Service nodes of a test: real HTTPS servers on 127.0.<n>.1 that open real layers. The guard opens the layers of the
// later hops too, with their keys, instead of handing them on: what a client sees is the same.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { toHex } from '../../../src/base/bytes.ts'
import type { ReachableNode } from '../../../src/client/reachable-node.ts'
import {
  type Ed25519KeyPair,
  generateEd25519KeyPair,
  toX25519KeyPair,
  type X25519KeyPair,
} from '../../../src/crypto/keys.ts'
import type { Envelope } from '../../../src/protocol/client-api/envelope.ts'
import { decodeEnvelope } from '../../../src/protocol/client-api/envelope.ts'
import type { JsonValue } from '../../../src/protocol/json.ts'
import type { LayerKey } from '../../../src/protocol/onion/encryption.ts'
import { openLayer, type SealedLayer } from '../../../src/protocol/onion/layer.ts'
import { decodeLayerContent, type ServerAddress } from '../../../src/protocol/onion/layer-content.ts'
import { decodeOuterFrame } from '../../../src/protocol/onion/outer-frame.ts'
import { sealOnionReply } from '../../../src/protocol/onion/response.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { TEST_CERTIFICATE } from './test-certificate.ts'

export interface Reply {
  readonly status: number
  readonly body: JsonValue
}

/** What the guard answers in clear. */
export interface PathError {
  readonly status: number
  readonly text: string
  /** Sent as the header Retry-After. */
  readonly retryAfter?: string
}

export interface TestNode extends Omit<ReachableNode, 'swarm'> {
  /** As the list has it. */
  swarm: bigint | undefined
  readonly ed25519: Ed25519KeyPair
  readonly x25519Pair: X25519KeyPair
  /** Answers as the destination. */
  answer: (request: Envelope) => Reply | Promise<Reply>
  /** As the last hop before an outside server. */
  askServer: (server: ServerAddress, layer: Uint8Array, key: LayerKey) => Promise<PathError | { bytes: Uint8Array }>
  /** As a later hop or destination: what the hop before says instead of passing a layer on. */
  refusal: PathError | undefined
  /** As a hop: it says this of the next one, whoever that is. */
  slander: { readonly status: number; readonly text: string } | undefined
  /** As the guard: what it says instead of opening a layer. */
  guardRefusal: PathError | undefined
  /** Requests that it answered as the destination. */
  readonly requests: Envelope[]
  /** Onion requests that came to it as the guard. */
  guarded: number
}

export interface TestNetwork extends AsyncDisposable {
  readonly nodes: readonly TestNode[]
  /** Base address of the first node. */
  readonly seedUrl: string
  /** Keys of the hops of each request that reached a destination, in order. */
  readonly routes: ServiceNodeKey[][]
  /** Answers `/json_rpc`. */
  seed: (body: Uint8Array) => { status: number; body: string | Uint8Array }
  /** Kept connections are closed before they are used again. */
  closeConnections(): void
  /** One for each node. */
  readonly servers: readonly Server[]
  /** Answers that get lost before the guard has them, the next ones first. */
  losses: number
  /** Connections that are open, as the nodes see it. */
  readonly connections: ReadonlySet<Socket>
}

/** `keysOf` gives the key pair of each node, from 0 on. */
export async function startTestNetwork(
  count: number,
  keysOf: (at: number) => Ed25519KeyPair = generateEd25519KeyPair,
): Promise<TestNetwork> {
  const servers: Server[] = []
  const connections = new Set<Socket>()
  const nodes: TestNode[] = []
  const network: TestNetwork = {
    nodes,
    servers,
    connections,
    losses: 0,
    seedUrl: '',
    routes: [],
    seed: () => ({ status: 200, body: seedReply(nodes) }),
    closeConnections() {
      for (const server of servers) server.closeAllConnections()
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
    },
  }
  for (let n = 1; n <= count; n++) {
    const server = createServer(TEST_CERTIFICATE)
    servers.push(server)
    server.listen(0, `127.0.${n}.1`)
    await once(server, 'listening')
    server.on('secureConnection', (socket: Socket) => {
      connections.add(socket)
      socket.once('close', () => connections.delete(socket))
    })
    const node = createNode(keysOf(n - 1), `127.0.${n}.1`, (server.address() as AddressInfo).port)
    nodes.push(node)
    server.on('request', (request, response) => void handle(network, node, request, response))
  }
  return Object.assign(network, { seedUrl: `https://127.0.1.1:${nodes[0]?.httpsPort}` })
}

function createNode(ed25519: Ed25519KeyPair, ip: string, httpsPort: number): TestNode {
  const x25519Pair = toX25519KeyPair(ed25519)
  return {
    key: serviceNodeKey(ed25519.publicKey),
    x25519: x25519Pair.publicKey,
    ip,
    httpsPort,
    ed25519,
    x25519Pair,
    swarm: undefined,
    answer: () => ({ status: 200, body: {} }),
    askServer: postToServer,
    refusal: undefined,
    slander: undefined,
    guardRefusal: undefined,
    requests: [],
    guarded: 0,
  }
}

/** The list in the form that seeds give. */
export function seedReply(nodes: readonly (Omit<ReachableNode, 'swarm'> & { swarm?: bigint | undefined })[]): string {
  const service_node_states = nodes.map((node) => ({
    public_ip: node.ip,
    storage_port: node.httpsPort,
    pubkey_ed25519: node.key,
    pubkey_x25519: toHex(node.x25519),
    requested_unlock_height: 0,
    ...(node.swarm !== undefined && { swarm: node.swarm.toString(16) }),
  }))
  return JSON.stringify({ jsonrpc: '2.0', id: '0', result: { height: 1, service_node_states, status: 'OK' } })
}

async function handle(network: TestNetwork, node: TestNode, request: IncomingMessage, response: ServerResponse) {
  if (request.method === 'GET') return void response.writeHead(404).end()
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  if (request.url === '/json_rpc') {
    const reply = network.seed(body)
    response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(reply.body)
    return
  }
  node.guarded++
  const passed = node.guardRefusal ?? (await pass(network, [node], decodeOuterFrame(body)))
  const reply = network.losses > 0 ? { status: 504, text: 'Request time out' } : passed
  if (network.losses > 0) network.losses--
  if ('text' in reply) {
    const { retryAfter } = reply
    const headers = { 'Content-Type': 'text/plain', ...(retryAfter !== undefined && { 'Retry-After': retryAfter }) }
    response.writeHead(reply.status, headers).end(reply.text)
  } else response.writeHead(200).end(reply.bytes)
}

async function pass(
  network: TestNetwork,
  hops: readonly TestNode[],
  layer: SealedLayer,
): Promise<PathError | { bytes: Uint8Array }> {
  const node = hops.at(-1)
  if (node === undefined) throw new Error('A request needs a guard')
  const { plaintext, key } = openLayer(layer, node.x25519Pair)
  const content = decodeLayerContent(plaintext)
  if (content.role === 'server') {
    network.routes.push(hops.map((hop) => hop.key))
    return node.askServer(content.server, plaintext, key)
  }
  if (content.role === 'final') {
    network.routes.push(hops.map((hop) => hop.key))
    const request = decodeEnvelope(content.payload)
    node.requests.push(request)
    return { bytes: sealOnionReply(key, await node.answer(request), content.reply) }
  }
  const next = network.nodes.find((each) => each.key === content.destination)
  if (node.slander !== undefined) return { ...node.slander, text: `${node.slander.text}: ${content.destination}` }
  if (next === undefined) return { status: 502, text: `Next node not found: ${content.destination}` }
  return next.refusal ?? pass(network, [...hops, next], content.layer)
}

/** The whole layer, and whatever the server says, unchanged. */
async function postToServer({ protocol, host, port, target }: ServerAddress, layer: Uint8Array) {
  const url = `${protocol}://${host}:${port}${target}`
  const response = await fetch(url, { method: 'POST', body: Uint8Array.from(layer) }).catch(() => undefined)
  if (response === undefined) return { status: 502, text: 'Outside server cannot be reached' }
  const bytes = Buffer.from(await response.arrayBuffer())
  return response.status === 200 ? { bytes } : { status: response.status, text: bytes.toString() }
}
