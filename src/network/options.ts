import { type DurationMs, HOUR, MINUTE, SECOND } from '../base/clock.ts'
import { CONTENTS_EXCHANGE_MAX_BYTES } from '../protocol/contents.ts'
import { REQUEST_MAX_BYTES } from '../protocol/limits.ts'
import type { PeerProtocol } from '../protocol/peer-api/peer-request.ts'
import { PROBE_MAX_BYTES } from '../protocol/peer-api/probe.ts'
import { RECORD_EXCHANGE_MAX_BYTES } from '../protocol/peer-api/record-exchange.ts'
import { SIGNATURE_EXCHANGE_MAX_BYTES } from '../protocol/peer-api/signature-request.ts'

/** Bounds of one protocol between service nodes. */
export interface ProtocolLimits {
  /** Largest payload of a request or response. */
  readonly payloadMaxBytes: number
  /** Requests that we have under way with one peer; further ones fail as busy. */
  readonly inFlightMax: number
  /** Requests of one peer that we work on at once; further ones are answered busy. */
  readonly handlersMax: number
}

export interface NetworkOptions {
  /** IP address that libp2p listens on. */
  listenAddress: string
  /** TCP port that libp2p listens on; 0 lets the system choose. */
  listenPort: number
  /** TCP port that others are told; 0 means the port listened on. */
  announcePort: number
  /** Multiaddrs of service nodes to meet first, such as `/ip4/192.0.2.7/tcp/22020/p2p/12D3…` or `/dns4/…`. */
  bootstrapMultiaddrs: readonly string[]
  /** Whether records with loopback or private addresses are taken: for a network on one machine. */
  allowPrivateAddresses: boolean
  /** Folder for the records of other nodes, so that a restart needs no bootstrap. Undefined keeps them in memory. */
  dataFolder: string | undefined

  /** Open connections; those least used are closed beyond it. Swarm peers and a recently used set, no full mesh. */
  connectionsMax: number
  /** Fewer than these are made more, to random members: no single peer is then all that we see of the network. */
  connectionsMin: number
  /** New inbound connections per second from one IP address; further ones are dropped before any cryptography. */
  inboundConnectionsPerSecondMax: number
  /**
   * Inbound connections that have not finished their handshake; bounds what strangers can make us hold. Twice what one address can
   * open at the rate above while a handshake may last, or one address could keep everyone out.
   */
  inboundPendingMax: number
  /** Dials under way at once. */
  dialsMax: number
  /** How long one dial may take, handshake included. */
  dialTimeoutMs: DurationMs
  /** First pause after a failed dial of a peer; doubles up to the maximum. Requests fail at once meanwhile. */
  dialBackoffMinMs: DurationMs
  dialBackoffMaxMs: DurationMs
  /** A connection on which nothing was sent or received for so long is closed. */
  connectionIdleMs: DurationMs
  /** A frame that is not complete, or bytes that a peer does not take, for so long end the stream. */
  stallTimeoutMs: DurationMs
  /** Requests in a row that a peer left unanswered until the connection counts as dead. */
  unansweredMax: number
  /** Bytes of payloads on their way in and out, over all peers. Beyond it requests are refused as busy. */
  payloadBudgetBytes: number
  /** Bytes of payloads on their way to and from one peer. A request and an answer of the largest size fit. */
  payloadBudgetPerPeerBytes: number
  /** The worst case of memory that these limits allow must be below; start is refused otherwise. */
  memoryMaxBytes: number
  /** Bounds of each protocol. */
  protocols: Readonly<Record<PeerProtocol, ProtocolLimits>>

  /** How often our own record is signed anew and published. */
  republishIntervalMs: DurationMs
  /** How often records are exchanged with some peer while we know everyone. */
  exchangeIntervalMs: DurationMs
  /** How often at first while members are missing; the pause doubles up to the one above. */
  gapIntervalMs: DurationMs
  /** First and longest pause between attempts to meet anyone at all. */
  joinRetryMinMs: DurationMs
  joinRetryMaxMs: DurationMs
  /** How far a record's timestamp may be ahead of our clock. */
  recordClockToleranceMs: DurationMs
  /** Older records are not taken from others: their node has not been there for so long. */
  recordAgeMaxMs: DurationMs
  /** Connected peers that a new record is passed on to. */
  gossipFanOut: number
  /** Pause in which new records are gathered before they are passed on. */
  gossipDelayMs: DurationMs
  /** Missing members that one round looks up in the DHT. */
  lookupsPerRound: number
  /** How long after the start the DHT is left alone: exchange brings nearly everything, and costs far less. */
  dhtDelayMs: DurationMs
  /** How long one DHT operation may take. */
  dhtTimeoutMs: DurationMs
}

/** A whole client request, wrapped by a hop or an entry node. */
const WRAPPED_REQUEST_MAX_BYTES = REQUEST_MAX_BYTES + 64 * 1024

export const defaultNetworkOptions: NetworkOptions = {
  listenAddress: '0.0.0.0',
  listenPort: 22_020,
  announcePort: 0,
  bootstrapMultiaddrs: [],
  allowPrivateAddresses: false,
  dataFolder: undefined,

  connectionsMax: 256,
  connectionsMin: 4,
  inboundConnectionsPerSecondMax: 20,
  inboundPendingMax: 200,
  dialsMax: 50,
  dialTimeoutMs: 5 * SECOND,
  dialBackoffMinMs: 250,
  dialBackoffMaxMs: 30 * SECOND,
  connectionIdleMs: 10 * MINUTE,
  stallTimeoutMs: 30 * SECOND,
  unansweredMax: 3,
  payloadBudgetBytes: 64 * 1024 * 1024,
  payloadBudgetPerPeerBytes: 24 * 1024 * 1024,
  memoryMaxBytes: 512 * 1024 * 1024,
  protocols: {
    forward: { payloadMaxBytes: WRAPPED_REQUEST_MAX_BYTES, inFlightMax: 512, handlersMax: 256 },
    onion: { payloadMaxBytes: WRAPPED_REQUEST_MAX_BYTES, inFlightMax: 1024, handlersMax: 512 },
    contents: { payloadMaxBytes: CONTENTS_EXCHANGE_MAX_BYTES, inFlightMax: 8, handlersMax: 8 },
    // One member has a ping, a proof or a report under way.
    probe: { payloadMaxBytes: PROBE_MAX_BYTES, inFlightMax: 2, handlersMax: 2 },
    records: { payloadMaxBytes: RECORD_EXCHANGE_MAX_BYTES, inFlightMax: 4, handlersMax: 4 },
    sign: { payloadMaxBytes: SIGNATURE_EXCHANGE_MAX_BYTES, inFlightMax: 4, handlersMax: 4 },
  },

  republishIntervalMs: 30 * MINUTE,
  exchangeIntervalMs: 5 * MINUTE,
  gapIntervalMs: SECOND,
  joinRetryMinMs: 500,
  joinRetryMaxMs: 30 * SECOND,
  recordClockToleranceMs: 2 * MINUTE,
  recordAgeMaxMs: 24 * HOUR,
  gossipFanOut: 6,
  gossipDelayMs: 200,
  lookupsPerRound: 5,
  dhtDelayMs: 30 * SECOND,
  dhtTimeoutMs: 10 * SECOND,
}
