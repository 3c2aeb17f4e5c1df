// What the tests of the message store share: a store on a real LevelDB in a folder of its own, and messages to put into it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { hashMessage, type StoredMessage } from '../../../src/protocol/message.ts'
import { type Database, openDatabase } from '../../../src/storage/database.ts'
import { type MessageStoreComponents, openMessageStore } from '../../../src/storage/level-message-store.ts'
import type { MessageStore } from '../../../src/storage/message-store.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { defaultStorageOptions, type StorageOptions } from '../../../src/storage/options.ts'

export const START_MS = 1_800_000_000_000
export const ALICE = `05${'a1'.repeat(32)}` as AccountId
export const BOB = `05${'b0'.repeat(32)}` as AccountId

/** A clock that stands still until it is moved. */
export interface TestClock {
  wallMs: number
  elapsedMs: number
  nowMs(): number
  monotonicMs(): number
  /** Time passes: both readings move. */
  pass(ms: number): void
}

export function createTestClock(): TestClock {
  const clock: TestClock = {
    wallMs: START_MS,
    elapsedMs: 0,
    nowMs: () => clock.wallMs,
    monotonicMs: () => clock.elapsedMs,
    pass(ms) {
      clock.wallMs += ms
      clock.elapsedMs += ms
    },
  }
  return clock
}

let made = 0

/** Data of a size that differs from any other, as far as its size allows. */
export function uniqueData(size: number): Buffer {
  const data = Buffer.alloc(size)
  for (let rest = made++, index = 0; rest > 0 && index < size; rest >>>= 8, index++) data[index] = rest & 0xff
  return data
}

/** A message with data of its own; its hash follows from account, namespace and data. */
export function aMessage(changes: Partial<Omit<StoredMessage, 'hash'>> = {}): StoredMessage {
  const { account = ALICE, namespace = 0, data = Buffer.from(`message ${made++}`) } = changes
  return {
    timestampMs: START_MS,
    expiryMs: START_MS + DAY,
    ...changes,
    account,
    namespace,
    data,
    hash: hashMessage(account, namespace, data),
  }
}

export async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'starling-storage-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface TestStore extends AsyncDisposable {
  readonly store: MessageStore
  readonly clock: TestClock
  readonly path: string
  exposeMetrics(): Promise<string>
  /** Closes the store and opens it again on the same folder. */
  reopen(options?: Partial<StorageOptions>): Promise<void>
}

export async function openTestStore(
  options: Partial<StorageOptions> = {},
  components: Partial<MessageStoreComponents> = {},
): Promise<TestStore> {
  const folder = await makeFolder()
  const clock = createTestClock()
  let registry = createMetricsRegistry()
  const open = (changes: Partial<StorageOptions>) => {
    registry = createMetricsRegistry()
    return openMessageStore(
      {
        log: silentLogger,
        clock,
        metrics: createStorageMetrics(registry),
        freeDiskBytes: async () => 2 ** 40,
        ...components,
      },
      { ...defaultStorageOptions, ...options, ...changes, path: folder.path },
    )
  }
  let store = await open({})
  return {
    get store() {
      return store
    },
    clock,
    path: folder.path,
    exposeMetrics: () => registry.expose(),
    async reopen(changes = {}) {
      await store[Symbol.asyncDispose]()
      store = await open(changes)
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Changes what is on the disk behind the store's back, and opens the store again. */
export async function changeDatabase(
  { path, store, reopen }: TestStore,
  change: (database: Database) => Promise<void>,
): Promise<void> {
  await store[Symbol.asyncDispose]()
  const database = await openDatabase({ ...defaultStorageOptions, path })
  await change(database).finally(() => database.close())
  await reopen()
}

/** Everything in a namespace, without a limit. */
export const everything = { sizeMax: Number.MAX_SAFE_INTEGER }
