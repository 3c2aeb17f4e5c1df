import type { DurationMs } from '../../base/clock.ts'
import type { SwarmArc } from '../../protocol/swarm-assignment.ts'
import type { SwarmMembership } from '../../swarm/membership.ts'
import { type PeerFacts, type PeersComponents, readPeers } from '../status-peers.ts'

/** How a member of the own swarm fares in this node's tests. */
export type MemberStanding = 'self' | 'passing' | 'failing' | 'untested'

export interface PicturedMember {
  readonly key: string
  readonly standing: MemberStanding
  readonly isConnected: boolean
  /** Of its last answer to a test. */
  readonly latencyMs: DurationMs | null
}

/** What the map of the swarm is drawn from. */
export interface SwarmPicture {
  /** Where the swarms of the network stand on the ring of 2^64 points. */
  readonly swarms: readonly bigint[]
  readonly arc: SwarmArc | undefined
  /** Of the own swarm, this node first. */
  readonly members: readonly PicturedMember[]
}

export type SwarmPictureComponents = PeersComponents & {
  readonly swarm: Pick<SwarmMembership, 'members' | 'ownSwarm' | 'ownArc' | 'swarms'>
}

/** Undefined while this node is in no swarm. */
export function readSwarmPicture(components: SwarmPictureComponents): SwarmPicture | undefined {
  const { self, swarm } = components
  const own = swarm.ownSwarm()
  if (own === undefined) return undefined
  const { peers } = readPeers(components, own.members.length)
  const others = peers.filter(({ isSwarmMember }) => isSwarmMember)
  return {
    swarms: swarm.swarms().map(({ id }) => id),
    arc: swarm.ownArc(),
    members: [{ key: self, standing: 'self', isConnected: true, latencyMs: null }, ...others.map(pictured)],
  }
}

function pictured({ key, isConnected, latencyMs, tests }: PeerFacts): PicturedMember {
  const results = Object.values(tests)
  const standing = results.includes('failed') ? 'failing' : results.includes('passed') ? 'passing' : 'untested'
  return { key, standing, isConnected, latencyMs }
}
