import { setImmediate } from 'node:timers/promises'
import { type DurationMs, MINUTE } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Timers } from '../base/timers.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { createArcTest } from './arc.ts'
import type { ContentsSums } from './contents.ts'
import { ContentsCells } from './contents-cells.ts'
import type { Database } from './database.ts'
import type { GroupCommit } from './group-commit.ts'
import { accountOfKey, hashOfKey, kindRange, nameOfRequestKey, REQUEST_NAME_SIZE } from './keys.ts'
import { decodeLocator, isHeld } from './message-codec.ts'
import { idOfName, stampOfName } from './request-codec.ts'
import { requestExpiryMs } from './request-log.ts'
import type { ContentsItem, ItemChange } from './write-batch.ts'

/** Records looked at between two turns of the event loop: less than a millisecond's work. */
const PAGE_SIZE = 128

type Snapshot = ReturnType<Database['snapshot']>

/** How long to wait after a failure: the store was busy, or a record is damaged. */
const RETRY_MS: DurationMs = MINUTE

export interface SumKeeperComponents {
  readonly database: Database
  readonly log: Logger
  readonly timers: Timers
}

/**
 * Sums over the accounts of one arc. They begin with a snapshot that is taken between two batches; what is committed from then on
 * is added at once, and what the snapshot has, bit by bit.
 */
export class SumKeeper implements AsyncDisposable {
  readonly #components: SumKeeperComponents
  #arc: SwarmArc | undefined
  #isCovered: (account: Buffer) => boolean = () => false
  #cells: ContentsCells | undefined
  #isWhole = false
  #counting = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(components: SumKeeperComponents) {
    this.#components = components
  }

  /** Another arc makes the sums anew. */
  cover(arc: SwarmArc | undefined, commits: Pick<GroupCommit, 'submit'>): void {
    if (arc?.first === this.#arc?.first && arc?.last === this.#arc?.last) return
    this.#counting.abort()
    this.#counting = new AbortController()
    this.#arc = arc
    this.#cells = undefined
    this.#isWhole = false
    if (arc === undefined) return
    this.#isCovered = createArcTest(arc)
    this.#start(arc, this.#counting.signal, commits)
  }

  sums(): ContentsSums | undefined {
    return this.#isWhole ? this.#cells : undefined
  }

  /** What came and went, in the order of batches. */
  apply(changes: readonly ItemChange[]): void {
    if (this.#cells === undefined) return
    for (const change of changes) if (this.#isCovered(change.item.account)) this.#cells.apply(change)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#counting.abort()
    await this.#running
  }

  #start(arc: SwarmArc, signal: AbortSignal, commits: Pick<GroupCommit, 'submit'>): void {
    const { log, timers } = this.#components
    this.#running = this.#count(arc, signal, commits).catch((error: unknown) => {
      if (signal.aborted) return
      log.warn({ error }, 'What is held could not be summed up; it is not compared with other members until it is')
      this.#cells = undefined
      const cancel = timers.after(RETRY_MS, () => this.#start(arc, signal, commits))
      signal.addEventListener('abort', cancel, { once: true })
    })
  }

  async #count(arc: SwarmArc, signal: AbortSignal, commits: Pick<GroupCommit, 'submit'>): Promise<void> {
    const { database } = this.#components
    const cells = new ContentsCells()
    await using snapshot = await commits.submit({
      sizeBytes: 0,
      // Nothing is being written then.
      scans: true,
      run: () => {
        if (!signal.aborted) this.#cells = cells
        return database.snapshot()
      },
    })
    const isCovered = createArcTest(arc)
    for await (const item of heldItems(database, snapshot)) {
      if (signal.aborted) return
      if (isCovered(item.account)) cells.apply({ by: 1, item })
    }
    if (!signal.aborted) this.#isWhole = true
  }
}

/** Everything that members compare, with a turn for others now and then. */
async function* heldItems(database: Database, snapshot: Snapshot): AsyncGenerator<ContentsItem> {
  await using locators = database.iterator({ ...kindRange('locator'), snapshot })
  for (let page = await locators.nextv(PAGE_SIZE); page.length > 0; page = await locators.nextv(PAGE_SIZE)) {
    for (const [key, record] of page) {
      const locator = decodeLocator(record)
      if (!isHeld(locator)) continue
      const { namespace, timestampMs, expiryMs } = locator
      yield { kind: 'message', account: accountOfKey(key), id: hashOfKey(key), namespace, timestampMs, expiryMs }
    }
    await setImmediate()
  }
  await using requests = database.keys({ ...kindRange('requests'), snapshot })
  for (let page = await requests.nextv(PAGE_SIZE); page.length > 0; page = await requests.nextv(PAGE_SIZE)) {
    for (const key of page) {
      const name = nameOfRequestKey(key)
      if (name.length < REQUEST_NAME_SIZE) continue
      const expiryMs = requestExpiryMs(stampOfName(name))
      yield { kind: 'request', account: accountOfKey(key), id: idOfName(name), expiryMs }
    }
    await setImmediate()
  }
}
