import type { MetricsRegister } from '../base/metrics.ts'

/** Why a request that waited for a member goes without having been delivered. */
export type HandOffDrop =
  /** It no longer matters. */
  | 'expired'
  /** The queue had no room. */
  | 'full'
  /** Too many were being written, or the disk failed. */
  | 'busy'
  /** The member refuses it, or it went wrong there again and again. */
  | 'refused'
  /** The member, or this node, no longer keeps the account's messages. */
  | 'left'

export type HandOffMetrics = ReturnType<typeof createHandOffMetrics>

export function createHandOffMetrics(register: MetricsRegister) {
  return {
    queued: register.gauge({
      name: 'starling_swarm_hand_off_queued',
      help: 'Forwarded requests that wait for members',
    }),
    queuedBytes: register.gauge({
      name: 'starling_swarm_hand_off_queued_bytes',
      help: 'Bytes of forwarded requests that wait for members',
    }),
    oldestAge: register.gauge({
      name: 'starling_swarm_hand_off_oldest_age_seconds',
      help: 'How long the oldest forwarded request has waited for its member',
    }),
    kept: register.counter({
      name: 'starling_swarm_hand_off_kept_total',
      help: 'Forwarded requests that a member did not take and that were kept for it',
    }),
    delivered: register.counter({
      name: 'starling_swarm_hand_off_delivered_total',
      help: 'Kept requests that their member took',
    }),
    deliveredBytes: register.counter({
      name: 'starling_swarm_hand_off_delivered_bytes_total',
      help: 'Bytes of kept requests that their member took',
    }),
    dropped: register.counter<{ reason: HandOffDrop }>({
      name: 'starling_swarm_hand_off_dropped_total',
      help: 'Forwarded requests that a member did not take and will not be given, by reason; members find what they lack by comparing',
      labelNames: ['reason'],
    }),
  }
}
