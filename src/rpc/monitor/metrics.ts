import type { MetricsRegister } from '../../base/metrics.ts'

/** What became of telling one subscription of one message. */
export type NotificationOutcome =
  | 'sent'
  /** The client had left too much untaken; its connection was closed. */
  | 'slow'
  /** There were too many messages to tell of; the connection was closed. */
  | 'overflow'

/** Why a subscription ended before its lease did, while its connection stayed. */
export type EndReason = 'swarm' | 'revoked'

/** How a request to wait ended. */
export type WaitOutcome =
  /** Something newer was held already. */
  | 'held'
  | 'news'
  | 'nothing'
  /** There was no room to wait. */
  | 'busy'

export type MonitorMetrics = ReturnType<typeof createMonitorMetrics>

export function createMonitorMetrics(register: MetricsRegister) {
  return {
    connections: register.gauge({
      name: 'starling_rpc_monitor_connections',
      help: 'Open WebSocket connections for subscriptions',
    }),
    subscriptions: register.gauge({
      name: 'starling_rpc_monitor_subscriptions',
      help: 'Subscriptions to new messages',
    }),
    requests: register.counter<{ result: 'added' | 'renewed' | 'refused' }>({
      name: 'starling_rpc_monitor_requests_total',
      help: 'Requests for a subscription on a WebSocket, by result',
      labelNames: ['result'],
    }),
    notifications: register.counter<{ outcome: NotificationOutcome }>({
      name: 'starling_rpc_monitor_notifications_total',
      help: 'Notifications of new messages, by outcome',
      labelNames: ['outcome'],
    }),
    ended: register.counter<{ reason: EndReason }>({
      name: 'starling_rpc_monitor_ended_total',
      help: 'Subscriptions that this node ended, by reason',
      labelNames: ['reason'],
    }),
    waiting: register.gauge({
      name: 'starling_rpc_monitor_waiting_requests',
      help: 'Requests that wait for a new message',
    }),
    waits: register.counter<{ outcome: WaitOutcome }>({
      name: 'starling_rpc_monitor_waits_total',
      help: 'Requests to wait for a new message, by outcome',
      labelNames: ['outcome'],
    }),
  }
}
