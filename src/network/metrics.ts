import type { MetricsRegister } from '../base/metrics.ts'
import type { PeerProtocol } from '../protocol/peer-api/peer-request.ts'

/** How a request that we sent ended. */
export type RequestOutcome = 'answered' | 'unknown' | 'unreachable' | 'timeout' | 'busy' | 'failed' | 'aborted'
/** How a request that we received ended. */
export type HandlingOutcome = 'answered' | 'busy' | 'failed' | 'refused'
/** Why a connection or dial was refused. */
export type ConnectionRefusal = 'not-member' | 'not-ed25519' | 'address'
/** Why a record was not taken. */
export type RecordRefusal =
  | 'malformed'
  | 'signature'
  | 'other-network'
  | 'not-member'
  | 'other-keys'
  | 'clock'
  | 'expired'
  | 'address'
export type RecordOutcome = 'new' | 'updated' | 'known' | RecordRefusal

export type NetworkMetrics = ReturnType<typeof createNetworkMetrics>

export function createNetworkMetrics(register: MetricsRegister) {
  return {
    connections: register.gauge<{ direction: 'inbound' | 'outbound' }>({
      name: 'starling_network_connections',
      help: 'Open connections to other service nodes',
      labelNames: ['direction'],
    }),
    connectionsRefused: register.counter<{ reason: ConnectionRefusal }>({
      name: 'starling_network_connections_refused_total',
      help: 'Connections and dials refused',
      labelNames: ['reason'],
    }),
    dials: register.counter<{ outcome: 'connected' | 'failed' }>({
      name: 'starling_network_dials_total',
      help: 'Dials of other service nodes',
      labelNames: ['outcome'],
    }),
    requests: register.counter<{ protocol: PeerProtocol; outcome: RequestOutcome }>({
      name: 'starling_network_requests_total',
      help: 'Requests sent to other service nodes',
      labelNames: ['protocol', 'outcome'],
    }),
    requestSeconds: register.histogram<{ protocol: PeerProtocol }>({
      name: 'starling_network_request_seconds',
      help: 'Time until another service node answered',
      labelNames: ['protocol'],
      // From one host (1 ms) over one continent (50 ms) to the longest deadline of a hop (30 s).
      buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    handled: register.counter<{ protocol: PeerProtocol; outcome: HandlingOutcome }>({
      name: 'starling_network_handled_requests_total',
      help: 'Requests received from other service nodes',
      labelNames: ['protocol', 'outcome'],
    }),
    brokenStreams: register.counter<{ reason: 'protocol' | 'stalled' | 'unanswered' }>({
      name: 'starling_network_broken_streams_total',
      help: 'Streams that this node ended because of what the peer did',
      labelNames: ['reason'],
    }),
    payloadBytes: register.gauge({
      name: 'starling_network_payload_bytes',
      help: 'Payload bytes on their way in and out',
    }),
    records: register.gauge({
      name: 'starling_network_records',
      help: 'Members whose record is known',
    }),
    missingRecords: register.gauge({
      name: 'starling_network_missing_records',
      help: 'Members whose record is not known',
    }),
    recordsReceived: register.counter<{ outcome: RecordOutcome }>({
      name: 'starling_network_received_records_total',
      help: 'Records received from other service nodes',
      labelNames: ['outcome'],
    }),
    lookups: register.counter<{ outcome: 'found' | 'missing' }>({
      name: 'starling_network_lookups_total',
      help: 'Records looked up in the DHT',
      labelNames: ['outcome'],
    }),
  }
}
