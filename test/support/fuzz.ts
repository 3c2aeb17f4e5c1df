import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Chance } from './chance.ts'
import { createMutator } from './mutator.ts'

/** Something that takes bytes from outside. */
export interface FuzzTarget {
  /** Of the exported function, or what it is. */
  readonly name: string
  /** Right inputs, which mutations start from; each of them must be taken. */
  readonly seeds: readonly Uint8Array[]
  readonly decode: (bytes: Buffer) => unknown
  /** The only errors that it may throw. Left out: it says in another way what it does not take, and throws nothing. */
  readonly throws?: new (
    ...args: never[]
  ) => Error
}

export const MUTATIONS = 10_000
/** Time of one processor that one input may take. */
const TIME_MAX_MS = 50
const TIMED_AGAIN = 3

/** Gives a target ten thousand mutations of what it takes: it takes or refuses each, in time, and nothing else happens. */
export function fuzz(target: FuzzTarget, chance: Chance, mutations = MUTATIONS): void {
  for (const seed of target.seeds) target.decode(Buffer.from(seed))
  const next = createMutator(chance, target.seeds)
  for (let run = 0; run < mutations; run++) {
    const input = next()
    const startMs = performance.now()
    attempt(target, input, chance)
    if (performance.now() - startMs < TIME_MAX_MS) continue
    expect(
      leastCpuMs(() => attempt(target, input, chance)),
      hex(input),
    ).toBeLessThan(TIME_MAX_MS)
  }
  requireCleanPrototypes()
}

/** The same for what answers later: it settles for every input, and what it settles with is checked by `decode` itself. */
export async function fuzzAsync(
  { name, seeds, decode }: { name: string; seeds: readonly Uint8Array[]; decode: (bytes: Buffer) => Promise<unknown> },
  chance: Chance,
  mutations = MUTATIONS,
): Promise<void> {
  const next = createMutator(chance, seeds)
  const tryOne = async (input: Buffer) => {
    try {
      await decode(input)
    } catch (error) {
      throw new Error(`${name} fails for ${hex(input)} (TEST_SEED=${chance.seed})`, { cause: error })
    }
  }
  let slowest: { readonly batch: readonly Buffer[]; readonly ms: number } = { batch: [], ms: 0 }
  for (let run = 0; run < mutations; run += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, mutations - run) }, next)
    const startMs = performance.now()
    await Promise.all(batch.map(tryOne))
    const ms = performance.now() - startMs
    if (ms > slowest.ms) slowest = { batch, ms }
  }
  for (const input of slowest.batch) {
    const times: number[] = []
    do {
      const startUs = process.cpuUsage()
      await tryOne(input)
      times.push(cpuMsSince(startUs))
    } while (Math.min(...times) >= TIME_MAX_MS && times.length <= TIMED_AGAIN)
    expect(Math.min(...times), hex(input)).toBeLessThan(TIME_MAX_MS)
  }
  requireCleanPrototypes()
}

/** Requests that are under way at once, as they are at a node. */
const BATCH = 100

function attempt({ name, decode, throws }: FuzzTarget, input: Buffer, chance: Chance): void {
  try {
    decode(input)
  } catch (error) {
    if (throws !== undefined && error instanceof throws) return
    throw new Error(`${name} throws what it may not for ${hex(input)} (TEST_SEED=${chance.seed})`, { cause: error })
  }
}

/** Time of one processor that some work takes, the least of three: a busy machine makes things slower, never faster. */
export function leastCpuMs(work: () => void): number {
  const times = Array.from({ length: TIMED_AGAIN }, () => {
    const startUs = process.cpuUsage()
    work()
    return cpuMsSince(startUs)
  })
  return Math.min(...times)
}

function cpuMsSince(startUs: NodeJS.CpuUsage): number {
  const { system, user } = process.cpuUsage(startUs)
  return (system + user) / 1000
}

function requireCleanPrototypes(): void {
  for (const prototype of [Object.prototype, Array.prototype]) expect(Object.keys(prototype)).toEqual([])
}

function hex(input: Buffer): string {
  const text = input.toString('hex')
  return text.length <= HEX_MAX ? text : `${text.slice(0, HEX_MAX)}… (${input.length} bytes)`
}

const HEX_MAX = 4096

/** Names of the functions of a folder that read what comes from outside. */
export function decodersIn(folder: string): readonly string[] {
  return readdirSync(join(SOURCE, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...readFileSync(join(SOURCE, folder, path), 'utf8').matchAll(DECODER)])
    .map(([, name]) => name ?? '')
}

const DECODER = /^export (?:async )?function ((?:decode|parse|open|read)[A-Z]\w*)/gm

const SOURCE = join(import.meta.dirname, '../../src')
