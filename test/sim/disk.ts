// The disk of a simulated machine: it keeps what was flushed, and loses the rest when the power goes.
import { MemoryLevel } from 'memory-level'
import type { DurationMs } from '../../src/base/clock.ts'
import type { CreateDatabase, Database } from '../../src/storage/database.ts'
import type { LifeTime } from './virtual-time.ts'

interface Write {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value?: Buffer
}

export interface DiskChance {
  /** How long the next write takes. */
  latencyMs(): DurationMs
  /** Whether the next write fails, and how much of what it fails with is there nevertheless. */
  fault(): 'none' | 'nothing-written' | 'written-unsaid'
}

/** What survives a crash. */
export class SimulatedDisk {
  /** By the latin1 text of the key. */
  readonly #flushed = new Map<string, Write>()
  /** Written since the last flush, oldest first. */
  #unflushed: Write[] = []
  readonly #chance: DiskChance
  /** While a process starts, time stands still. */
  isInstant = true

  constructor(chance: DiskChance) {
    this.#chance = chance
  }

  /** The power goes. */
  crash(): void {
    this.#unflushed = []
  }

  wipe(): void {
    this.#unflushed = []
    this.#flushed.clear()
  }

  /** Opens the database as a process finds it. */
  opener(life: LifeTime): CreateDatabase {
    return () => this.#open(life)
  }

  #open(life: LifeTime): Database {
    const level = new MemoryLevel<Buffer, Buffer>({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const writeAll = level.batch.bind(level)
    const write = (writes: readonly Write[]) => writeAll(writes.map(batchOperation))
    const open = level.open.bind(level)
    const begin = async () => {
      await open()
      await write([...this.#flushed.values()])
    }
    const commit = (writes: readonly Write[], isFlushed: boolean) => this.#commit(life, writes, isFlushed, write)
    const batch = (operations?: readonly Write[], options?: { sync?: boolean }) =>
      operations === undefined ? new ChainedWrites(commit) : commit(operations, options?.sync === true)
    Object.defineProperties(level, {
      open: { value: begin },
      batch: { value: batch },
      compactRange: { value: async () => {} },
    })
    // The part of LevelDB that the store uses, and no more.
    return level as object as Database
  }

  async #commit(
    life: LifeTime,
    writes: readonly Write[],
    isFlushed: boolean,
    write: (writes: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    if (!this.isInstant) await new Promise<void>((resolve) => life.after(this.#chance.latencyMs(), resolve))
    const fault = this.isInstant ? 'none' : this.#chance.fault()
    if (fault === 'nothing-written') throw new Error('EIO: i/o error')
    this.#unflushed.push(...writes)
    if (isFlushed || fault === 'written-unsaid') this.#flush()
    if (fault === 'written-unsaid') throw new Error('EIO: i/o error, fdatasync')
    await write(writes)
  }

  #flush(): void {
    for (const write of this.#unflushed) {
      const name = write.key.toString('latin1')
      if (write.type === 'put') this.#flushed.set(name, write)
      else this.#flushed.delete(name)
    }
    this.#unflushed = []
  }
}

/** Gathers writes as LevelDB's chained batch does. */
class ChainedWrites {
  readonly #commit: (writes: readonly Write[], isFlushed: boolean) => Promise<void>
  readonly #writes: Write[] = []

  constructor(commit: (writes: readonly Write[], isFlushed: boolean) => Promise<void>) {
    this.#commit = commit
  }

  put(key: Buffer, value: Buffer): this {
    this.#writes.push({ type: 'put', key, value })
    return this
  }

  del(key: Buffer): this {
    this.#writes.push({ type: 'del', key })
    return this
  }

  write({ sync = false }: { sync?: boolean } = {}): Promise<void> {
    return this.#commit(this.#writes, sync)
  }
}

function batchOperation({ type, key, value }: Write) {
  return type === 'put' && value !== undefined ? { type: 'put' as const, key, value } : { type: 'del' as const, key }
}
