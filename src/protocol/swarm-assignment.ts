import { SWARM_SPACE_SIZE, type SwarmSpace } from './swarm-space.ts'

/**
 * Index of the swarm id nearest to a point on the ring of 2^64 points, the left one when both neighbours are equally far.
 * Clients compute the same (docs/protocol/swarms.md). `ids` ascend; undefined when there are none.
 */
export function nearestSwarmIndex(space: SwarmSpace, ids: readonly bigint[]): number | undefined {
  const after = firstAtOrAfter(space, ids)
  const right = after === ids.length ? 0 : after
  const left = after === 0 ? ids.length - 1 : after - 1
  const rightId = ids[right]
  const leftId = ids[left]
  if (rightId === undefined || leftId === undefined) return undefined
  return distance(space, rightId) < distance(leftId, space) ? right : left
}

/** The swarm id nearest to a point of the ring; see nearestSwarmIndex. */
export function swarmIdFor(space: SwarmSpace, ids: readonly bigint[]): bigint | undefined {
  const index = nearestSwarmIndex(space, ids)
  return index === undefined ? undefined : ids[index]
}

/** Consecutive points of the ring, both ends included. It goes through 0 when `first` is above `last`. */
export interface SwarmArc {
  readonly first: SwarmSpace
  readonly last: SwarmSpace
}

/** The points that are nearest to the swarm `id`, which must be one of the ascending `ids`. */
export function arcOf(id: bigint, ids: readonly bigint[]): SwarmArc | undefined {
  const index = firstAtOrAfter(id, ids)
  const left = ids.at(index - 1)
  const right = ids[index + 1] ?? ids[0]
  if (ids[index] !== id || left === undefined || right === undefined) return undefined
  return { first: BigInt.asUintN(64, lastPointOf(left, id) + 1n), last: lastPointOf(id, right) }
}

/** The last point nearest to `id`, whose right neighbour is `right`; of a single swarm, the point opposite to it. */
function lastPointOf(id: bigint, right: bigint): SwarmSpace {
  const gap = id === right ? SWARM_SPACE_SIZE : distance(id, right)
  return BigInt.asUintN(64, id + gap / 2n)
}

/** Steps from one point of the ring rightward to another. */
function distance(from: SwarmSpace, to: SwarmSpace): bigint {
  return BigInt.asUintN(64, to - from)
}

/** Index of the first id that is not below `space`, or the number of ids. */
function firstAtOrAfter(space: SwarmSpace, ids: readonly bigint[]): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const id = ids[middle]
    if (id !== undefined && id < space) low = middle + 1
    else high = middle
  }
  return low
}
