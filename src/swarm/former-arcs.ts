import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import type { SwarmMap } from './swarm-map.ts'

interface Former {
  readonly arc: SwarmArc
  /** Index of the epoch in which it ended. */
  readonly endedAt: number
}

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

  of(key: ServiceNodeKey): readonly SwarmArc[] {
    return this.#former.get(key)?.map(({ arc }) => arc) ?? []
  }

  #noteChanges(before: SwarmMap, after: SwarmMap, endedAt: number): void {
    for (const { arc, members } of before.holders()) {
      for (const key of members) {
        const now = after.arcServedBy(key)
        if (now?.first === arc.first && now.last === arc.last) continue
        const known = this.#former.get(key)
        if (known === undefined) this.#former.set(key, [{ arc, endedAt }])
        else known.push({ arc, endedAt })
      }
    }
  }
}
