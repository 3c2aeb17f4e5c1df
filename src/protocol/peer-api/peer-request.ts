import type { DurationMs } from '../../base/clock.ts'
import type { ServiceNodeKey } from '../service-node.ts'

/** What service nodes ask of each other. Each name is a libp2p protocol of its own: `/starling/<net>/<name>/1`. */
export type PeerProtocol =
  /** Compare what two members of a swarm hold, and hand over what one lacks; payloads: contents-exchange.ts. */
  | 'contents'
  /** Pass a client's request on to another member of the swarm; payloads: forwarded-request.ts. */
  | 'forward'
  /** Hand an onion request to its next hop; payloads: onion-hop.ts. */
  | 'onion'
  /** Test whether a member is there and keeps what it should, and say what was found; payloads: probe.ts. */
  | 'probe'
  /** Exchange signed node records in bulk. */
  | 'records'
  /** Ask for a signature for the staking contract; payloads: signature-request.ts. */
  | 'sign'

/** How a part asks another service node. The network makes it; parts take it by shape. */
export interface PeerRequester {
  /**
   * Sends one request over the peer's long-lived stream and settles with its answer.
   * @throws {PeerRequestError} whose code says whether the peer is unknown, unreachable, slow, busy, or refused.
   */
  request(
    peer: ServiceNodeKey,
    protocol: PeerProtocol,
    payload: Uint8Array,
    options: { timeoutMs: DurationMs; signal?: AbortSignal },
  ): Promise<Uint8Array>
}

/** How a part answers other service nodes. Only members get as far as a handler. */
export interface PeerResponder {
  handle(
    protocol: PeerProtocol,
    handler: (from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>,
  ): void
}
