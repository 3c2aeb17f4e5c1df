import { type DurationMs, HOUR, SECOND } from '../base/clock.ts'
import { ONION_HOP_TIMEOUT_MS, REQUEST_MAX_BYTES } from '../protocol/limits.ts'
import { ONION_ANSWER_BODY_MAX_BYTES } from '../protocol/peer-api/onion-hop.ts'

export interface OnionRelayOptions {
  /** How long the first hop waits for an answer. */
  hopTimeoutMs: DurationMs
  /** How much less each further hop waits than the one before, so that the hop nearest to a fault is who reports it. */
  hopMarginMs: DurationMs
  /** Onion requests under way, from whomever. */
  requestsMax: number
  /** Bytes of the requests under way, from whomever. */
  requestBytesMax: number
  /** Of these, requests that came from clients, so that they leave room for other nodes' requests. */
  clientRequestsMax: number
  /** Of these, bytes that came from clients. */
  clientRequestBytesMax: number
  /** Requests under way that came from one other node. */
  peerRequestsMax: number
  /** Bytes of the requests under way that came from one other node. */
  peerRequestBytesMax: number
  /**
   * Layers opened in one turn of the event loop; a large one counts once more for each 64 KiB. Beyond them requests wait, and those that
   * they came from take turns.
   */
  openingsPerTurn: number
  /** Requests that this node makes to servers outside the network. */
  outside: OutsideServerOptions
}

export interface OutsideServerOptions {
  /** Whether any outside server is asked. */
  enabled: boolean
  /** Servers that may be asked, as src/onion-relay/outside/allow-list.ts reads them. */
  servers: readonly string[]
  /** Take servers at loopback and private addresses, and this machine's own: for a network on one machine. */
  allowPrivateAddresses: boolean
  /** DNS servers to ask for outside servers, `address` or `address:port`; those of the system when there are none. */
  dnsServers: readonly string[]
  /** How long a look for an outside server's addresses may take. */
  resolveTimeoutMs: DurationMs
  /** How long an outside server may take in all. A hop far down a path gives it less. */
  timeoutMs: DurationMs
  /** Longest head of a server's answer. */
  headMaxBytes: number
  /** Longest body of a server's answer. */
  answerMaxBytes: number
  /** Bytes of servers' answers that are held at one time. */
  answersMaxBytes: number
  /** Requests to outside servers under way. */
  requestsMax: number
  /** Of these, requests to one server. */
  serverRequestsMax: number
}

export const defaultOutsideServerOptions: OutsideServerOptions = {
  // Nobody turns a machine into an exit by leaving a setting out: a network preset or the operator says so.
  enabled: false,
  servers: [],
  allowPrivateAddresses: false,
  dnsServers: [],
  resolveTimeoutMs: 5 * SECOND,
  // What Session's nodes give a server; a third hop waits for 28 seconds.
  timeoutMs: 25 * SECOND,
  headMaxBytes: 16 * 1024,
  // What a hop can hand back. Files have ten million bytes at most.
  answerMaxBytes: ONION_ANSWER_BODY_MAX_BYTES,
  answersMaxBytes: 12 * REQUEST_MAX_BYTES,
  requestsMax: 500,
  // Nearly all requests are for the one file server.
  serverRequestsMax: 250,
}

export const defaultOnionRelayOptions: OnionRelayOptions = {
  hopTimeoutMs: ONION_HOP_TIMEOUT_MS,
  // A round trip around the globe with a retransmission; the 15th hop still has half of the whole time.
  hopMarginMs: SECOND,
  requestsMax: 4_000,
  requestBytesMax: 12 * REQUEST_MAX_BYTES,
  clientRequestsMax: 2_000,
  clientRequestBytesMax: 6 * REQUEST_MAX_BYTES,
  peerRequestsMax: 500,
  peerRequestBytesMax: 3 * REQUEST_MAX_BYTES,
  // Some 3 ms, after which sockets are looked at again.
  openingsPerTurn: 32,
  outside: defaultOutsideServerOptions,
}

export interface ReplayGuardOptions {
  /** Where the tags are kept over a restart. Made when it does not exist. */
  folder: string
  /** How long a request is remembered at least; at most twice that. */
  windowMs: DurationMs
  /** Requests remembered in one window. When there are more, the window is shorter. */
  tagsMax: number
}

export const defaultReplayGuardOptions: Omit<ReplayGuardOptions, 'folder'> = {
  // A layer names no time, so a longer window is a better one; it is bounded by memory. An hour of 290 requests a second
  // fits the tags below, and is far beyond the minute for which the signatures inside a request are taken.
  windowMs: HOUR,
  // 16 MB of memory and 8 MB of disk for each of the two windows, when full.
  tagsMax: 1_048_576,
}
