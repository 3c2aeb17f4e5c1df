// A network for tests of the protocol as clients meet it: every answer comes over real HTTPS. Four nodes in two swarms, whose
// clock stands still, so that the same requests have the same answers, signatures included.
import type { RequestOptions } from 'node:https'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/protocol/json.ts'
import { type HttpsReply, startTestServer, type TestServer } from './https-fixture.ts'
import { createTestNetwork, type NetworkOptions, type TestNetwork, type TestNode } from './rpc-fixture.ts'

/** Who is asked: a node that keeps the account's messages, or one that does not. */
export type Asked = 'member' | 'outsider'

export interface ProtocolNetwork extends AsyncDisposable {
  readonly network: TestNetwork
  readonly server: TestServer
  /** Sends a method's request to a node that the account's swarm has, or has not. Without an account, to the first node. */
  call(request: MethodRequest, asked?: Asked): Promise<ProtocolReply>
  /** Sends any body to the first node. */
  post(path: string, body: Uint8Array | string, options?: RequestOptions): Promise<ProtocolReply>
}

export interface MethodRequest {
  readonly method: string
  readonly params: object
}

export interface ProtocolReply {
  readonly status: number
  readonly contentType: string
  readonly headers: HttpsReply['headers']
  /** Parsed when the content type says JSON, else text; bytes as Latin-1. */
  readonly body: JsonValue
}

/** Enough that no request of a test is refused for its rate. */
const UNLIMITED = { rateBurst: 1_000_000, ratePerSecond: 1_000_000 }

export async function createProtocolNetwork(
  options: NetworkOptions = {},
  server: Parameters<typeof startTestServer>[0] = {},
): Promise<ProtocolNetwork> {
  await using stack = new AsyncDisposableStack()
  const network = stack.use(await createTestNetwork(4, { sizeMin: 2, ...options }))
  let asked = network.first
  const rpc = {
    handleJson: (...call: Parameters<TestNode['handleJson']>) => asked.handleJson(...call),
    handleJsonRpc: (...call: Parameters<TestNode['handleJsonRpc']>) => asked.handleJsonRpc(...call),
  }
  const https = stack.use(await startTestServer({ ...UNLIMITED, ...server }, { rpc }))
  const post: ProtocolNetwork['post'] = async (path, body, changes) =>
    protocolReply(await https.post(path, body, changes))
  const started = stack.move()
  return {
    network,
    server: https,
    async call(request, who = 'member') {
      asked = await nodeFor(network, request, who)
      return post('/storage_rpc/v1', JSON.stringify(request))
    },
    post: (path, body, changes) => {
      asked = network.first
      return post(path, body, changes)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export function protocolReply({ status, headers, body }: HttpsReply): ProtocolReply {
  const contentType = String(headers['content-type'] ?? '')
  const isJson = contentType === 'application/json'
  return { status, headers, contentType, body: isJson ? (JSON.parse(body) as JsonValue) : body }
}

async function nodeFor(network: TestNetwork, { params }: MethodRequest, who: Asked): Promise<TestNode> {
  const pubkey = accountOf(params)
  const { json } = await network.first.call('get_swarm', { pubkey })
  const members = membersOf(json)
  const found = network.nodes.find(({ key }) => members.includes(key) === (who === 'member'))
  return members.length === 0 || found === undefined ? network.first : found
}

/** The account of a request, or of the first in a batch. */
function accountOf(params: object): unknown {
  const { p, pubkey = p, requests } = params as { p?: unknown; pubkey?: unknown; requests?: readonly MethodRequest[] }
  const first = Array.isArray(requests) ? (requests[0]?.params as { pubkey?: unknown } | undefined) : undefined
  return pubkey ?? first?.pubkey
}

function membersOf({ snodes }: JsonObject): readonly JsonValue[] {
  if (!Array.isArray(snodes)) return []
  return snodes.flatMap((node) =>
    isJsonObject(node) && node['pubkey_ed25519'] !== undefined ? [node['pubkey_ed25519']] : [],
  )
}
