import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../base/clock.ts'
import { withDeadline } from '../base/deadline.ts'
import { listenError } from '../base/listen-error.ts'
import type { Logger } from '../base/logger.ts'
import type { Ed25519KeyPair } from '../crypto/keys.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { NodeRecord } from '../protocol/peer-api/node-record.ts'
import type { PeerRequester, PeerResponder } from '../protocol/peer-api/peer-request.ts'
import { type Member, type ServiceNodeContact, type ServiceNodeKey, serviceNodeKey } from '../protocol/service-node.ts'
import { createByteBudget } from './byte-budget.ts'
import { createConnectionGate, parseBootstrap } from './connection-gate.ts'
import { createDhtRules } from './dht.ts'
import { type Connector, Discovery } from './discovery.ts'
import { createHost, type Host, portOf } from './host.ts'
import { requireBoundedMemory } from './memory-bound.ts'
import type { NetworkMetrics } from './metrics.ts'
import type { NetworkOptions } from './options.ts'
import { createOwnRecord, type OwnRecordFacts } from './own-record.ts'
import { multiaddrOf, PeerDialer } from './peer-dialer.ts'
import { PeerDirectory } from './peer-directory.ts'
import { fromMultiaddr, fromPeerId, toPeerId, toPrivateKey } from './peer-identity.ts'
import { RecordExchange } from './record-exchange.ts'
import { createRecordFile, noRecordFile } from './record-file.ts'
import { RecordJudge } from './record-judge.ts'
import { createRecordLookup } from './record-lookup.ts'
import { RequestResponse } from './request-response.ts'

/** Who has a stake. */
export interface PeerNetworkMembership {
  isMember(key: ServiceNodeKey): boolean
  members(): readonly Member[]
  /** Returns how to stop listening. */
  onChange(listener: () => void): () => void
}

export interface PeerNetworkComponents {
  identity: Ed25519KeyPair
  network: NetworkId
  membership: PeerNetworkMembership
  /** What this node says of itself; undefined while it has nothing to say. Asked for at each signing. */
  ownRecord(): OwnRecordFacts | undefined
  clock: Clock
  log: Logger
  metrics: NetworkMetrics
}

export interface PeerNetworkStatus {
  readonly connections: number
  /** Members whose record is known, this node among them. */
  readonly records: number
  /** Members whose record is not known. */
  readonly missing: number
  /** Multiaddrs that others are told. */
  readonly listening: readonly string[]
}

export interface PeerNetwork extends PeerRequester, PeerResponder, AsyncDisposable {
  /** Opens the listener and begins to look for others. Handlers should be there by then. @throws {NetworkError} */
  start(): Promise<void>
  contact(key: ServiceNodeKey): ServiceNodeContact | undefined
  contacts(): readonly ServiceNodeContact[]
  /** The newest believable record of each member: also says what epoch each judged by. */
  records(): readonly { readonly key: ServiceNodeKey; readonly record: NodeRecord }[]
  /** Members that there is a connection to. */
  connected(): readonly ServiceNodeKey[]
  /** Takes other bootstrap addresses. @throws {NetworkError} BOOTSTRAP_INVALID */
  setBootstrap(addresses: readonly string[]): void
  /** To be called when what the own record says has changed. */
  republish(): void
  status(): PeerNetworkStatus
}

/**
 * Makes the network between service nodes out of its parts; nothing listens or dials before `start`.
 * @throws {NetworkError}
 */
