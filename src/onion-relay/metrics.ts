import type { MetricsRegister } from '../base/metrics.ts'

/** What a layer asked of this node; `unknown` when the request did not get that far. */
export type OnionRole = 'relay' | 'final' | 'server' | 'unknown'

/** Every way that an onion request can end here. */
export type OnionOutcome =
  /** The next hop's answer was handed back, or this node's own reply was sealed. */
  | 'answered'
  /** This node is not ready. */
  | 'not_ready'
  /** Too many requests are under way. */
  | 'busy'
  /** The frame around the layer breaks the protocol. */
  | 'malformed'
  /** The request went through too many hops. */
  | 'hops_exceeded'
  /** The layer was not sealed for this node, or was changed on its way. */
  | 'undecryptable'
  /** The layer was opened before. */
  | 'replayed'
  /** What is in the layer breaks the protocol. */
  | 'content_invalid'
  /** The next hop is not a service node. */
  | 'next_unknown'
  /** The next hop cannot be reached. */
  | 'next_unreachable'
  /** The next hop, an outside server or this node's own RPC did not answer in time. */
  | 'timeout'
  /** The next hop has too much to do, or too many requests wait for it. */
  | 'next_busy'
  /** The next hop's answer breaks the protocol. */
  | 'next_invalid'
  /** This node asks no such server. */
  | 'server_refused'
  /** The outside server's name leads to a private address, or to this node's own. */
  | 'server_address_refused'
  /** The outside server cannot be reached. */
  | 'server_unreachable'
  /** The outside server's answer is too large, or is none. */
  | 'server_invalid'
  /** Whoever sent the request no longer waits for the answer. */
  | 'aborted'
  /** A fault of this node. */
  | 'failed'

/** An X25519 key agreement takes some 50 microseconds; from 64 KiB on, the cipher takes longer than that. */
const OPEN_BUCKETS_SECONDS = [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.005, 0.025, 0.1]

/** From a server next door to a file of ten megabytes over a slow line; the longest is the time limit. */
const OUTSIDE_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25]

export function createOnionRelayMetrics(register: MetricsRegister) {
  return {
    requests: register.counter<{ role: OnionRole; outcome: OnionOutcome }>({
      name: 'starling_onion_relay_requests_total',
      help: 'Onion requests by what they asked of this node and how that ended',
      labelNames: ['role', 'outcome'],
    }),
    openSeconds: register.histogram({
      name: 'starling_onion_relay_layer_open_seconds',
      help: 'Time to open a layer',
      buckets: OPEN_BUCKETS_SECONDS,
    }),
    requestsInFlight: register.gauge({
      name: 'starling_onion_relay_requests_in_flight',
      help: 'Onion requests under way',
    }),
    bytesInFlight: register.gauge({
      name: 'starling_onion_relay_in_flight_bytes',
      help: 'Bytes of the onion requests under way',
    }),
    outsideSeconds: register.histogram({
      name: 'starling_onion_relay_outside_seconds',
      help: 'Time from the look for an outside server to the end of its answer',
      buckets: OUTSIDE_BUCKETS_SECONDS,
    }),
    outsideRequestsInFlight: register.gauge({
      name: 'starling_onion_relay_outside_requests_in_flight',
      help: 'Requests to outside servers under way',
    }),
    replayTags: register.gauge({
      name: 'starling_onion_relay_replay_tags',
      help: 'Onion requests remembered to refuse their replay',
    }),
    replayRotations: register.counter<{ reason: 'age' | 'full' }>({
      name: 'starling_onion_relay_replay_rotations_total',
      help: 'Times that a new replay window began, because of age or because the last one was full',
      labelNames: ['reason'],
    }),
    replayLogFailures: register.counter({
      name: 'starling_onion_relay_replay_log_failures_total',
      help: 'Writes to the replay log that failed',
    }),
  }
}

export type OnionRelayMetrics = ReturnType<typeof createOnionRelayMetrics>
