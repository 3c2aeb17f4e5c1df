import { freePort } from '../../devnet/free-port.ts'
import type { Devnet } from '../../devnet/network.ts'
import { listFrom } from '../../devnet/node-request.ts'
import type { Operator } from '../../devnet/stakes.ts'
import { membersOnChain, networkOf } from '../../devnet/swarms.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { createMetricsRegistry } from '../../src/base/metrics.ts'
import { toX25519KeyPair, type X25519KeyPair } from '../../src/crypto/keys.ts'
import { createNetworkMetrics } from '../../src/network/metrics.ts'
import { defaultNetworkOptions } from '../../src/network/options.ts'
import { createPeerNetwork } from '../../src/network/peer-network.ts'
import { createOnionRelayMetrics } from '../../src/onion-relay/metrics.ts'
import { defaultOnionRelayOptions, defaultReplayGuardOptions } from '../../src/onion-relay/options.ts'
import { createOnionRelay } from '../../src/onion-relay/relay.ts'
import { openReplayGuard } from '../../src/onion-relay/replay-guard.ts'
import type { OnionPathNode } from '../../src/protocol/onion/request.ts'
import { type Member, type ServiceNodeKey, serviceNodeKey } from '../../src/protocol/service-node.ts'
import { eventually } from './eventually.ts'

/** Everything that another node handed to it, and whose libp2p identity handed it over. */
export interface Heard {
  readonly from: ServiceNodeKey
  readonly payload: Uint8Array
}

export interface Eavesdropper extends AsyncDisposable {
  readonly node: OnionPathNode
  /** Opens the layers that are for it. */
  readonly x25519: X25519KeyPair
  readonly heard: Heard[]
  /** Requests whose end it was: what was in the last layer. */
  readonly payloads: Uint8Array[]
}

/**
 * A registered member of the network that relays as every node does and writes down all it is told. It stands in the
 * test's own process, so the test sees exactly what a curious operator can. Its stake must be on the chain.
 */
export async function startEavesdropper(
  devnet: Devnet & { readonly folder: string },
  { keys: { ed25519, bls } }: Operator,
  ip: string,
): Promise<Eavesdropper> {
  await using parts = new AsyncDisposableStack()
  const key = serviceNodeKey(ed25519.publicKey)
  const members = await membersOnChain(devnet.chain)
  const own = members.find((member) => member.key === key)
  if (own === undefined) throw new Error('The eavesdropper has no stake')
  const membership = fixedMembership(members)
  const heard: Heard[] = []
  const payloads: Uint8Array[] = []

  const registry = createMetricsRegistry()
  const common = { log: silentLogger, clock: systemClock }
  const httpsPort = await freePort(ip)
  const peers = parts.use(
    await createPeerNetwork(
      {
        ...common,
        identity: ed25519,
        network: networkOf(devnet.chain),
        membership,
        ownRecord: () => ({
          contractId: own.id,
          bls: Buffer.from(bls.publicKey).toString('hex'),
          publicIp: ip,
          httpsPort,
          version: [0, 1, 0],
          epoch: { index: 1, blockHash: `0x${'ee'.repeat(32)}`, root: 'ee'.repeat(32) },
        }),
        metrics: createNetworkMetrics(registry),
      },
      {
        ...defaultNetworkOptions,
        listenAddress: ip,
        listenPort: 0,
        allowPrivateAddresses: true,
        bootstrapMultiaddrs: devnet.nodes.map(({ multiaddr }) => multiaddr),
      },
    ),
  )
  const metrics = createOnionRelayMetrics(registry)
  const folder = `${devnet.folder}/eavesdropper`
  const replays = parts.use(await openReplayGuard({ ...common, metrics }, { ...defaultReplayGuardOptions, folder }))
  const x25519 = toX25519KeyPair(ed25519)
  const relay = createOnionRelay(
    {
      ...common,
      metrics,
      identity: { key, x25519 },
      peers,
      membership,
      ownAddresses: [ip],
      replays,
      readiness: () => [],
      rpc: {
        async handleOnionRpc(payload) {
          payloads.push(payload)
          return { status: 421, body: 'Ask somebody else' }
        },
      },
    },
    defaultOnionRelayOptions,
  )
  peers.handle('onion', (from, payload, signal) => {
    heard.push({ from, payload: payload.slice() })
    return relay.handleHop(from, payload, signal)
  })
  await peers.start()
  for (const node of devnet.nodes) {
    await eventually(`node ${node.index} knows where the eavesdropper is`, async () => {
      const list = await listFrom(node)
      return list.find((listed) => listed.key === key && listed.ip === ip)
    })
  }
  await eventually('the eavesdropper knows where all others are', () =>
    devnet.nodes.every((node) => peers.contact(node.key) !== undefined) ? true : undefined,
  )
  const started = parts.move()
  const node = { ed25519: key, x25519: x25519.publicKey }
  return { node, x25519, heard, payloads, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

function fixedMembership(members: readonly Member[]) {
  const keys = new Set(members.map((member) => member.key))
  return {
    isMember: (key: ServiceNodeKey) => keys.has(key),
    members: () => members,
    onChange: () => () => {},
  }
}
