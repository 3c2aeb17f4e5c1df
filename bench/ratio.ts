/**
 * What both sides of a ratio are measured in: operations per second, of which more is better, or the time, the requests or the memory
 * that something takes, of which less is.
 */
export type Unit = 'per second' | 'ms' | 'CPU s' | 'requests' | 'MiB'

/** One line of `npm run bench`: our work against the bare work it cannot do without, in the same run. */
export interface Ratio {
  readonly name: string
  /** Ours, per second unless there is a unit. */
  readonly ours: number
  /** What the limit is, e.g. "bare node:crypto X25519 + AES-GCM". */
  readonly limitName: string
  /** The limit's, measured interleaved with ours. */
  readonly limit: number
  readonly unit?: Unit
  /** The least share of the limit that we mean to reach: 1 is as good as the limit, and more is better. */
  readonly goal: number
}

/** How much of the limit we reach: 1 is as good as it, whatever is measured. */
export function shareOf({ ours, limit, unit = 'per second' }: Ratio): number {
  return unit === 'per second' ? ours / limit : limit / ours
}

/** A file `<topic>.bench.ts` exports one of these as `benchmark`. */
export interface Benchmark {
  readonly name: string
  run(): Promise<readonly Ratio[]>
}

const ROUNDS = 7
const ROUND_MS = 300

/**
 * Measures two pieces of work in alternating rounds, so that a noisy neighbour hits both, and takes each one's median
 * round. Both run at least once before, to be compiled.
 */
export async function compare(ours: () => unknown, limit: () => unknown): Promise<{ ours: number; limit: number }> {
  await ours()
  await limit()
  const rates = { ours: [] as number[], limit: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push(await rate(ours))
    rates.limit.push(await rate(limit))
  }
  return { ours: median(rates.ours), limit: median(rates.limit) }
}

/** Calls per second of one round. */
async function rate(work: () => unknown): Promise<number> {
  const start = performance.now()
  let calls = 0
  let elapsed = 0
  while (elapsed < ROUND_MS) {
    const result = work()
    if (result instanceof Promise) await result
    calls++
    elapsed = performance.now() - start
  }
  return (calls * 1000) / elapsed
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
