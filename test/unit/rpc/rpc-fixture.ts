// A small network in one process: every node has a real message store, membership, replication and RPC handler. Only the
// wire between them is a function call.
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { type Ed25519KeyPair, ed25519KeyPairFromSeed, toX25519PublicKey } from '../../../src/crypto/keys.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { type AccountId, parseAccountId } from '../../../src/protocol/account.ts'
import type { ClientAnswer } from '../../../src/protocol/client-api/envelope.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import type { Member, ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { serviceNodeKey } from '../../../src/protocol/service-node.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import { defaultRpcOptions, type RpcOptions } from '../../../src/rpc/options.ts'
import { createRpcHandler, type RpcComponents, type RpcHandler } from '../../../src/rpc/rpc-handler.ts'
import type { StorageOptions } from '../../../src/storage/options.ts'
import { createSwarmMembership, type SwarmMembership } from '../../../src/swarm/membership.ts'
import { createSwarmMetrics } from '../../../src/swarm/metrics.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { createReplication } from '../../../src/swarm/replication.ts'
import { openTestStore, START_MS, type TestStore } from '../storage/store-fixture.ts'
import { aMember, anEpoch, NETWORK } from '../swarm/member-lists.ts'

export { START_MS }

export interface TestAccount {
  /** Session id: prefix 05 and the X25519 image. */
  readonly id: AccountId
  /** Group id: prefix 03 and the Ed25519 key itself. */
  readonly groupId: AccountId
  readonly pair: Ed25519KeyPair
  readonly ed25519: string
  /** Base64 signature of a text. */
  sign(text: string | Uint8Array): string
}

export function anAccount(seed = 1): TestAccount {
  const pair = ed25519KeyPairFromSeed(Buffer.alloc(32, seed))
  return {
    id: accountId(`05${toHex(toX25519PublicKey(pair.publicKey))}`),
    groupId: accountId(`03${toHex(pair.publicKey)}`),
    pair,
    ed25519: toHex(pair.publicKey),
    sign: (text) => toBase64(sign(Buffer.from(text), pair.secretKey)),
  }
}

function accountId(text: string): AccountId {
  const account = parseAccountId(text)
  if (account === undefined) throw new Error('Not an account id')
  return account
}

export interface TestNode extends RpcHandler {
  readonly key: ServiceNodeKey
  readonly pair: Ed25519KeyPair
  readonly store: TestStore
  readonly membership: SwarmMembership
  exposeMetrics(): Promise<string>
  /** Calls a method over HTTPS's entry. */
  call(method: string, params: object): Promise<ClientAnswer & { json: JsonObject }>
}

export interface TestNetwork extends AsyncDisposable {
  readonly nodes: readonly TestNode[]
  readonly members: readonly Member[]
  readonly first: TestNode
  /** What becomes of requests to a node instead of reaching it. */
  readonly faults: Map<ServiceNodeKey, 'timeout' | 'unreachable' | Uint8Array>
  /** Nodes of which nobody knows where they are. */
  readonly unlisted: Set<ServiceNodeKey>
  /** Why nodes are not ready. */
  readonly reasons: string[]
}

/** What a node knows before the service node list is there. */
export const NO_SWARMS: RpcComponents['swarm'] = {
  swarmOf: () => undefined,
  serves: () => false,
  replicas: () => [],
  swarmOfMember: () => undefined,
  epoch: () => undefined,
  onChange: () => () => {},
}

export interface NetworkOptions {
  readonly storage?: Partial<StorageOptions>
  readonly rpc?: Partial<RpcOptions>
  /** Smallest swarm; as many as there are nodes when left out, so that there is one swarm. */
  readonly sizeMin?: number
  readonly components?: Partial<RpcComponents>
  readonly changeMember?: Partial<Member>
}