export async function createPeerNetwork(
  components: PeerNetworkComponents,
  options: NetworkOptions,
): Promise<PeerNetwork> {
  requireBoundedMemory(options)
  parseBootstrap(options.bootstrapMultiaddrs)
  await using parts = new AsyncDisposableStack()

  const { identity, network, clock, metrics, ownRecord: facts } = components
  const log = components.log.part('network')
  const ownKey = serviceNodeKey(identity.publicKey)
  const privateKey = toPrivateKey(identity)
  const membership = parts.use(createMemberTable(components.membership))

  const judge = new RecordJudge({ network, memberOf: membership.memberOf, clock }, options)
  const file = options.dataFolder === undefined ? noRecordFile : createRecordFile({ log }, options.dataFolder)
  const directory = parts.use(new PeerDirectory({ membership, judge, file, log, metrics }))
  const gate = createConnectionGate({ membership, metrics, ownKey }, options)
  const dht = createDhtRules({ membership, open: (envelope) => judge.open(envelope) }, options)
  const host = await createHost({ privateKey, network, gate, dht, ownIp: () => facts()?.publicIp }, options)
  parts.defer(() => host.stop())

  const budget = createByteBudget(metrics.payloadBytes, options.payloadBudgetBytes)
  const dialer = new PeerDialer({ host, contacts: directory, clock, metrics }, options)
  const requests = new RequestResponse({ host, dialer, membership, network, budget, clock, log, metrics }, options)
  const connected = () => connectedPeers(host)
  const exchange = parts.use(new RecordExchange({ peers: requests, directory, ownKey, connected, log }, options))
  const lookup = createRecordLookup({ dht: host.services.dht, directory, log, metrics }, options)
  const peerPort = () => options.announcePort || portOf(host.getMultiaddrs())
  const lastMs = () => {
    const timestampMs = directory.contact(ownKey)?.timestampMs
    return timestampMs === undefined || judge.isAhead(timestampMs) ? undefined : timestampMs
  }
  const ownRecord = createOwnRecord({ privateKey, network, clock, facts, peerPort, lastMs })
  const connector: Connector = {
    connected,
    dialBootstrap: (address, signal) =>
      dialBootstrap(host, ownKey, address, withDeadline(options.dialTimeoutMs, signal)),
  }
  const discovery = parts.use(
    new Discovery({ ownKey, membership, directory, exchange, lookup, ownRecord, connector, clock, log }, options),
  )
  parts.use(watchConnections({ host, dialer, discovery, metrics }))
  parts.use(keepPeerStore({ host, directory, dialer, ownKey, log }))
  parts.use(enforceMembership({ host, membership, directory, dialer, requests, discovery, log }))

  const started = parts.move()
  return {
    async start() {
      await directory.load()
      await requests.listen()
      await listen(host, options)
      log.info({ listening: host.getMultiaddrs().map(String) }, 'Listening for other service nodes')
      discovery.start()
    },
    request: (peer, protocol, payload, request) => requests.request(peer, protocol, payload, request),
    handle: (protocol, handler) => requests.handle(protocol, handler),
    contact: (key) => directory.contact(key),
    contacts: () => directory.contacts(),
    records: () => directory.all(),
    connected,
    setBootstrap(addresses) {
      gate.trust(addresses)
      discovery.setBootstrap(addresses)
    },
    republish: () => discovery.republish(),
    status: () => ({
      connections: host.getConnections().length,
      records: directory.all().length,
      missing: directory.missing().length,
      listening: host.getMultiaddrs().map(String),
    }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** The member list with a table by key. */
function createMemberTable(source: PeerNetworkMembership) {
  let byKey = new Map(source.members().map((member) => [member.key, member]))
  const listeners = new Set<(removed: readonly ServiceNodeKey[]) => void>()
  const stop = source.onChange(() => {
    const before = byKey
    byKey = new Map(source.members().map((member) => [member.key, member]))
    const removed = [...before.keys()].filter((key) => !byKey.has(key))
    for (const listener of listeners) listener(removed)
  })
  return {
    isMember: (key: ServiceNodeKey) => source.isMember(key),
    members: () => source.members(),
    memberOf: (key: ServiceNodeKey): Member | undefined => byKey.get(key),
    /** The listener is told who is no member any more. */
    onChange(listener: (removed: readonly ServiceNodeKey[]) => void): void {
      listeners.add(listener)
    },
    [Symbol.dispose]: stop,
  }
}

/** An ex-member's connections end at once, and nothing of it is kept. */
function enforceMembership(parts: {
  host: Host
  membership: ReturnType<typeof createMemberTable>
  directory: PeerDirectory
  dialer: PeerDialer
  requests: RequestResponse
  discovery: Discovery
  log: Logger
}): Disposable {
  const { host, membership, directory, dialer, requests, discovery, log } = parts
  let stopped = false
  membership.onChange((removed) => {
    if (stopped) return
    for (const key of removed) {
      requests.drop(key)
      dialer.forget(key)
      host.peerStore.delete(toPeerId(key)).catch((error: unknown) => log.debug({ error }, 'A peer was not forgotten'))
    }
    for (const connection of host.getConnections()) {
      const key = fromPeerId(connection.remotePeer)
      if (key === undefined || !membership.isMember(key)) connection.abort(new Error('Not a member any more'))
    }
    directory
      .membershipChanged()
      .then(() => discovery.wake())
      .catch((error: unknown) => log.warn({ error }, 'Records from disk could not be judged'))
  })
  return {
    [Symbol.dispose]() {
      stopped = true
    },
  }
}

/** Tells libp2p and its DHT where records say that members are. */
function keepPeerStore(parts: {
  host: Host
  directory: PeerDirectory
  dialer: PeerDialer
  ownKey: ServiceNodeKey
  log: Logger
}): Disposable {
  const { host, directory, dialer, ownKey, log } = parts
  const stop = directory.onRecord(({ stored: { key, record }, before }) => {
    const contact = directory.contact(key)
    if (key === ownKey || contact === undefined) return
    dialer.forget(key)
    const hasMoved = before?.record.ip !== record.ip || before.record.peerPort !== record.peerPort
    if (before !== undefined && hasMoved) dialer.moved(contact)
    // `patch` replaces addresses of an older record.
    host.peerStore.patch(toPeerId(key), { multiaddrs: [multiaddrOf(contact)] }).catch((error: unknown) => {
      log.debug({ error }, 'An address was not stored')
    })
  })
  return { [Symbol.dispose]: stop }
}

/**
 * Both may dial at once, and one that came back may have left a connection that does not know it is dead. More than that only
 * someone makes who wants the room of others.
 */
const CONNECTIONS_PER_PEER_MAX = 3

/** Counts connections, keeps few of each peer, and asks those that we dial for records. */
function watchConnections(parts: {
  host: Host
  dialer: PeerDialer
  discovery: Discovery
  metrics: NetworkMetrics
}): Disposable {
  const { host, dialer, discovery, metrics } = parts
  const count = () => {
    const inbound = host.getConnections().filter(({ direction }) => direction === 'inbound').length
    metrics.connections.set(inbound, { direction: 'inbound' })
    metrics.connections.set(host.getConnections().length - inbound, { direction: 'outbound' })
  }
  const opened = ({ detail: { remotePeer, direction } }: CustomEvent<Connection>) => {
    count()
    const key = fromPeerId(remotePeer)
    if (key === undefined) return
    dialer.forget(key)
    for (const older of host.getConnections(remotePeer).slice(0, -CONNECTIONS_PER_PEER_MAX)) {
      older.abort(new Error('The peer has newer connections'))
    }
    if (direction === 'outbound') discovery.greet(key)
  }
  const closed = () => {
    count()
    if (connectedPeers(host).length === 0) discovery.lostAll()
  }
  host.addEventListener('connection:open', opened)
  host.addEventListener('connection:close', closed)
  return {
    [Symbol.dispose]() {
      host.removeEventListener('connection:open', opened)
      host.removeEventListener('connection:close', closed)
    },
  }
}

function connectedPeers(host: Host): readonly ServiceNodeKey[] {
  const keys = host
    .getConnections()
    .filter(({ status }) => status === 'open')
    .map(({ remotePeer }) => fromPeerId(remotePeer))
  return [...new Set(keys.filter((key) => key !== undefined))]
}

/** Undefined when the address is our own. */
async function dialBootstrap(
  host: Host,
  ownKey: ServiceNodeKey,
  text: string,
  signal: AbortSignal,
): Promise<ServiceNodeKey | undefined> {
  const address = multiaddr(text)
  if (fromMultiaddr(address) === ownKey) return undefined
  const connection = await host.dial(address, { signal })
  return fromPeerId(connection.remotePeer)
}

/** @throws {ListenError} LISTEN_FAILED */
async function listen(host: Host, { listenAddress, listenPort }: NetworkOptions): Promise<void> {
  try {
    await host.start()
  } catch (cause) {
    throw listenError(cause, { address: listenAddress, port: listenPort, group: 'network' })
  }
}
