import { SECOND } from '../base/clock.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { Member, MembershipEpoch, ServiceNodeKey } from '../protocol/service-node.ts'
import { arcOf, nearestSwarmIndex, type SwarmArc } from '../protocol/swarm-assignment.ts'
import type { SwarmSpace } from '../protocol/swarm-space.ts'
import { computeSwarms, type SwarmRange } from './placement.ts'

export interface SwarmMapOptions {
  readonly sizeMin: number
  readonly unlockMs: number
}

/** The swarms of one epoch, ready to be looked up. */
export class SwarmMap {
  readonly epoch: MembershipEpoch
  /** Ascending by id. */
  readonly swarms: readonly SwarmRange[]
  readonly #placed: readonly Member[]
  readonly #ids: readonly bigint[]
  readonly #membersByKey: ReadonlyMap<ServiceNodeKey, Member>
  readonly #swarmsByMember: ReadonlyMap<ServiceNodeKey, SwarmRange>

  /** `before` saves the work, and keeps the identity of its swarms, when nobody came or went. */
  constructor(epoch: MembershipEpoch, networkId: NetworkId, options: SwarmMapOptions, before?: SwarmMap) {
    this.epoch = epoch
    this.#placed = membersOfSwarms(epoch, options.unlockMs)
    this.swarms =
      before !== undefined && placedAlike(this.#placed, before.#placed)
        ? before.swarms
        : computeSwarms(this.#placed, networkId, options)
    this.#ids = this.swarms.map(({ id }) => id)
    this.#membersByKey = new Map(epoch.members.map((member) => [member.key, member]))
    this.#swarmsByMember = new Map(this.swarms.flatMap((swarm) => swarm.members.map((key) => [key, swarm] as const)))
  }

  /** The swarm that keeps the messages of accounts at this point. Undefined only when there are no swarms. */
  swarmAt(space: SwarmSpace): SwarmRange | undefined {
    const index = nearestSwarmIndex(space, this.#ids)
    return index === undefined ? undefined : this.swarms[index]
  }

  /** The swarm that a service node belongs to. A member past its unlock time belongs to none. */
  swarmOfMember(key: ServiceNodeKey): SwarmRange | undefined {
    return this.#swarmsByMember.get(key)
  }

  /** The points of the ring whose accounts a service node serves. */
  arcServedBy(key: ServiceNodeKey): SwarmArc | undefined {
    const swarm = this.swarmOfMember(key)
    return swarm === undefined ? undefined : arcOf(swarm.id, this.#ids)
  }

  /** Who serves which part of the ring. */
  holders(): { readonly arc: SwarmArc; readonly members: readonly ServiceNodeKey[] }[] {
    return this.swarms.flatMap(({ id, members }) => {
      const arc = arcOf(id, this.#ids)
      return arc === undefined ? [] : [{ arc, members }]
    })
  }

  /** Whether the service node list has this node, be it in a swarm or past its unlock time. */
  isMember(key: ServiceNodeKey): boolean {
    return this.#membersByKey.has(key)
  }
}

/**
 * The members that keep messages: all but those whose unlock time is over. Judged by the epoch's block, not by our clock,
 * so that every node agrees.
 */
export function membersOfSwarms(epoch: MembershipEpoch, unlockMs: number): readonly Member[] {
  const unlockS = BigInt(Math.ceil(unlockMs / SECOND))
  return epoch.members.filter(
    ({ leaveRequestTimestampS }) =>
      leaveRequestTimestampS === 0n || epoch.blockTimestampS < leaveRequestTimestampS + unlockS,
  )
}

/** Whether both lists hold the same placements. The contract's ids ascend in both. */
function placedAlike(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, index) => standsLike(member, b[index]))
}

function standsLike(a: Member, b: Member | undefined): boolean {
  return a.id === b?.id && a.key === b.key && a.addedTimestampS === b.addedTimestampS
}
