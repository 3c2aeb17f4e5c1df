import type { PreviousHop } from './capacity.ts'
import type { OnionRelayOptions } from './options.ts'

export interface FairTurns {
  /** Settles when a request may be worked on; undefined when that is at once. */
  enter(previous: PreviousHop, bytes: number): Promise<void> | undefined
}

/** A request that waits for its turn. */
interface Waiting {
  /** When it would begin if every hop had a processor of its own, all equally slow: who is behind goes first. */
  readonly start: number
  readonly cost: number
  readonly begin: () => void
}

interface Hop {
  readonly waiting: Waiting[]
  /** When its last request would end. */
  finish: number
}

/** From so many bytes on, the cipher takes longer than the key agreement. */
const BYTES_PER_OPENING = 64 * 1024

/**
 * Shares the event loop among those that requests come from. As long as there is time for all, nobody waits. When there is not, the
 * previous hops take turns by the work that they ask for (start-time fair queueing), so that one of them with many requests waits
 * for itself. A rate would do less: it either refuses what there is time for, or lets through more than there is time for.
 * How many may wait is bounded by the places that requests take before (`Capacity`).
 */
export function createFairTurns(
  options: Pick<OnionRelayOptions, 'openingsPerTurn' | 'clientRequestsMax' | 'peerRequestsMax'>,
): FairTurns {
  // Behind `clients` are many, so they have as many shares as they have places.
  const clientsWeight = Math.max(1, options.clientRequestsMax / options.peerRequestsMax)
  const hops = new Map<PreviousHop, Hop>()
  let waitingCount = 0
  /** Where the hop is that was served last. */
  let nowAt = 0
  /** Work begun in this turn of the event loop. */
  let spent = 0

  const spend = ({ start, cost }: Pick<Waiting, 'start' | 'cost'>) => {
    if (spent === 0) setImmediate(beginTurn)
    nowAt = start
    spent += cost
  }

  function beginTurn(): void {
    spent = 0
    while (waitingCount > 0 && spent < options.openingsPerTurn) {
      const next = takeFirst()
      if (next === undefined) break
      spend(next)
      next.begin()
    }
    // Without anybody waiting there is nothing to be shared: all are even again.
    if (waitingCount === 0) hops.clear()
  }

  function takeFirst(): Waiting | undefined {
    let first: Hop | undefined
    for (const hop of hops.values()) {
      if (startOf(hop) < startOf(first)) first = hop
    }
    const next = first?.waiting.shift()
    if (next !== undefined) waitingCount--
    return next
  }

  return {
    enter(previous, bytes) {
      const cost = 1 + Math.floor(bytes / BYTES_PER_OPENING)
      const hop = hops.get(previous) ?? { waiting: [], finish: 0 }
      hops.set(previous, hop)
      const start = Math.max(nowAt, hop.finish)
      hop.finish = start + cost / (previous === 'clients' ? clientsWeight : 1)
      if (waitingCount === 0 && spent < options.openingsPerTurn) {
        spend({ start, cost })
        return undefined
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      hop.waiting.push({ start, cost, begin: resolve })
      waitingCount++
      return promise
    },
  }
}

function startOf(hop: Hop | undefined): number {
  return hop?.waiting[0]?.start ?? Number.POSITIVE_INFINITY
}
