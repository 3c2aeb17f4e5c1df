import { type DurationMs, SECOND } from '../base/clock.ts'
import type { MetricsRegistry } from '../base/metrics.ts'
import type { MethodName } from '../protocol/client-api/methods.ts'
import type { TrafficClass, TrafficFacts } from './status.ts'

export interface StatusTrafficComponents {
  readonly registry: Pick<MetricsRegistry, 'sum'>
  readonly uptimeMs: () => DurationMs
  readonly messages: { statistics(): { readonly messages: number; readonly dataBytes: number } }
  readonly chain: { status(): { readonly headAgeMs: DurationMs | undefined } }
}

const CLASSES: Readonly<Record<MethodName | 'unknown', TrafficClass>> = {
  store: 'store',
  retrieve: 'retrieve',
  monitor: 'retrieve',
  get_expiries: 'retrieve',
  revoked_subaccounts: 'retrieve',
  delete: 'change',
  delete_all: 'change',
  delete_before: 'change',
  expire: 'change',
  expire_all: 'change',
  revoke_subaccount: 'change',
  unrevoke_subaccount: 'change',
  active_nodes_bin: 'lookup',
  get_swarm: 'lookup',
  info: 'lookup',
  oxend_request: 'lookup',
  batch: 'batch',
  sequence: 'batch',
  ifelse: 'batch',
  unknown: 'unknown',
}

const REQUESTS = 'starling_rpc_requests_total'
const ONION_REQUESTS = 'starling_onion_relay_requests_total'

/** What clients and other nodes asked of this one, as its metrics count it: by kind only, of nobody in particular. */
export async function readTraffic(components: StatusTrafficComponents): Promise<TrafficFacts> {
  const { registry, uptimeMs, messages, chain } = components
  const sum = (name: string, labels?: Record<string, string>) => registry.sum(name, labels)
  const { messages: storedMessages, dataBytes: storedBytes } = messages.statistics()
  const onionAnswered = await sum(ONION_REQUESTS, { outcome: 'answered' })
  return {
    atMs: uptimeMs(),
    requests: await requestsByClass(registry),
    refused: {
      client: await sum(REQUESTS, { status: '4xx' }),
      swarm: await sum(REQUESTS, { status: '421' }),
      node: await sum(REQUESTS, { status: '5xx' }),
    },
    rejected: await sum('starling_rpc_rejected_total'),
    onion: {
      relayed: await sum(ONION_REQUESTS, { role: 'relay' }),
      final: await sum(ONION_REQUESTS, { role: 'final' }),
      outside: await sum(ONION_REQUESTS, { role: 'server' }),
      failed: (await sum(ONION_REQUESTS)) - onionAnswered,
    },
    stores: await sum('starling_storage_stored_total'),
    retrieves: await sum(REQUESTS, { method: 'retrieve' }),
    bytesIn: await sum('starling_rpc_received_bytes_total'),
    bytesOut: await sum('starling_rpc_sent_bytes_total'),
    connections: await sum('starling_rpc_connections'),
    requestsInFlight: await sum('starling_rpc_requests_in_flight'),
    peerRequests: await sum('starling_network_handled_requests_total'),
    storedMessages,
    storedBytes,
    chainLagMs: chain.status().headAgeMs ?? null,
    eventLoopDelayMs: (await sum('starling_node_event_loop_delay_seconds')) * SECOND,
  }
}

async function requestsByClass(registry: StatusTrafficComponents['registry']): Promise<TrafficFacts['requests']> {
  const requests = { store: 0, retrieve: 0, change: 0, lookup: 0, batch: 0, unknown: 0 }
  for (const [method, kind] of Object.entries(CLASSES)) requests[kind] += await registry.sum(REQUESTS, { method })
  return requests
}
