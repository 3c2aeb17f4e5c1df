import type { TimestampMs } from '../base/clock.ts'
import type { MetricsRegistry } from '../base/metrics.ts'
import { type ServiceNodeKey, swarmIdText } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import type { SwarmMembership } from '../swarm/membership.ts'
import type { NodeReplication } from './replication.ts'
import type { SwarmFacts } from './status.ts'
import { type PeerFacts, type PeersComponents, readPeers } from './status-peers.ts'

export const SWARM_VERSION = 1

/** What `starling swarm` shows. */
export interface SwarmDocument {
  readonly version: typeof SWARM_VERSION
  readonly takenAtMs: TimestampMs
  readonly key: ServiceNodeKey
  readonly swarm: SwarmFacts
  /** Accounts that the last walk left here although this node does not serve them. */
  readonly handOverLeft: number
  /** The other members of the swarm. */
  readonly members: readonly PeerFacts[]
}

export interface SwarmFactsComponents {
  readonly swarm: Pick<SwarmMembership, 'ownSwarm' | 'ownArc' | 'swarms'>
  readonly replication: Pick<NodeReplication, 'status'>
}

export async function readSwarm(
  components: PeersComponents & SwarmFactsComponents & { readonly registry: Pick<MetricsRegistry, 'sum'> },
): Promise<SwarmDocument> {
  const { peers, takenAtMs } = readPeers(components, components.swarm.ownSwarm()?.members.length ?? 0)
  return {
    ...{ version: SWARM_VERSION, takenAtMs, key: components.self },
    swarm: swarmFacts(components),
    handOverLeft: await components.registry.sum('starling_swarm_hand_over_left'),
    members: peers.filter(({ isSwarmMember }) => isSwarmMember),
  }
}

export function swarmFacts({ swarm, replication }: SwarmFactsComponents): SwarmFacts {
  const own = swarm.ownSwarm()
  const { joining, comparison, waiting = 0, isHandingOver = false } = replication.status() ?? {}
  return {
    id: own === undefined ? null : swarmIdText(own.id),
    members: own?.members.length ?? 0,
    arc: arcText(swarm.ownArc()),
    swarms: swarm.swarms().length,
    fetchedShare: joining?.share ?? null,
    isLenient: joining?.isLenient === true,
    comparison: comparison === undefined ? null : comparisonFacts(comparison),
    hintsQueued: waiting,
    isHandingOver,
  }
}

type Comparison = NonNullable<ReturnType<NodeReplication['status']>>['comparison']

function comparisonFacts({ equal, differing, silent, apart, lastEqualMs }: Comparison): SwarmFacts['comparison'] {
  return { equal, differing, silent, apart, lastEqualMs: lastEqualMs ?? null }
}

function arcText(arc: SwarmArc | undefined): SwarmFacts['arc'] {
  const point = (value: bigint) => value.toString(16).padStart(16, '0')
  return arc === undefined ? null : { first: point(arc.first), last: point(arc.last) }
}
