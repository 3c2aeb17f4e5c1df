/** Results in the order of the items, with at most `inFlightMax` under way. After the first failure nothing more is started. */
export async function mapBounded<T, R>(
  items: readonly T[],
  inFlightMax: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const remaining = items.entries()
  let failed = false
  const lane = async () => {
    for (const [index, item] of remaining) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlightMax, items.length) }, lane))
  return results
}
