import type { AccountId } from '../protocol/account.ts'
import { swarmIdFor } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import type { ReachableNode } from './reachable-node.ts'

/** Which nodes keep whose messages, as it follows from the service node list alone: nobody is asked, and nobody can lie. */
export class SwarmMap {
  readonly #members: ReadonlyMap<bigint, readonly ReachableNode[]>
  /** Ascending. */
  readonly #ids: readonly bigint[]

  constructor(nodes: readonly ReachableNode[]) {
    const members = new Map<bigint, ReachableNode[]>()
    for (const node of nodes) {
      if (node.swarm === undefined) continue
      const swarm = members.get(node.swarm)
      if (swarm === undefined) members.set(node.swarm, [node])
      else swarm.push(node)
    }
    this.#members = members
    this.#ids = [...members.keys()].sort((a, b) => (a < b ? -1 : 1))
  }

  /** None when the list does not say which node is in which swarm. */
  membersOf(account: AccountId): readonly ReachableNode[] {
    const id = swarmIdFor(swarmSpaceOf(account), this.#ids)
    return (id !== undefined && this.#members.get(id)) || []
  }
}
