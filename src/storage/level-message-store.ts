import type { Clock, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { AccountId } from '../protocol/account.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import { type AccountChange, changeAccount, type NamespaceChoice, type NamespacedHash } from './account-scan.ts'
import { decodeTotals, EMPTY_TOTALS } from './counters-codec.ts'
import { type CreateDatabase, type Database, openDatabase, readError } from './database.ts'
import { deleteMessages } from './delete-operation.ts'
import { createDiskSpace, type DiskSpace, type FreeDiskBytes } from './disk-space.ts'
import { type ExpireMode, expireMessages, type MessageExpiry } from './expire-operation.ts'
import { createExpirySweeper, type ExpirySweeper } from './expiry-sweeper.ts'
import { GroupCommit, type Writer } from './group-commit.ts'
import { accountBytes, hashBytes, locatorKey, TOTALS_KEY } from './keys.ts'
import { decodeLocator } from './message-codec.ts'
import { changeExpiry, isLive, removeMessage } from './message-records.ts'
import type { MessageStore } from './message-store.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import { type RetrieveQuery, retrieveMessages } from './retrieval.ts'
import { LevelRevocationStore, type RevocationStore } from './revocation-store.ts'
import { checkSchemaVersion } from './schema-version.ts'
import { type StoreResult, storeMessage } from './store-operation.ts'

export interface MessageStoreComponents {
  log: Logger
  clock: Clock
  metrics: StorageMetrics
  /** LevelDB unless given. */
  createDatabase?: CreateDatabase
  /** Asks the file system unless given. */
  freeDiskBytes?: FreeDiskBytes
}

/** What a hash in a list takes while the list waits for the writer. */
const HASH_QUEUED_BYTES = 64

interface Parts {
  database: Database
  commits: GroupCommit
  sweeper: ExpirySweeper
  disk: DiskSpace
}

/** Opens the message database, after a look at its schema version. The store owns the folder until it is disposed. */
export async function openMessageStore(
  components: MessageStoreComponents,
  options: StorageOptions,
): Promise<MessageStore> {
  const { log, clock, metrics } = components
  await using opening = new AsyncDisposableStack()
  const database = await openDatabase(options, components.createDatabase)
  opening.defer(() => database.close())
  await checkSchemaVersion(database)
  const totals = await readTotals(database)
  metrics.messages.set(totals.messages)
  metrics.dataBytes.set(totals.dataBytes)
  const disk = opening.use(await createDiskSpace({ log, metrics, freeDiskBytes: components.freeDiskBytes }, options))
  const commits = opening.use(new GroupCommit({ database, log, clock, metrics }, options, totals))
  const sweeper = opening.use(createExpirySweeper({ database, commits, clock, log, metrics }, options))
  return new LevelMessageStore(components, options, { database, commits, sweeper, disk }, opening.move())
}

async function readTotals(database: Database) {
  const record = await database.get(TOTALS_KEY)
  return record === undefined ? EMPTY_TOTALS : decodeTotals(record)
}

class LevelMessageStore implements MessageStore {
  readonly revocations: RevocationStore
  readonly #components: MessageStoreComponents
  readonly #options: StorageOptions
  readonly #parts: Parts
  readonly #stack: AsyncDisposableStack

  constructor(components: MessageStoreComponents, options: StorageOptions, parts: Parts, stack: AsyncDisposableStack) {
    this.revocations = new LevelRevocationStore({ clock: components.clock, ...parts }, options)
    this.#components = components
    this.#options = options
    this.#parts = parts
    this.#stack = stack
  }

  async store(message: StoredMessage): Promise<StoreResult> {
    const { clock } = this.#components
    const { commits, disk } = this.#parts
    const result = await commits.submit({
      sizeBytes: message.data.length,
      scans: false,
      run: ({ batch }) =>
        storeMessage(batch, message, { nowMs: clock.nowMs(), diskIsFull: disk.isFull(), quota: this.#options }),
    })
    this.#countStore(message, result)
    return result
  }

  retrieve(query: RetrieveQuery) {
    return this.#read((database, nowMs) => retrieveMessages(database, query, nowMs))
  }

  delete(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageHash[]> {
    const sizeBytes = hashes.length * HASH_QUEUED_BYTES
    return this.#write({ sizeBytes }, (writer, nowMs) => deleteMessages(writer, account, hashes, nowMs))
  }

  deleteAll(account: AccountId, namespace: NamespaceChoice): Promise<NamespacedHash[]> {
    return this.#changeAccount({ account, namespace, concerns: () => true, apply: removeMessage })
  }

  deleteBefore(account: AccountId, namespace: NamespaceChoice, beforeMs: TimestampMs): Promise<NamespacedHash[]> {
    const concerns: AccountChange['concerns'] = ({ timestampMs }) => timestampMs <= beforeMs
    return this.#changeAccount({ account, namespace, concerns, apply: removeMessage })
  }

  expire(account: AccountId, changes: readonly MessageExpiry[], mode: ExpireMode) {
    const sizeBytes = changes.length * HASH_QUEUED_BYTES
    return this.#write({ sizeBytes }, (writer, nowMs) => expireMessages(writer, account, changes, mode, nowMs))
  }

  expireAll(account: AccountId, namespace: NamespaceChoice, expiryMs: TimestampMs): Promise<NamespacedHash[]> {
    const concerns: AccountChange['concerns'] = (locator) => locator.expiryMs > expiryMs
    const apply: AccountChange['apply'] = (batch, held) => changeExpiry(batch, held, expiryMs)
    return this.#changeAccount({ account, namespace, concerns, apply })
  }

  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageExpiry[]> {
    const distinct = [...new Set(hashes)]
    const accountInKeys = accountBytes(account)
    return this.#read(async (database, nowMs) => {
      const records = await database.getMany(distinct.map((hash) => locatorKey(accountInKeys, hashBytes(hash))))
      return distinct.flatMap((hash, index) => {
        const record = records[index]
        const locator = record === undefined ? undefined : decodeLocator(record)
        return locator !== undefined && isLive(locator, nowMs) ? [{ hash, expiryMs: locator.expiryMs }] : []
      })
    })
  }

  statistics() {
    const { messages, dataBytes } = this.#parts.commits.totals
    return { messages, dataBytes }
  }

  health() {
    const { failure } = this.#parts.commits
    if (failure === undefined) return { writable: true }
    const cause = failure.cause instanceof Error ? `: ${failure.cause.message}` : ''
    return { writable: false, reason: failure.message + cause }
  }

  sweepNow(): Promise<number> {
    return this.#parts.sweeper.sweepNow()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  #changeAccount(change: Omit<AccountChange, 'nowMs'>): Promise<NamespacedHash[]> {
    const { database } = this.#parts
    return this.#write({ scans: true }, (writer, nowMs) => changeAccount(database, writer, { ...change, nowMs }))
  }

  #write<T>(
    { sizeBytes = 0, scans = false }: { sizeBytes?: number; scans?: boolean },
    run: (writer: Writer, nowMs: TimestampMs) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#components
    return this.#parts.commits.submit({
      sizeBytes,
      scans,
      run: (writer) => run(writer, clock.nowMs()),
    })
  }

  async #read<T>(read: (database: Database, nowMs: TimestampMs) => Promise<T>): Promise<T> {
    const { database } = this.#parts
    try {
      return await read(database, this.#components.clock.nowMs())
    } catch (error) {
      throw readError(database, error)
    }
  }

  #countStore(message: StoredMessage, { outcome, reason }: StoreResult): void {
    const { metrics } = this.#components
    metrics.stored.inc({ outcome })
    if (outcome === 'new') metrics.storedSize.observe(message.data.length)
    if (reason !== undefined) metrics.full.inc({ reason })
  }
}
