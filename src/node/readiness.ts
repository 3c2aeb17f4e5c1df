import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import { Health } from './health.ts'

export interface ReadinessComponents {
  readonly self: ServiceNodeKey
  readonly swarm: {
    isMember(key: ServiceNodeKey): boolean
    ownSwarm(): Swarm | undefined
    members(): readonly unknown[]
    epoch(): unknown
  }
  readonly stake: { state(): OwnStakeState }
  readonly messages: { health(): { writable: boolean; reason?: string } }
  readonly peers: { contacts(): readonly unknown[] }
  /** Whether the node is on its way out. */
  readonly isStopping: () => boolean
}

/** What keeps this node from serving, part by part, in words for its operator. */
export function createReadiness({ self, swarm, stake, messages, peers, isStopping }: ReadinessComponents): Health {
  const health = new Health()
  health.register('life-cycle', () => (isStopping() ? 'Shutting down' : undefined))
  health.register('membership', () =>
    swarm.epoch() === undefined ? 'No service node list has been read from the chain yet' : undefined,
  )
  // The list counts, not the last look at our own stake: while the chain is away, a member stays one.
  health.register('stake', () => {
    if (swarm.epoch() === undefined || swarm.isMember(self)) return undefined
    const { sentence, nextCommand, kind } = stake.state()
    if (kind === 'active' || kind === 'leaving') return 'The stake is final and counts from the next epoch on'
    return nextCommand === undefined ? sentence : `${sentence} Next: ${nextCommand}`
  })
  health.register('swarm', () =>
    swarm.isMember(self) && swarm.ownSwarm() === undefined ? 'This node is in no swarm' : undefined,
  )
  health.register('network', () =>
    swarm.isMember(self) && swarm.members().length > 1 && peers.contacts().length < 2
      ? 'No other service node is known yet: check network.bootstrap and that the network port can be reached'
      : undefined,
  )
  health.register('storage', () => {
    const { writable, reason } = messages.health()
    return writable ? undefined : (reason ?? 'Messages cannot be written')
  })
  return health
}
