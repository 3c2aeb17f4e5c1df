import type { RecordedRewards } from '../../protocol/peer-api/node-record.ts'

/** Records are renewed every half an hour, so some tell of a period that has ended meanwhile. */
const ROOTS_MAX = 64

/** The roots that this node came to, by period, to be compared with what other nodes say in their records. */
export class RecordedRoots {
  readonly #roots = new Map<number, string>()

  constructor(roots: Iterable<readonly [number, string]> = []) {
    for (const [index, root] of roots) this.add(index, root)
  }

  add(index: number, root: string): void {
    this.#roots.delete(index)
    this.#roots.set(index, root)
    const [oldest] = this.#roots.keys()
    if (this.#roots.size > ROOTS_MAX && oldest !== undefined) this.#roots.delete(oldest)
  }

  clear(): void {
    this.#roots.clear()
  }

  entries(): readonly (readonly [number, string])[] {
    return [...this.#roots]
  }

  /** Of others' roots of periods that this node has, how many are the same and how many are not. */
  compare(others: readonly RecordedRewards[]): { readonly same: number; readonly different: number } {
    const comparable = others.filter(({ index }) => this.#roots.has(index))
    const same = comparable.filter(({ index, root }) => this.#roots.get(index) === root).length
    return { same, different: comparable.length - same }
  }
}

/** Whether so many differ that this node may be the one that is wrong: more than a third, as nothing can be signed without them. */
export function isOutvoted({ same, different }: { same: number; different: number }): boolean {
  return different * 3 > same + different
}
