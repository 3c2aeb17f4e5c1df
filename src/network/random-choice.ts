import { randomInt } from 'node:crypto'

/** Up to `count` of the items, in random order, each as likely as another. */
export function randomOf<T>(items: readonly T[], count: number): readonly T[] {
  const rest = [...items]
  const chosen: T[] = []
  while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(randomInt(rest.length), 1))
  return chosen
}

/** The items from a random one on, and then those before it. */
export function rotated<T>(items: readonly T[]): readonly T[] {
  const start = items.length === 0 ? 0 : randomInt(items.length)
  return [...items.slice(start), ...items.slice(0, start)]
}

/** Between three and five quarters of a duration, so that nodes that started together do not stay in step. */
export function spread(ms: number): number {
  return (ms * randomInt(750, 1251)) / 1000
}
