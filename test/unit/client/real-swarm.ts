// A network whose nodes answer as service nodes do: the method table, stores on disk and replication are the real ones, and the
// client comes over real HTTPS through real layers. Only what nodes say to each other is a function call.
import type { Clock } from '../../../src/base/clock.ts'
import { createClient, type StarlingClient } from '../../../src/client/client.ts'
import type { ClientOptions } from '../../../src/client/options.ts'
import { ed25519KeyPairFromSeed } from '../../../src/crypto/keys.ts'
import { encodeEnvelope } from '../../../src/protocol/client-api/envelope.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createTestNetwork, type TestNetwork as RpcNetwork, START_MS } from '../rpc/rpc-fixture.ts'
import { startTestNetwork, type TestNetwork } from './test-network.ts'

export { START_MS }

export interface RealSwarm extends AsyncDisposable {
  readonly network: TestNetwork
  readonly rpc: RpcNetwork
  clientOf(options?: Partial<ClientOptions>): StarlingClient
  /** How often a method reached the nodes. */
  asked(method: string): number
}

/** Nodes' clocks stand still, so the client's does too. */
const clock: Clock = { nowMs: () => START_MS, monotonicMs: () => performance.now() }

export async function startRealSwarm(count: number, sizeMin: number): Promise<RealSwarm> {
  await using stack = new AsyncDisposableStack()
  // As the nodes of the RPC fixture have them.
  const network = stack.use(await startTestNetwork(count, (at) => ed25519KeyPairFromSeed(Buffer.alloc(32, 100 + at))))
  const contactOf = (key: ServiceNodeKey) => {
    const node = network.nodes.find((each) => each.key === key)
    if (node === undefined) return undefined
    const { ip, httpsPort } = node
    return { key, ip, httpsPort, peerPort: 22_020, version: [1, 2, 3], timestampMs: START_MS } as const
  }
  const rpc = stack.use(await createTestNetwork(count, { sizeMin, components: { contacts: { contact: contactOf } } }))
  for (const [at, node] of network.nodes.entries()) {
    const real = rpc.nodes[at]
    if (real === undefined) throw new Error('Both networks have the same nodes')
    node.answer = (request) => real.handleOnionRpc(encodeEnvelope(request))
  }
  const list = await rpc.first.call('oxend_request', { endpoint: 'get_service_nodes', params: {} })
  const body = JSON.stringify({ result: list.json['result'] })
  network.seed = () => ({ status: list.status, body })
  const seeds = [{ url: network.seedUrl, certificate: 'any' as const }]
  const started = stack.move()
  return {
    network,
    rpc,
    clientOf: (options = {}) => started.use(createClient({ seeds, clock, seedBackoffMs: 1, ...options })),
    asked: (method) => network.nodes.flatMap((node) => node.requests).filter((each) => each.method === method).length,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
