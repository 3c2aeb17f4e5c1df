import type { MetricsRegister } from '../base/metrics.ts'
import type { MethodName } from '../protocol/client-api/methods.ts'
import { createMonitorMetrics } from './monitor/metrics.ts'
import type { AccountUse } from './options.ts'

export type StatusClass = '2xx' | '4xx' | '421' | '5xx'
/** Where a request came from. */
export type RequestEntry = 'https' | 'onion' | 'member'

/** What was done with one account, or came from one other service node, more often than it may be. */
export type LimitedUse = AccountUse | 'memberRequests' | 'memberStores'

/** Why a request or connection ended before any method saw it. */
export type RejectReason =
  /** More requests than the address may make, or have under way. */
  | 'rate'
  /** More connections than there may be, or than the address may have or open. */
  | 'connections'
  /** Too many requests or bytes of bodies under way. */
  | 'busy'
  /** The event loop runs late all the time. */
  | 'overload'
  | 'not_ready'
  | 'body_too_large'
  /** The body or the headers came too slowly or ended early. */
  | 'slow'
  /** A compressed body. */
  | 'encoding'
  | 'unknown_url'
  /** Long polling, which no server offers any more. */
  | 'long_poll'
  /** Not HTTP, or headers beyond the limits. */
  | 'malformed'
  /** The TLS handshake failed. */
  | 'tls'

export type RpcMetrics = ReturnType<typeof createRpcMetrics>

export function createRpcMetrics(register: MetricsRegister) {
  return {
    monitor: createMonitorMetrics(register),
    requests: register.counter<{ method: MethodName | 'unknown'; entry: RequestEntry; status: StatusClass }>({
      name: 'starling_rpc_requests_total',
      help: 'Client requests by method, entry and status; those inside a batch count too',
      labelNames: ['method', 'entry', 'status'],
    }),
    duration: register.histogram<{ method: MethodName }>({
      name: 'starling_rpc_request_duration_seconds',
      help: 'Time from a parsed request to its answer',
      labelNames: ['method'],
      // From a cached answer to the five seconds that a silent member of the swarm costs, and a sequence of those.
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
    spared: register.counter<{ method: MethodName }>({
      name: 'starling_rpc_spared_total',
      help: 'Requests for a whole swarm that would have changed nothing, and were neither written nor passed on',
      labelNames: ['method'],
    }),
    rejected: register.counter<{ reason: RejectReason }>({
      name: 'starling_rpc_rejected_total',
      help: 'Requests and connections refused before any method saw them',
      labelNames: ['reason'],
    }),
    limited: register.counter<{ use: LimitedUse }>({
      name: 'starling_rpc_limited_total',
      help: 'Requests refused because one account or one other service node had made as many as it may, by what they would do',
      labelNames: ['use'],
    }),
    connections: register.gauge({
      name: 'starling_rpc_connections',
      help: 'Open HTTPS connections',
    }),
    requestsInFlight: register.gauge({
      name: 'starling_rpc_requests_in_flight',
      help: 'HTTPS requests under way',
    }),
    receivedBytes: register.counter({
      name: 'starling_rpc_received_bytes_total',
      help: 'Bytes of request bodies',
    }),
    sentBytes: register.counter({
      name: 'starling_rpc_sent_bytes_total',
      help: 'Bytes of answers over HTTPS',
    }),
    localFailures: register.counter({
      name: 'starling_rpc_local_failures_total',
      help: 'Requests that failed on this node for a reason nobody foresaw',
    }),
  }
}

/** 421 is apart: it tells that clients look for accounts in the wrong swarm. */
export function statusClass(status: number): StatusClass {
  if (status === 421) return '421'
  if (status < 400) return '2xx'
  return status < 500 ? '4xx' : '5xx'
}
