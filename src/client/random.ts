/** A uniform integer from 0 to `below` - 1. Given, not global, so that a test can replay a choice of path. */
export type Random = (below: number) => number

const NUMBERS = 2 ** 32

export const secureRandom: Random = (below) => {
  // Beyond the last whole multiple of `below`, small results would come more often than others.
  const end = NUMBERS - (NUMBERS % below)
  for (;;) {
    const [number = NUMBERS] = crypto.getRandomValues(new Uint32Array(1))
    if (number < end) return number % below
  }
}

/** One of `items`, or undefined when there are none. */
export function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items.length === 0 ? undefined : items[random(items.length)]
}

/** Up to `count` of `items`, in random order. */
export function sample<T>(items: readonly T[], count: number, random: Random): T[] {
  const rest = [...items]
  const chosen: T[] = []
  while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(random(rest.length), 1))
  return chosen
}
