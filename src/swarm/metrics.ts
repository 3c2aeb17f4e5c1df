import type { MetricsRegister } from '../base/metrics.ts'
import { createContentsMetrics } from './contents-metrics.ts'
import { createHandOffMetrics } from './hand-off-metrics.ts'
import { createHandOverMetrics } from './hand-over-metrics.ts'
import { createJoinMetrics } from './join-metrics.ts'

/** What became of an epoch that the swarm was told of. */
export type EpochUpdate =
  /** The next epoch, or the first. */
  | 'accepted'
  /** The epoch that was current already. */
  | 'repeated'
  /** The current epoch with other contents, after its source was found wrong. */
  | 'corrected'
  /** An epoch before the current one. */
  | 'refused'

/** How one forwarded request to one member ended. */
export type ForwardEnd =
  | 'answered'
  | 'timeout'
  | 'unreachable'
  /** Nobody knows where the member is. */
  | 'unknown'
  /** Too many requests wait for the member already. */
  | 'busy'
  /** The member could not handle it, or its answer breaks the protocol. */
  | 'failed'
  /** Too many forwarded requests are under way. */
  | 'shed'
  /** The client's request ended first. */
  | 'abandoned'

export type SwarmMetrics = ReturnType<typeof createSwarmMetrics>

export function createSwarmMetrics(register: MetricsRegister) {
  return {
    epochs: register.counter<{ update: EpochUpdate }>({
      name: 'starling_swarm_epochs_total',
      help: 'Membership epochs by what became of them',
      labelNames: ['update'],
    }),
    epochIndex: register.gauge({
      name: 'starling_swarm_epoch_index',
      help: 'Index of the current membership epoch',
    }),
    networkMembers: register.gauge({
      name: 'starling_swarm_network_members',
      help: 'Service nodes in the current epoch',
    }),
    swarms: register.gauge({
      name: 'starling_swarm_swarms',
      help: 'Swarms in the current epoch',
    }),
    ownMembers: register.gauge({
      name: 'starling_swarm_own_members',
      help: 'Members of the swarm of this node, itself included; 0 when it is in none',
    }),
    ownChanges: register.counter({
      name: 'starling_swarm_own_changes_total',
      help: 'Epochs that changed the swarm of this node or its members',
    }),
    forwards: register.counter<{ outcome: ForwardEnd }>({
      name: 'starling_swarm_forwards_total',
      help: 'Requests forwarded to other members by outcome',
      labelNames: ['outcome'],
    }),
    forwardDuration: register.histogram({
      name: 'starling_swarm_forward_duration_seconds',
      help: 'Time until a forwarded request was answered or given up',
      // From a neighbour in the same data centre to the five seconds that a member has.
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    }),
    forwardsInFlight: register.gauge({
      name: 'starling_swarm_forwards_in_flight',
      help: 'Forwarded requests under way',
    }),
    slowMembers: register.gauge({
      name: 'starling_swarm_slow_members',
      help: 'Members whose wait is shortened because they timed out repeatedly',
    }),
    handOff: createHandOffMetrics(register),
    contents: createContentsMetrics(register),
    joining: createJoinMetrics(register),
    handOver: createHandOverMetrics(register),
  }
}
