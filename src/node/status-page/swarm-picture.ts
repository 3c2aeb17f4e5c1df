import type { SwarmArc } from '../../protocol/swarm-assignment.ts'

/** How a member of the own swarm fared when contents were last compared with it. */
export type MemberStanding = 'self' | 'equal' | 'differing' | 'apart' | 'silent' | 'unknown'

/** What the map of the swarm is drawn from. */
export interface SwarmPicture {
  /** Where the swarms of the network stand on the ring of 2^64 points. */
  readonly swarms: readonly bigint[]
  readonly arc: SwarmArc | undefined
  /** Of the own swarm, this node first. */
  readonly members: readonly { readonly key: string; readonly standing: MemberStanding }[]
}
