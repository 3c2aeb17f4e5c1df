import type { PeerNetworkStatus } from '../network/peer-network.ts'
import type { PeerTestsStatus } from '../peer-tests/peer-tests.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { MembershipStatus } from '../staking/membership-follower.ts'
import type { OwnStakeState } from '../staking/own-stake-state.ts'
import type { RewardsStatus } from '../staking/rewards/snapshot.ts'
import type { HealthReason } from './health.ts'
import type { NodeReplicationStatus } from './replication.ts'

/** How a service node is doing, part by part. */
export interface ServiceNodeStatus {
  readonly key: ServiceNodeKey
  /** Why the node does not serve; empty when it does. */
  readonly notReady: readonly HealthReason[]
  /** What an operator should see to although the node serves. */
  readonly degraded: readonly HealthReason[]
  readonly stake: OwnStakeState
  readonly membership: MembershipStatus
  readonly network: PeerNetworkStatus
  readonly swarm: { readonly id: string | undefined; readonly members: number }
  /** Undefined on a network whose rewards this node does not compute. */
  readonly rewards: RewardsStatus | undefined
  readonly storage: { readonly messages: number; readonly dataBytes: number }
  /** How far this node holds what the other members of its swarm do. */
  readonly replication: NodeReplicationStatus | undefined
  /** How members fare in this node's tests, and this node in theirs. */
  readonly peerTests: PeerTestsStatus
}
