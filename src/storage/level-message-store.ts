import type { Clock, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import { isPublicOutbox } from '../protocol/namespace.ts'
import type { OperationOrigin } from '../protocol/operation-stamp.ts'
import { changeAccount, type NamespacedHash } from './account-scan.ts'
import { type BackupRun, type BackupTarget, writeBackup } from './backup/write-backup.ts'
import { type Circumstances, ORDER_KEPT_MS } from './circumstances.ts'
import type { Contents } from './contents.ts'
import { SumKeeper } from './contents-sum-keeper.ts'
import { decodeTotals, EMPTY_TOTALS, type StoreCounts } from './counters-codec.ts'
import { type CreateDatabase, type Database, openDatabase, readError } from './database.ts'
import { deleteMessages } from './delete-operation.ts'
import { createDiskSpace, type DiskSpace, type FreeDiskBytes, freeDiskBytesOf } from './disk-space.ts'
import { expireMessages, isPointless, type MessageExpiry, sorted } from './expire-operation.ts'
import { createExpirySweeper, type ExpirySweeper, type ExpirySweeperComponents } from './expiry-sweeper.ts'
import { GroupCommit, type Writer } from './group-commit.ts'
import type { Hints } from './hints.ts'
import { accountBytes, hashBytes, locatorKey, TOTALS_KEY } from './keys.ts'
import { LevelContents } from './level-contents.ts'
import { openHints } from './level-hints.ts'
import { LevelMarks } from './level-marks.ts'
import type { Marks } from './marks.ts'
import { decodeLocator, type Locator } from './message-codec.ts'
import { isLive } from './message-records.ts'
import type { MessageStore } from './message-store.ts'
import type { StorageMetrics } from './metrics.ts'
import type { ExpireMode, NamespaceChoice, RangeOperation } from './operation.ts'
import { OperationClock } from './operation-clock.ts'
import type { StorageOptions } from './options.ts'
import { totalBytes } from './quota.ts'
import { type RequestSubject, subjectOfOutbox, subjectOfRange, subjectOfSet } from './request-codec.ts'
import { logRequest } from './request-log.ts'
import { type RetrieveQuery, retrieveMessages } from './retrieval.ts'
import { LevelRevocationStore, type RevocationStore } from './revocation-store.ts'
import { bringSchemaAlong } from './schema-version.ts'
import { type StoreResult, storeMessage } from './store-operation.ts'
import type { ItemChange } from './write-batch.ts'

export interface MessageStoreComponents {
  log: Logger
  clock: Clock
  metrics: StorageMetrics
  /** The system's unless given. */
  timers?: Timers
  /** LevelDB unless given. */
  createDatabase?: CreateDatabase
  /** Asks the file system unless given. */
  freeDiskBytes?: FreeDiskBytes
  /** How far the wall clock is ahead of what other machines say; then nothing is deleted by it. */
  clockAheadMs?: ExpirySweeperComponents['clockAheadMs']
}

interface ChangeRequest {
  readonly origin: OperationOrigin
  readonly sizeBytes?: number
  readonly scans?: boolean
  /** What later requests may supersede, or this one of earlier ones. */
  readonly subject?: RequestSubject
}

/** What a hash in a list takes while the list waits for the writer. */
const HASH_QUEUED_BYTES = 64

interface Parts {
  database: Database
  commits: GroupCommit
  sweeper: ExpirySweeper
  stamps: OperationClock
  hints: Hints
  sumKeeper: SumKeeper
  /** As they are when an operation's turn has come. */
  circumstances: () => Circumstances
}

/** Opens the message database, after a look at its schema version. The store owns the folder until it is disposed. */
export async function openMessageStore(
  components: MessageStoreComponents,
  options: StorageOptions,
): Promise<MessageStore> {
  const { log, clock, metrics, timers = systemTimers } = components
  await using opening = new AsyncDisposableStack()
  const database = await openDatabase(options, components.createDatabase)
  opening.defer(() => database.close())
  await bringSchemaAlong(database)
  const totals = await readTotals(database)
  metrics.messages.set(totals.messages)
  metrics.dataBytes.set(totals.dataBytes)
  metrics.tombstones.set(totals.tombstones)
  metrics.requests.set(totals.requests)
  const held: { totals: () => StoreCounts } = { totals: () => totals }
  const heldBytes = () => totalBytes(held.totals())
  const diskParts = { log, metrics, timers, freeDiskBytes: components.freeDiskBytes, heldBytes }
  const disk = opening.use(await createDiskSpace(diskParts, options))
  const sumKeeper = new SumKeeper({ database, log, timers })
  const onItems = (items: readonly ItemChange[]) => sumKeeper.apply(items)
  const commits = opening.use(new GroupCommit({ database, log, clock, metrics, onItems }, options, totals))
  held.totals = () => commits.totals
  opening.use(sumKeeper)
  const sweeper = opening.use(createExpirySweeper({ ...components, database, commits, timers }, options))
  const stamps = new OperationClock(clock, totals.newestStamp)
  const hints = await openHints({ database, commits, disk, clock, metrics }, options)
  const circumstances = (): Circumstances => {
    const nowMs = clock.nowMs()
    return {
      nowMs,
      settledMs: Math.max(0, nowMs - ORDER_KEPT_MS),
      droppedMs: 0,
      diskIsFull: disk.isFull(),
      quota: options,
      onForgotten: () => metrics.forgotten.inc(),
    }
  }
  const parts = { database, commits, sweeper, disk, stamps, hints, sumKeeper, circumstances }
  return new LevelMessageStore(components, options, parts, opening.move())
}

async function readTotals(database: Database) {
  const record = await database.get(TOTALS_KEY)
  return record === undefined ? EMPTY_TOTALS : decodeTotals(record)
}

class LevelMessageStore implements MessageStore {
  readonly revocations: RevocationStore
  readonly stamps: OperationClock
  readonly contents: Contents
  readonly hints: Hints
  readonly marks: Marks
  readonly #components: MessageStoreComponents
  readonly #options: StorageOptions
  readonly #parts: Parts
  readonly #disk: DiskSpace
  readonly #stack: AsyncDisposableStack

  constructor(
    components: MessageStoreComponents,
    options: StorageOptions,
    parts: Parts & { disk: DiskSpace },
    stack: AsyncDisposableStack,
  ) {
    this.revocations = new LevelRevocationStore(parts, options)
    this.contents = new LevelContents(parts)
    this.hints = parts.hints
    this.marks = new LevelMarks(parts)
    this.stamps = parts.stamps
    this.#components = components
    this.#options = options
    this.#parts = parts
    this.#disk = parts.disk
    this.#stack = stack
  }

  async store(message: StoredMessage, origin = this.stamps.begin()): Promise<StoreResult> {
    const result = await (isPublicOutbox(message.namespace)
      ? this.#storeOut(message, origin)
      : this.#store(message, origin))
    this.#countStore(message, result)
    return result
  }

  retrieve(query: RetrieveQuery) {
    return this.#read((database, nowMs) => retrieveMessages(database, query, nowMs))
  }

  delete(account: AccountId, hashes: readonly MessageHash[], origin = this.stamps.begin()): Promise<MessageHash[]> {
    const sizeBytes = hashes.length * HASH_QUEUED_BYTES
    return this.#change(account, { origin, sizeBytes }, (writer, circumstances) =>
      deleteMessages(writer, account, hashes, origin.stamp, circumstances),
    )
  }

  deleteAll(account: AccountId, namespace: NamespaceChoice, origin?: OperationOrigin): Promise<NamespacedHash[]> {
    return this.#changeAccount(account, { kind: 'delete-range', namespace, beforeMs: Number.MAX_SAFE_INTEGER }, origin)
  }

  deleteBefore(account: AccountId, namespace: NamespaceChoice, beforeMs: TimestampMs, origin?: OperationOrigin) {
    return this.#changeAccount(account, { kind: 'delete-range', namespace, beforeMs }, origin)
  }

  expire(account: AccountId, changes: readonly MessageExpiry[], mode: ExpireMode, origin = this.stamps.begin()) {
    const sizeBytes = changes.length * HASH_QUEUED_BYTES
    const run = (writer: Writer, circumstances: Circumstances) =>
      expireMessages(writer, account, changes, mode, origin.stamp, circumstances)
    // What only lengthens lives needs no proof: it goes with the messages.
    const isKept = mode === 'set' || mode === 'shorten'
    const { stamp } = origin
    const subject = mode === 'set' ? subjectOfSet(changes) : undefined
    return this.#change(account, { origin: isKept ? origin : { stamp }, sizeBytes, ...(subject && { subject }) }, run)
  }

  pointlessExpire(account: AccountId, changes: readonly MessageExpiry[], mode: ExpireMode) {
    return this.#read(async (database, nowMs) => {
      const held = await this.#heldOf(database, account, [...new Set(changes.map(({ hash }) => hash))], nowMs)
      const isNothing = changes.every(({ hash, expiryMs }) => {
        const locator = held.get(hash)
        return locator !== undefined && isPointless(mode, locator, expiryMs, nowMs)
      })
      return isNothing ? sorted(new Map([...held].map(([hash, { expiryMs }]) => [hash, expiryMs]))) : undefined
    })
  }

  expireAll(account: AccountId, namespace: NamespaceChoice, expiryMs: TimestampMs, origin?: OperationOrigin) {
    return this.#changeAccount(account, { kind: 'expire-range', namespace, expiryMs }, origin)
  }

  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageExpiry[]> {
    return this.#read(async (database, nowMs) => {
      const held = await this.#heldOf(database, account, [...new Set(hashes)], nowMs)
      return [...held].map(([hash, { expiryMs }]) => ({ hash, expiryMs }))
    })
  }

  statistics() {
    const { messages, dataBytes } = this.#parts.commits.totals
    return { messages, dataBytes }
  }

  health() {
    const { failure } = this.#parts.commits
    if (failure === undefined) {
      const shortage = this.#disk.shortage()
      return { writable: true, ...(shortage !== undefined && { shortage }) }
    }
    const cause = failure.cause instanceof Error ? `: ${failure.cause.message}` : ''
    return { writable: false, reason: failure.message + cause }
  }

  sweepNow(): Promise<number> {
    return this.#parts.sweeper.sweepNow()
  }

  backUp(target: BackupTarget, run: BackupRun) {
    const { clock, timers = systemTimers, freeDiskBytes = freeDiskBytesOf } = this.#components
    const { backupBytesPerSecondMax, freeDiskMinBytes } = this.#options
    const pace = { bytesPerSecondMax: backupBytesPerSecondMax, freeDiskMinBytes }
    return writeBackup({ database: this.#parts.database, clock, timers, freeDiskBytes }, target, pace, run)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  #store(message: StoredMessage, { stamp }: OperationOrigin): Promise<StoreResult> {
    return this.#parts.commits.submit({
      sizeBytes: message.data.length,
      scans: false,
      run: ({ batch }) => storeMessage(batch, message, stamp, this.#parts.circumstances()),
    })
  }

  /** What takes a public outbox ends what was there, so the request is kept that says that the owner wanted it. */
  #storeOut(message: StoredMessage, origin: OperationOrigin): Promise<StoreResult> {
    return this.#change(
      message.account,
      { origin, sizeBytes: message.data.length, subject: subjectOfOutbox(message) },
      async ({ batch }, circumstances) => storeMessage(batch, message, origin.stamp, circumstances),
      ({ outcome }) => outcome === 'full',
    )
  }

  #changeAccount(
    account: AccountId,
    operation: RangeOperation,
    origin = this.stamps.begin(),
  ): Promise<NamespacedHash[]> {
    const { database } = this.#parts
    const { stamp } = origin
    const subject = operation.kind === 'delete-range' ? subjectOfRange(operation) : undefined
    return this.#change(account, { origin, scans: true, ...(subject && { subject }) }, (writer, circumstances) =>
      changeAccount(database, writer, account, { operation, stamp }, circumstances),
    )
  }

  /** Keeps the request with the last of what it does: one that was done by half is done again when others tell of it. */
  #change<T>(
    account: AccountId,
    { origin, sizeBytes = 0, scans = false, subject }: ChangeRequest,
    change: (writer: Writer, circumstances: Circumstances) => Promise<T>,
    isUndone: (result: T) => boolean = () => false,
  ): Promise<T> {
    const { commits, database } = this.#parts
    return commits.submit({
      sizeBytes: sizeBytes + (origin.request?.length ?? 0),
      scans,
      run: async (writer) => {
        const circumstances = this.#parts.circumstances()
        const result = await change(writer, circumstances)
        if (isUndone(result)) return result
        await logRequest(database, writer.batch, accountBytes(account), origin, {
          circumstances,
          ...(subject && { subject }),
        })
        return result
      },
    })
  }

  /** Those of the messages that are held and live, in the order asked for. */
  async #heldOf(database: Database, account: AccountId, hashes: readonly MessageHash[], nowMs: TimestampMs) {
    const accountInKeys = accountBytes(account)
    const records = await database.getMany(hashes.map((hash) => locatorKey(accountInKeys, hashBytes(hash))))
    const held = new Map<MessageHash, Locator>()
    for (const [index, hash] of hashes.entries()) {
      const record = records[index]
      const locator = record === undefined ? undefined : decodeLocator(record)
      if (locator !== undefined && isLive(locator, nowMs)) held.set(hash, locator)
    }
    return held
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
