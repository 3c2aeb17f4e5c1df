import { fromHex, toHex } from '../base/bytes.ts'
import type { Clock, TimestampMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { type Database, readError } from './database.ts'
import type { DiskSpace } from './disk-space.ts'
import type { GroupCommit } from './group-commit.ts'
import { decodeHint, decodeHintQueue, encodeHint, encodeHintQueue, type HintQueue } from './hint-codec.ts'
import type { Hint, HintStatistics, Hints } from './hints.ts'
import { hintKey, hintQueueKey, hintRange, kindRange, numberOfHintKey, peerOfHintKey } from './keys.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import type { WriteBatch } from './write-batch.ts'

export interface LevelHintsComponents {
  readonly database: Database
  readonly commits: GroupCommit
  readonly disk: Pick<DiskSpace, 'isFull'>
  readonly clock: Clock
  readonly metrics: Pick<StorageMetrics, 'hints' | 'hintBytes'>
}

export type HintOptions = Pick<StorageOptions, 'peerHintsMax' | 'peerHintBytesMax' | 'hintBytesMax'>

/** A queue as it is when everything is written that has been run. */
interface Queue extends HintQueue {
  readonly oldestMs: TimestampMs | undefined
}

/** Hints fetched at once. */
const PAGE_SIZE = 16
const EMPTY: Queue = { hints: 0, bytes: 0, oldestMs: undefined }

/** Finds how much waits for whom; only the records that count are read, and the oldest hint of each queue. */
export async function openHints(components: LevelHintsComponents, options: HintOptions): Promise<LevelHints> {
  const { database } = components
  const queues = new Map<ServiceNodeKey, Queue>()
  await using keys = database.keys(kindRange('hints'))
  for (let key = await keys.next(); key !== undefined; key = await keys.next()) {
    const peer = Buffer.from(peerOfHintKey(key))
    const record = await database.get(hintQueueKey(peer))
    if (record !== undefined)
      queues.set(keyOf(peer), { ...decodeHintQueue(record), oldestMs: await oldestOf(database, peer) })
    keys.seek(hintRange(peer).lt)
  }
  return new LevelHints(components, options, queues)
}

/** Counters are changed when an operation runs, and the records with it in one batch; a batch that fails is the last. */
export class LevelHints implements Hints {
  readonly #components: LevelHintsComponents
  readonly #options: HintOptions
  readonly #queues: Map<ServiceNodeKey, Queue>

  constructor(components: LevelHintsComponents, options: HintOptions, queues: Map<ServiceNodeKey, Queue>) {
    this.#components = components
    this.#options = options
    this.#queues = queues
    this.#report()
  }

  add(peer: ServiceNodeKey, payload: Uint8Array, expiryMs: TimestampMs): Promise<boolean> {
    const { clock, commits } = this.#components
    return commits.submit({
      sizeBytes: payload.length,
      scans: false,
      run: ({ batch }) => {
        if (!this.#hasRoom(peer, payload.length)) return false
        const queue = this.#queueOf(peer)
        const queuedMs = clock.nowMs()
        batch.put(hintKey(bytesOf(peer), batch.takeSequence()), encodeHint({ queuedMs, expiryMs, payload }))
        const grown = { hints: queue.hints + 1, bytes: queue.bytes + payload.length }
        this.#change(batch, peer, { ...grown, oldestMs: queue.oldestMs ?? queuedMs })
        return true
      },
    })
  }

  peers(): readonly ServiceNodeKey[] {
    return [...this.#queues.keys()]
  }

  async next(peer: ServiceNodeKey, countMax: number, sizeMax: number): Promise<Hint[]> {
    const { database } = this.#components
    const { found, tooOld } = await this.#find(peer, countMax, sizeMax).catch((error: unknown) => {
      throw readError(database, error)
    })
    if (tooOld.length > 0) await this.remove(peer, tooOld)
    return found
  }

  async remove(peer: ServiceNodeKey, ids: readonly number[]): Promise<void> {
    const { database, commits } = this.#components
    await commits.submit({
      sizeBytes: 0,
      scans: false,
      run: async (writer) => {
        for (const id of new Set(ids)) {
          await writer.makeRoom()
          const key = hintKey(bytesOf(peer), id)
          const record = writer.batch.get(key)
          if (record === undefined) continue
          const queue = this.#queueOf(peer)
          const bytes = queue.bytes - decodeHint(record).payload.length
          writer.batch.delete(key)
          this.#change(writer.batch, peer, { ...queue, hints: queue.hints - 1, bytes })
        }
      },
    })
    const queue = this.#queues.get(peer)
    if (queue === undefined) return
    const oldestMs = (await oldestOf(database, bytesOf(peer))) ?? queue.oldestMs
    // It may have changed meanwhile.
    if (this.#queues.has(peer)) this.#queues.set(peer, { ...this.#queueOf(peer), oldestMs })
  }

  statistics(): HintStatistics {
    const queues = [...this.#queues.values()]
    const oldest = queues.flatMap(({ oldestMs }) => oldestMs ?? [])
    return {
      queued: queues.reduce((sum, { hints }) => sum + hints, 0),
      bytes: queues.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(oldest.length > 0 && { oldestMs: Math.min(...oldest) }),
    }
  }

  async #find(peer: ServiceNodeKey, countMax: number, sizeMax: number): Promise<{ found: Hint[]; tooOld: number[] }> {
    const { database, clock } = this.#components
    const found: Hint[] = []
    const tooOld: number[] = []
    let size = 0
    const nowMs = clock.nowMs()
    await using iterator = database.iterator(hintRange(bytesOf(peer)))
    for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
      for (const [key, record] of page) {
        const { expiryMs, payload } = decodeHint(record)
        const id = numberOfHintKey(key)
        if (expiryMs <= nowMs) tooOld.push(id)
        else {
          size += payload.length
          if (found.length >= countMax || (size > sizeMax && found.length > 0)) return { found, tooOld }
          found.push({ id, payload })
        }
      }
    }
    return { found, tooOld }
  }

  #queueOf(peer: ServiceNodeKey): Queue {
    return this.#queues.get(peer) ?? EMPTY
  }

  #hasRoom(peer: ServiceNodeKey, size: number): boolean {
    const { hints, bytes } = this.#queueOf(peer)
    const { peerHintsMax, peerHintBytesMax, hintBytesMax } = this.#options
    if (this.#components.disk.isFull() || hints >= peerHintsMax) return false
    return bytes + size <= peerHintBytesMax && this.statistics().bytes + size <= hintBytesMax
  }

  #change(batch: WriteBatch, peer: ServiceNodeKey, queue: Queue): void {
    const key = hintQueueKey(bytesOf(peer))
    if (queue.hints === 0) {
      this.#queues.delete(peer)
      batch.delete(key)
    } else {
      this.#queues.set(peer, queue)
      batch.put(key, encodeHintQueue(queue))
    }
    this.#report()
  }

  #report(): void {
    const { queued, bytes } = this.statistics()
    this.#components.metrics.hints.set(queued)
    this.#components.metrics.hintBytes.set(bytes)
  }
}

async function oldestOf(database: Database, peer: Uint8Array): Promise<TimestampMs | undefined> {
  await using values = database.values({ ...hintRange(peer), limit: 1 })
  const record = await values.next()
  return record && decodeHint(record).queuedMs
}

function bytesOf(peer: ServiceNodeKey): Uint8Array {
  return fromHex(peer) ?? new Uint8Array()
}

function keyOf(peer: Uint8Array): ServiceNodeKey {
  return toHex(peer) as ServiceNodeKey
}
