// A memory cgroup for one process, of whichever version this machine has. Linux, as root.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const V1 = '/sys/fs/cgroup/memory'
const V2 = '/sys/fs/cgroup'

export interface MemoryCgroup extends Disposable {
  readonly version: 1 | 2
  /** What a program is started with so that it, and all that it starts, is inside. */
  readonly command: readonly string[]
  /** How many processes the kernel has killed for want of memory. */
  kills(): number
  /** The most that was charged, with the pages of files that the kernel may take back at any time. */
  peakBytes(): number
}

/** Undefined where none can be made. */
export function createMemoryCgroup(name: string, maxBytes: number): MemoryCgroup | undefined {
  try {
    return existsSync(join(V1, 'memory.limit_in_bytes')) ? createV1(name, maxBytes) : createV2(name, maxBytes)
  } catch {
    return undefined
  }
}

function createV1(name: string, maxBytes: number): MemoryCgroup {
  const path = join(V1, name)
  mkdirSync(path)
  writeFileSync(join(path, 'memory.limit_in_bytes'), String(maxBytes))
  return {
    ...common(path),
    version: 1,
    kills: () => fieldOf(join(path, 'memory.oom_control'), 'oom_kill'),
    peakBytes: () => Number(readFileSync(join(path, 'memory.max_usage_in_bytes'), 'utf8')),
  }
}

function createV2(name: string, maxBytes: number): MemoryCgroup {
  const path = join(V2, name)
  mkdirSync(path)
  try {
    writeFileSync(join(path, 'memory.max'), String(maxBytes))
  } catch (error) {
    rmdirSync(path)
    throw error
  }
  const peak = join(path, 'memory.peak')
  return {
    ...common(path),
    version: 2,
    kills: () => fieldOf(join(path, 'memory.events'), 'oom_kill'),
    peakBytes: () => (existsSync(peak) ? Number(readFileSync(peak, 'utf8')) : Number.NaN),
  }
}

function common(path: string) {
  return {
    command: ['sh', '-c', `echo $$ > ${join(path, 'cgroup.procs')} && exec "$@"`, 'sh'],
    [Symbol.dispose]: () => rmdirSync(path),
  }
}

function fieldOf(file: string, name: string): number {
  const [, value] = new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8')) ?? []
  return Number(value ?? 0)
}
