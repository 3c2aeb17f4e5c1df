import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { ArcSet } from './arc-set.ts'
import type { SwarmMap } from './swarm-map.ts'

/** Who served an arc of the ring until an epoch. */
export interface FormerHolder {
  readonly key: ServiceNodeKey
  readonly arc: SwarmArc
  /** Index of the epoch in which it ended. */
  readonly endedAt: number
}

type Former = Omit<FormerHolder, 'key'>

/** Changes of one member's arc that are remembered. */
const CHANGES_MAX = 16

/** Remembers for some epochs which accounts members served before: from whom others are taken for a while longer. */
export class FormerArcs {
  readonly #epochs: number
  readonly #former = new Map<ServiceNodeKey, Former[]>()

  constructor(epochs: number) {
    this.#epochs = epochs
  }

  note(before: SwarmMap, after: SwarmMap): void {
    const endedAt = after.epoch.index
    if (before.swarms !== after.swarms) this.#noteChanges(before, after, endedAt)
    for (const [key, list] of this.#former) {
      const recent = list.filter((former) => former.endedAt > endedAt - this.#epochs).slice(-CHANGES_MAX)
      if (recent.length === 0) this.#former.delete(key)
      else this.#former.set(key, recent)
    }
  }

  /** All who served anything of these arcs. */
  within(arcs: ArcSet): readonly FormerHolder[] {
    return [...this.#former].flatMap(([key, list]) =>
      list.filter(({ arc }) => !ArcSet.of(arc).within(arcs).isEmpty).map((former) => ({ key, ...former })),
    )
  }

  /** Adds what was known before a restart; what is too old goes at the next epoch. */
  restore(holders: readonly FormerHolder[]): void {
    for (const { key, arc, endedAt } of holders) this.#add(key, { arc, endedAt })
  }

  of(key: ServiceNodeKey): readonly SwarmArc[] {
    return this.#former.get(key)?.map(({ arc }) => arc) ?? []
  }

  #noteChanges(before: SwarmMap, after: SwarmMap, endedAt: number): void {
    for (const { arc, members } of before.holders()) {
      for (const key of members) {
        const now = after.arcServedBy(key)
        if (now?.first !== arc.first || now.last !== arc.last) this.#add(key, { arc, endedAt })
      }
    }
  }

  #add(key: ServiceNodeKey, former: Former): void {
    const known = this.#former.get(key)
    if (known === undefined) this.#former.set(key, [former])
    else known.push(former)
  }
}
