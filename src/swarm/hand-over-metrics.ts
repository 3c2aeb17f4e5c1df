import type { MetricsRegister } from '../base/metrics.ts'

/** How handing one account over ended, for now. */
export type HandOverEnd =
  /** More than half of its swarm has everything; it was dropped here. */
  | 'dropped'
  /** Too few members have it yet. */
  | 'unconfirmed'

export type HandOverMetrics = ReturnType<typeof createHandOverMetrics>

export function createHandOverMetrics(register: MetricsRegister) {
  return {
    accounts: register.counter<{ outcome: HandOverEnd }>({
      name: 'starling_swarm_hand_over_accounts_total',
      help: 'Accounts that this node no longer serves and offered to their swarm, by outcome',
      labelNames: ['outcome'],
    }),
    left: register.gauge({
      name: 'starling_swarm_hand_over_left',
      help: 'Accounts that the last walk left here although this node does not serve them, until their swarm has confirmed them',
    }),
    items: register.counter({
      name: 'starling_swarm_hand_over_items_total',
      help: 'Messages and requests that members of other swarms lacked and took',
    }),
    bytes: register.counter({
      name: 'starling_swarm_hand_over_bytes_total',
      help: 'Bytes of messages and requests that members of other swarms lacked and were given',
    }),
  }
}
