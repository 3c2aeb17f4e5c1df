import { randomInt } from 'node:crypto'

/** Chance that can be had again: give the printed seed as TEST_SEED (not STARLING_…, which a node takes for an option). */
export interface Chance {
  readonly seed: number
  /** A whole number from 0 to `end` - 1. */
  below(end: number): number
  pick<T>(items: readonly T[]): T
}

const SEED_END = 2 ** 32

export function createChance(seed = Number(process.env['TEST_SEED'] ?? randomInt(SEED_END))): Chance {
  let state = seed >>> 0
  // A Weyl sequence through the finalizer of MurmurHash3: plenty for choosing moments.
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
  const below = (end: number) => next() % end
  return {
    seed,
    below,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('There is nothing to pick from')
      return item
    },
  }
}
