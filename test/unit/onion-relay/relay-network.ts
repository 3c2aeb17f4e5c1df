// Onion relays of several nodes in one process: requests between them go from memory to memory, everything else is real.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry, type MetricsRegistry } from '../../../src/base/metrics.ts'
import { ed25519KeyPairFromSeed, toX25519KeyPair, type X25519KeyPair } from '../../../src/crypto/keys.ts'
import type { OnionRpc } from '../../../src/onion-relay/destination.ts'
import { createOnionRelayMetrics } from '../../../src/onion-relay/metrics.ts'
import {
  defaultOnionRelayOptions,
  defaultReplayGuardOptions,
  type OnionRelayOptions,
} from '../../../src/onion-relay/options.ts'
import { createOnionRelay, type OnionRelay } from '../../../src/onion-relay/relay.ts'
import { openReplayGuard } from '../../../src/onion-relay/replay-guard.ts'
import type { OnionPathNode } from '../../../src/protocol/onion/request.ts'
import type { PeerRequester } from '../../../src/protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'

/** One request from node to node, as it was sent and answered. */
export interface SentRequest {
  readonly from: ServiceNodeKey
  readonly to: ServiceNodeKey
  readonly payload: Uint8Array
  readonly timeoutMs: number
  answer: Uint8Array | undefined
}

export interface RelayNode {
  readonly key: ServiceNodeKey
  readonly x25519: X25519KeyPair
  readonly pathNode: OnionPathNode
  readonly relay: OnionRelay
  readonly registry: MetricsRegistry
  /** What its RPC was asked, as text. */
  readonly asked: string[]
}

export interface RelayNetwork extends AsyncDisposable {
  readonly sent: readonly SentRequest[]
  node(index: number): RelayNode
  /** Takes a node off the network, though it stays a member. */
  readonly unreachable: Set<ServiceNodeKey>
  readonly notReady: Set<ServiceNodeKey>
}

export interface RelayNetworkOptions {
  readonly seeds?: readonly Uint8Array[]
  readonly rpc?: OnionRpc
  readonly relay?: Partial<OnionRelayOptions>
  /** Stands between the nodes; undefined lets the request through. */
  readonly intercept?: (request: SentRequest) => Promise<Uint8Array> | undefined
}

const defaultSeeds = [1, 2, 3, 4].map((byte) => Buffer.alloc(32, byte))
const echo: OnionRpc = { handleOnionRpc: async (payload) => ({ status: 200, body: { size: payload.length } }) }

export async function createRelayNetwork(options: RelayNetworkOptions = {}): Promise<RelayNetwork> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'starling-relays-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))

  const sent: SentRequest[] = []
  const unreachable = new Set<ServiceNodeKey>()
  const notReady = new Set<ServiceNodeKey>()
  const nodes = new Map<ServiceNodeKey, RelayNode>()
  const membership = { isMember: (key: ServiceNodeKey) => nodes.has(key) }

  const requesterOf = (from: ServiceNodeKey): PeerRequester => ({
    async request(to, protocol, payload, { timeoutMs, signal }) {
      if (protocol !== 'onion') throw new Error(`unexpected protocol ${protocol}`)
      const request: SentRequest = { from, to, payload, timeoutMs, answer: undefined }
      sent.push(request)
      if (unreachable.has(to)) throw new PeerRequestError('PEER_UNREACHABLE', 'off the network')
      const node = nodes.get(to) as RelayNode
      const answer = options.intercept?.(request) ?? node.relay.handleHop(from, payload, signal ?? neverAborted())
      request.answer = await answer
      return request.answer
    },
  })

  for (const [index, seed] of (options.seeds ?? defaultSeeds).entries()) {
    const pair = ed25519KeyPairFromSeed(seed)
    const key = serviceNodeKey(pair.publicKey)
    const x25519 = toX25519KeyPair(pair)
    const registry = createMetricsRegistry()
    const metrics = createOnionRelayMetrics(registry)
    const guard = await openReplayGuard(
      { log: silentLogger, clock: systemClock, metrics },
      { ...defaultReplayGuardOptions, folder: join(folder, String(index)) },
    )
    stack.use(guard)
    const asked: string[] = []
    const relay = createOnionRelay(
      {
        clock: systemClock,
        metrics,
        identity: { key, x25519 },
        peers: requesterOf(key),
        membership,
        ownAddresses: [],
        replays: guard,
        readiness: () => (notReady.has(key) ? ['the test says so'] : []),
        rpc: {
          handleOnionRpc(payload, signal) {
            asked.push(Buffer.from(payload).toString('utf8'))
            return (options.rpc ?? echo).handleOnionRpc(payload, signal)
          },
        },
      },
      { ...defaultOnionRelayOptions, ...options.relay },
    )
    nodes.set(key, { key, x25519, relay, registry, asked, pathNode: { ed25519: key, x25519: x25519.publicKey } })
  }

  const parts = stack.move()
  return {
    sent,
    unreachable,
    notReady,
    node: (index) => [...nodes.values()][index] as RelayNode,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

export function neverAborted(): AbortSignal {
  return new AbortController().signal
}
