import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type Identify, identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import { type KadDHT, kadDHT } from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { CODE_TCP, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { MINUTE } from '../base/clock.ts'
import { type NetworkId, peerProtocolId } from '../protocol/network-id.ts'
import { addressOf } from './address-rules.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import type { DhtRules } from './dht.ts'
import { gatheringWrites } from './gathered-writes.ts'
import { noiseCrypto } from './noise-crypto.ts'
import type { NetworkOptions } from './options.ts'
import { PEER_PROTOCOLS } from './peer-protocols.ts'

export type HostServices = { identify: Identify; ping: Ping; dht: KadDHT }
export type Host = Libp2p<HostServices>

export interface HostComponents {
  privateKey: PrivateKey
  network: NetworkId
  gate: ConnectionGater
  dht: DhtRules
  /** Where others are told to find us; undefined while we do not know. */
  ownIp(): string | undefined
}

/** Records, peer addresses and tags of some thousand service nodes; libp2p and the DHT take no more. */
const DATASTORE_ENTRIES_MAX = 20_000
/** Peers asked at once by a DHT query, and one path: half the traffic of the defaults for the same answers. */
const DHT_ALPHA = 3
/** Neighbours change only with the member list. */
const DHT_SELF_QUERY_MS = 30 * MINUTE
/** Streams that one peer may open for a service: requests to it are short. */
const SERVICE_STREAMS_MAX = 8

/** libp2p with only what we use, and with its limits written down. Not started. */
export function createHost(components: HostComponents, options: NetworkOptions): Promise<Host> {
  const prefix = peerProtocolId(components.network, 'libp2p').slice(1)
  return createLibp2p<HostServices>({
    start: false,
    privateKey: components.privateKey,
    // Nobody needs to know what we run on before they are told our version by the record.
    nodeInfo: { name: 'starling', version: '1', userAgent: 'starling' },
    addresses: {
      listen: [listenMultiaddr(options)],
      announceFilter: (addresses) => announced(addresses, components.ownIp(), options),
    },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: options.connectionIdleMs,
        outboundSocketInactivityTimeout: options.connectionIdleMs,
        maxConnections: options.connectionsMax + options.inboundPendingMax,
        // Frames are coalesced already; Nagle's algorithm would only add delay.
        dialOpts: { noDelay: true, keepAlive: true },
        listenOpts: { noDelay: true, keepAlive: true },
      }),
    ],
    connectionEncrypters: [gatheringWrites(noise({ crypto: noiseCrypto }))],
    streamMuxers: [
      yamux({
        // Pings cost more than idle connections are worth; the socket's own keep-alive finds dead peers.
        enableKeepAlive: false,
        maxInboundStreams: MUXER_STREAMS_MAX,
        maxOutboundStreams: MUXER_STREAMS_MAX,
        // We never pause reading, so a larger window costs memory only while a peer is faster than this process.
        streamOptions: { maxReadBufferLength: 1024 * 1024, maxStreamWindowSize: 1024 * 1024 },
      }),
    ],
    connectionGater: components.gate,
    connectionManager: {
      maxConnections: options.connectionsMax,
      maxParallelDials: options.dialsMax,
      maxDialQueueLength: options.dialsMax * 10,
      maxPeerAddrsToDial: 4,
      dialTimeout: options.dialTimeoutMs,
      inboundUpgradeTimeout: options.dialTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: options.dialTimeoutMs,
      inboundStreamProtocolNegotiationTimeout: options.dialTimeoutMs,
      inboundConnectionThreshold: options.inboundConnectionsPerSecondMax,
      maxIncomingPendingConnections: options.inboundPendingMax,
      // Whoever needs a peer dials it again; libp2p need not.
      reconnectRetries: 0,
    },
    // It costs 9 % of a core at 600 connections; requests have deadlines that show dead peers.
    connectionMonitor: { enabled: false },
    datastore: new BoundedDatastore(DATASTORE_ENTRIES_MAX),
    services: {
      identify: identify({ protocolPrefix: prefix, maxObservedAddresses: 1, maxMessageSize: 4096 }),
      ping: ping({ protocolPrefix: prefix, maxInboundStreams: 2, maxOutboundStreams: 2 }),
      dht: kadDHT({
        protocol: peerProtocolId(components.network, 'kad'),
        clientMode: false,
        alpha: DHT_ALPHA,
        disjointPaths: 1,
        // Each such query dials twenty peers: nodes that start together would spend their first seconds on nothing else.
        initialQuerySelfInterval: options.dhtDelayMs,
        querySelfInterval: DHT_SELF_QUERY_MS,
        allowQueryWithZeroPeers: true,
        maxInboundStreams: SERVICE_STREAMS_MAX,
        maxOutboundStreams: SERVICE_STREAMS_MAX,
        validators: components.dht.validators,
        selectors: components.dht.selectors,
        peerInfoMapper: components.dht.peerInfoMapper,
        providers: { cacheSize: 1 },
        reprovide: { maxQueueSize: 1 },
        routingTableUpdateMaxQueueSize: 1000,
      }),
    },
  })
}

/** Two for each of our protocols (one of a connection being replaced), and the services'. */
const MUXER_STREAMS_MAX = PEER_PROTOCOLS.length * 2 + 3 * SERVICE_STREAMS_MAX

function listenMultiaddr({ listenAddress, listenPort }: NetworkOptions): string {
  return `/${listenAddress.includes(':') ? 'ip6' : 'ip4'}/${listenAddress}/tcp/${listenPort}`
}

/** Our public address instead of those of our interfaces, which may be private. */
function announced(listening: Multiaddr[], ownIp: string | undefined, options: NetworkOptions): Multiaddr[] {
  const port = options.announcePort || options.listenPort || portOf(listening)
  if (ownIp === undefined || port === undefined) return listening
  return [multiaddr(`/${ownIp.includes(':') ? 'ip6' : 'ip4'}/${ownIp}/tcp/${port}`)]
}

/** The TCP port of the first plain address. */
export function portOf(addresses: readonly Multiaddr[]): number | undefined {
  const address = addresses.find((candidate) => addressOf(candidate) !== undefined)
  const port = address?.getComponents().find((component) => component.code === CODE_TCP)?.value
  return port === undefined ? undefined : Number(port)
}
