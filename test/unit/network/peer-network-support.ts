// Real nodes on loopback for the tests of src/network.
import { EventEmitter } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { type Ed25519KeyPair, generateEd25519KeyPair } from '../../../src/crypto/keys.ts'
import { createNetworkMetrics } from '../../../src/network/metrics.ts'
import { defaultNetworkOptions, type NetworkOptions } from '../../../src/network/options.ts'
import { toPrivateKey } from '../../../src/network/peer-identity.ts'
import { createPeerNetwork, type PeerNetwork } from '../../../src/network/peer-network.ts'
import { networkIdOf } from '../../../src/protocol/network-id.ts'
import { type Member, type ServiceNodeKey, serviceNodeKey } from '../../../src/protocol/service-node.ts'

export const testNetworkId = networkIdOf(31337, `0x${'11'.repeat(20)}`)

export const testEpoch = { index: 7, blockHash: `0x${'ab'.repeat(32)}`, root: 'cd'.repeat(32) }

/** Nodes in one process: no address is public, and all dial from the same one. */
export const loopbackOptions: NetworkOptions = {
  ...defaultNetworkOptions,
  listenAddress: '127.0.0.1',
  listenPort: 0,
  allowPrivateAddresses: true,
  inboundConnectionsPerSecondMax: 1000,
  joinRetryMinMs: 50,
  joinRetryMaxMs: 500,
  gapIntervalMs: 100,
  gossipDelayMs: 10,
  dialBackoffMinMs: 10,
  dialBackoffMaxMs: 20,
}

export function memberOf(identity: Ed25519KeyPair, id: bigint): Member {
  return {
    id,
    key: serviceNodeKey(identity.publicKey),
    bls: id.toString(16).padStart(128, '0'),
    operator: `0x${'22'.repeat(20)}`,
    addedTimestampS: 1n,
    leaveRequestTimestampS: 0n,
    depositAtomic: 1n,
  }
}

/** A member list that tests change. */
export class TestMembership {
  #members: readonly Member[]
  readonly #changed = new EventEmitter()

  constructor(members: readonly Member[]) {
    this.#members = members
  }

  isMember(key: ServiceNodeKey): boolean {
    return this.#members.some((member) => member.key === key)
  }

  members(): readonly Member[] {
    return this.#members
  }

  onChange(listener: () => void): () => void {
    this.#changed.on('change', listener)
    return () => this.#changed.off('change', listener)
  }

  set(members: readonly Member[]): void {
    this.#members = members
    this.#changed.emit('change')
  }
}

export interface TestNode extends AsyncDisposable {
  identity: Ed25519KeyPair
  key: ServiceNodeKey
  member: Member
  membership: TestMembership
  network: PeerNetwork
  /** The multiaddr that others use as bootstrap address. */
  address(): string
  exposeMetrics(): Promise<string>
}

let lastId = 0n

export function anIdentity(): { identity: Ed25519KeyPair; member: Member } {
  const identity = generateEd25519KeyPair()
  return { identity, member: memberOf(identity, ++lastId) }
}

/** Not started. */
export async function createTestNode(
  { identity, member }: { identity: Ed25519KeyPair; member: Member },
  members: readonly Member[],
  options: Partial<NetworkOptions> = {},
): Promise<TestNode> {
  const registry = createMetricsRegistry()
  const membership = new TestMembership(members)
  const network = await createPeerNetwork(
    {
      identity,
      network: testNetworkId,
      membership,
      ownRecord: () => ({
        contractId: member.id,
        bls: member.bls,
        publicIp: '127.0.0.1',
        httpsPort: 22_021,
        version: [1, 2, 3],
        epoch: testEpoch,
      }),
      clock: systemClock,
      log: silentLogger,
      metrics: createNetworkMetrics(registry),
    },
    { ...loopbackOptions, ...options },
  )
  return {
    identity,
    key: member.key,
    member,
    membership,
    network,
    address: () => network.status().listening[0] ?? '',
    exposeMetrics: () => registry.expose(),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

/** libp2p and nothing else: speaks as its test makes it. */
export function aBareHost(identity: Ed25519KeyPair, listen: string[] = []) {
  return createLibp2p({
    addresses: { listen },
    privateKey: toPrivateKey(identity),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
}

/** Started nodes that all are members and have the first one as bootstrap node. */
export async function startNodes(
  count: number,
  options: Partial<NetworkOptions> = {},
): Promise<{ nodes: readonly TestNode[] } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const people = Array.from({ length: count }, anIdentity)
  const members = people.map(({ member }) => member)
  const nodes: TestNode[] = []
  for (const person of people) {
    const bootstrapMultiaddrs = nodes.slice(0, 1).map((first) => first.address())
    const node = stack.use(await createTestNode(person, members, { bootstrapMultiaddrs, ...options }))
    await node.network.start()
    nodes.push(node)
  }
  const started = stack.move()
  return { nodes, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Settles when the condition holds; the test's own timeout bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
