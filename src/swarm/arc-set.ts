import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { SWARM_SPACE_SIZE, type SwarmSpace } from '../protocol/swarm-space.ts'

const LAST_POINT = SWARM_SPACE_SIZE - 1n

/** Points of the ring, kept as arcs that ascend, do not touch, and do not go through 0. */
export class ArcSet {
  static readonly empty: ArcSet = new ArcSet([])
  readonly arcs: readonly SwarmArc[]

  private constructor(arcs: readonly SwarmArc[]) {
    this.arcs = arcs
  }

  /** The points of all these arcs, which may overlap and go through 0. */
  static of(...arcs: readonly (SwarmArc | undefined)[]): ArcSet {
    const straight = arcs.flatMap((arc) => (arc === undefined ? [] : straightened(arc)))
    const ascending = straight.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
    const joined: SwarmArc[] = []
    for (const arc of ascending) {
      const before = joined.at(-1)
      if (before === undefined || arc.first > before.last + 1n) joined.push(arc)
      else if (arc.last > before.last) joined[joined.length - 1] = { first: before.first, last: arc.last }
    }
    return new ArcSet(joined)
  }

  get isEmpty(): boolean {
    return this.arcs.length === 0
  }

  /** How many points it has. */
  get size(): bigint {
    return this.arcs.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n)
  }

  has(space: SwarmSpace): boolean {
    return this.arcs.some(({ first, last }) => first <= space && space <= last)
  }

  with(other: ArcSet): ArcSet {
    return ArcSet.of(...this.arcs, ...other.arcs)
  }

  within(other: ArcSet): ArcSet {
    const shared = this.arcs.flatMap((a) => other.arcs.flatMap((b) => overlapOf(a, b)))
    return ArcSet.of(...shared)
  }

  without(other: ArcSet): ArcSet {
    return this.within(other.rest())
  }

  /** All other points of the ring. */
  rest(): ArcSet {
    const gaps: SwarmArc[] = []
    let next = 0n
    for (const { first, last } of this.arcs) {
      if (first > next) gaps.push({ first: next, last: first - 1n })
      next = last + 1n
    }
    if (next <= LAST_POINT) gaps.push({ first: next, last: LAST_POINT })
    return new ArcSet(gaps)
  }

  equals(other: ArcSet): boolean {
    return (
      this.arcs.length === other.arcs.length &&
      this.arcs.every(({ first, last }, at) => first === other.arcs[at]?.first && last === other.arcs[at]?.last)
    )
  }
}

function straightened({ first, last }: SwarmArc): SwarmArc[] {
  if (first <= last) return [{ first, last }]
  return [
    { first, last: LAST_POINT },
    { first: 0n, last },
  ]
}

function overlapOf(a: SwarmArc, b: SwarmArc): SwarmArc[] {
  const first = a.first > b.first ? a.first : b.first
  const last = a.last < b.last ? a.last : b.last
  return first <= last ? [{ first, last }] : []
}