export async function createTestNetwork(size = 3, options: NetworkOptions = {}): Promise<TestNetwork> {
  await using stack = new AsyncDisposableStack()
  const pairs = Array.from({ length: size }, (_, at) => ed25519KeyPairFromSeed(Buffer.alloc(32, 100 + at)))
  const members = pairs.map((pair, at) => aMember(at, { key: serviceNodeKey(pair.publicKey), ...options.changeMember }))
  const network = {
    members,
    faults: new Map<ServiceNodeKey, 'timeout' | 'unreachable' | Uint8Array>(),
    unlisted: new Set<ServiceNodeKey>(),
    reasons: [] as string[],
    nodes: [] as TestNode[],
  }
  for (const pair of pairs) network.nodes.push(await createTestNode(network, pair, options, stack))
  const [first] = network.nodes
  if (first === undefined) throw new Error('A network has nodes')
  const started = stack.move()
  return { ...network, first, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

async function createTestNode(
  network: Omit<TestNetwork, 'first' | typeof Symbol.asyncDispose>,
  pair: Ed25519KeyPair,
  options: NetworkOptions,
  stack: AsyncDisposableStack,
): Promise<TestNode> {
  const key = serviceNodeKey(pair.publicKey)
  const store = stack.use(await openTestStore(options.storage))
  const registry = createMetricsRegistry()
  const swarmMetrics = createSwarmMetrics(registry)
  const membership = createSwarmMembership(
    { self: key, networkId: NETWORK, log: silentLogger, metrics: swarmMetrics },
    { ...defaultSwarmOptions, sizeMin: options.sizeMin ?? network.members.length },
  )
  membership.update(anEpoch(7, network.members))
  const peers = {
    request: async (peer: ServiceNodeKey, _protocol: 'forward', payload: Uint8Array) => {
      const fault = network.faults.get(peer)
      if (fault === 'timeout') throw new PeerRequestError('PEER_TIMEOUT', 'Too slow')
      if (fault === 'unreachable') throw new PeerRequestError('PEER_UNREACHABLE', 'Not there')
      if (fault !== undefined) return fault
      const node = network.nodes.find((each) => each.key === peer)
      if (node === undefined) throw new PeerRequestError('PEER_UNKNOWN', 'Nobody knows')
      return node.handleForwarded(key, payload, new AbortController().signal)
    },
  }
  const rpc = createRpcHandler(
    {
      log: silentLogger,
      clock: store.clock,
      metrics: createRpcMetrics(registry),
      identity: { key, sign: (bytes) => sign(bytes, pair.secretKey) },
      messages: store.store,
      revocations: {
        revoke: (account, tokens, origin) => store.store.revocations.revoke(account, tokens, origin),
        unrevoke: (account, tokens, origin) => store.store.revocations.unrevoke(account, tokens, origin),
        isRevoked: (account, token, before) => store.store.revocations.isRevoked(account, token, before),
        revoked: (account) => store.store.revocations.revoked(account),
      },
      swarm: membership,
      contacts: { contact: (each) => (network.unlisted.has(each) ? undefined : contactOf(network.members, each)) },
      replication: createReplication(
        // Every protocol is answered as `forward`: replication knows no other.
        {
          peers: { request: (peer, _, payload) => peers.request(peer, 'forward', payload) },
          membership,
          clock: store.clock,
          log: silentLogger,
          metrics: swarmMetrics,
        },
        defaultSwarmOptions,
      ),
      info: { version: [1, 2, 3] },
      signReward: async () => {
        throw new ProtocolError('FRAME_MALFORMED', 'Nobody signs here')
      },
      readiness: () => network.reasons,
      ...options.components,
    },
    { ...defaultRpcOptions, ...options.rpc },
  )
  return {
    ...rpc,
    key,
    pair,
    store,
    membership,
    exposeMetrics: () => registry.expose(),
    async call(method, params) {
      const answer = await rpc.handleJson(
        Buffer.from(JSON.stringify({ method, params })),
        new AbortController().signal,
        'https',
      )
      return { ...answer, json: JSON.parse(JSON.stringify(answer.body)) as JsonObject }
    },
  }
}

function contactOf(members: readonly Member[], key: ServiceNodeKey) {
  const at = members.findIndex((member) => member.key === key)
  return {
    key,
    ip: `10.0.${at}.1`,
    httpsPort: 22_021,
    peerPort: 22_020,
    version: [1, 2, 3],
    timestampMs: START_MS,
  } as const
}
