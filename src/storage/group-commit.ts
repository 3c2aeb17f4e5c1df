import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Totals } from './counters-codec.ts'
import { type Database, readError } from './database.ts'
import { DatabaseReader } from './database-reader.ts'
import { StorageError } from './errors.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import { type ItemChange, WriteBatch } from './write-batch.ts'

export interface GroupCommitComponents {
  database: Database
  log: Logger
  clock: Clock
  metrics: StorageMetrics
  /** Is told what came and went when the disk has it, batch by batch. */
  onItems?: (items: readonly ItemChange[]) => void
}

export type GroupCommitOptions = Pick<
  StorageOptions,
  'queuedOperationsMax' | 'queuedBytesMax' | 'batchRecordsMax' | 'batchBytesMax'
>

/** Steps of long operations between two turns of the event loop: the slowest, in a full outbox, takes half a millisecond. */
const STEPS_PER_TURN = 32
/** Operations that go before a patient one, so that it comes to its turn at last. */
const BEFORE_PATIENT_MAX = 64
/**
 * While a batch is being flushed, the next one may have so many times as many records of what is patient, and this part of the bytes: fewer flushes leave
 * the disk to others.
 */
const PATIENT_RECORDS_FACTOR = 4
const PATIENT_BYTES_SHARE = 0.5
/** Records of what is patient between two turns of the event loop: a millisecond's work. */
const PATIENT_RECORDS_PER_TURN = 128

/** What an operation writes through. */
export interface Writer {
  /** The batch that is being filled. Another one after each `makeRoom`, so never keep it. */
  readonly batch: WriteBatch
  /** Writes the batch when it is full, and lets others have a turn now and then. Long operations call it between their steps. */
  makeRoom(): Promise<void>
}

/**
 * One change of the store. Each step of it reads before it writes, so that a step that fails to read leaves nothing half
 * done; steps before it stay, as if the operation had been shorter.
 */
export interface WriteOperation<T> {
  /** Bytes that wait with it. */
  sizeBytes: number
  /** Whether it iterates over the database, which shows only what is written. */
  scans: boolean
  /** Whether others go first: nobody waits for it but whoever brings what this node lacks. */
  isPatient?: boolean
  run(writer: Writer): T | Promise<T>
}

/** How an operation of a batch is answered once the batch is on the disk. */
interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

interface Queued {
  operation: Pick<WriteOperation<unknown>, 'sizeBytes' | 'scans'>
  /** Runs the operation; settles its promise at once on failure, else returns who waits for the batch. */
  run(writer: Writer): Promise<Waiter | undefined> | Waiter | undefined
  reject(error: StorageError): void
}

/** Operations that share a flush. */
interface Group {
  batch: WriteBatch
  waiters: Waiter[]
  /** Whether one of them is not patient. */
  isAwaited: boolean
  /** Records of those that are. They take no room from others. */
  patientRecords: number
}

/**
 * The only writer of the database. Operations run one after the other, so each sees what those before it did; those that
 * arrive while a batch is being flushed share the next one. None is answered before its batch, and with it every earlier
 * one, is on the disk. After a failed write nothing is acknowledged any more.
 */
export class GroupCommit implements AsyncDisposable {
  readonly #components: GroupCommitComponents
  readonly #options: GroupCommitOptions
  readonly #queue: Queued[] = []
  readonly #patient: Queued[] = []
  #beforePatient = 0
  readonly #writer: Writer
  readonly #reader: DatabaseReader
  #queuedBytes = 0
  #steps = 0
  #recordsSinceTurn = 0
  #open: Group
  #committed: Totals
  /** The batch that is being written; never rejects. */
  #writing: Promise<void> = Promise.resolve()
  #isWriting = false
  #draining: Promise<void> | undefined
  #onArrival: () => void = () => {}
  #failure: StorageError | undefined
  #closed = false

  constructor(components: GroupCommitComponents, options: GroupCommitOptions, totals: Totals) {
    this.#components = components
    this.#options = options
    this.#committed = totals
    this.#reader = new DatabaseReader(components.database)
    this.#open = { batch: new WriteBatch(this.#reader, totals), waiters: [], isAwaited: false, patientRecords: 0 }
    const self = this
    this.#writer = {
      get batch() {
        return self.#open.batch
      },
      makeRoom: () => this.#makeRoom(),
    }
  }

  /** Counters of what is on the disk. */
  get totals(): Totals {
    return this.#committed
  }

  /** Why nothing can be written any more, if so. */
  get failure(): StorageError | undefined {
    return this.#failure
  }

  /** Settles with the operation's result when it is on the disk. Rejects at once when it cannot be queued. */
  async submit<T>(operation: WriteOperation<T>): Promise<T> {
    this.#admit(operation)
    return new Promise<T>((resolve, reject) => {
      const queue = operation.isPatient === true ? this.#patient : this.#queue
      queue.push({
        operation,
        run: (writer) => this.#run(operation, writer, resolve, reject),
        reject,
      })
      this.#queuedBytes += operation.sizeBytes
      this.#onArrival()
      // A microtask later, so that what is submitted in the same turn shares the batch.
      this.#draining ??= Promise.resolve().then(() => this.#drain())
    })
  }

  /** Takes nothing more and writes what is queued. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  #admit({ sizeBytes }: { sizeBytes: number }): void {
    const { metrics } = this.#components
    if (this.#closed) throw new StorageError('CLOSED', 'The message store is closed')
    if (this.#failure !== undefined) {
      metrics.refused.inc({ reason: 'not_writable' })
      throw this.#notWritable()
    }
    const { queuedOperationsMax, queuedBytesMax } = this.#options
    // A single operation always fits, however large it is.
    const bytesFit = this.#waiting === 0 || this.#queuedBytes + sizeBytes <= queuedBytesMax
    if (this.#waiting >= queuedOperationsMax || !bytesFit) {
      metrics.refused.inc({ reason: 'busy' })
      throw new StorageError('BUSY', 'Too many operations wait for the message database')
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting > 0 || this.#open.waiters.length > 0) {
      await this.#fill()
      await this.#writing
      // What arrived during that write joins, if there is room.
      await this.#fill()
      this.#startWriting()
      if (this.#waiting === 0) await Promise.race([this.#writing, this.#arrival()])
    }
    // In the same turn as the last look at the queue, so that nothing is queued unseen.
    this.#draining = undefined
  }

  /** Until something is queued. */
  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#onArrival = resolve
    })
  }

  /** Runs queued operations into the open batch until it is full. */
  async #fill(): Promise<void> {
    while (this.#waiting > 0) {
      const queue = this.#nextQueue()
      const isPatient = queue === this.#patient
      if (isPatient ? !this.#hasRoomForPatient() : this.#isFull(this.#open.patientRecords)) return
      const next = queue[0]
      if (next?.operation.scans) {
        if (!this.#open.batch.isEmpty) return
        await this.#writing
      }
      queue.shift()
      if (next === undefined) return
      this.#queuedBytes -= next.operation.sizeBytes
      await (isPatient ? this.#runPatient(next) : this.#runAwaited(next))
    }
  }

  #runAwaited(queued: Queued): Promise<void> {
    this.#beforePatient++
    this.#open.isAwaited = true
    return this.#runInto(queued)
  }

  /** What clients ask for meanwhile goes before the next. */
  async #runPatient(queued: Queued): Promise<void> {
    this.#beforePatient = 0
    const { records } = this.#open.batch
    await this.#runInto(queued)
    const added = Math.max(0, this.#open.batch.records - records)
    this.#open.patientRecords += added
    this.#recordsSinceTurn += added
    if (this.#recordsSinceTurn < PATIENT_RECORDS_PER_TURN) return
    this.#recordsSinceTurn = 0
    await setImmediate()
  }

  /** Whoever is not patient does not wait for more than the flush that is under way, and for his own. */
  #hasRoomForPatient(): boolean {
    if (!this.#isWriting) return !this.#open.isAwaited && !this.#isFull()
    const { records, bytes } = this.#open.batch
    const { batchRecordsMax, batchBytesMax } = this.#options
    return records < PATIENT_RECORDS_FACTOR * batchRecordsMax && bytes < PATIENT_BYTES_SHARE * batchBytesMax
  }

  get #waiting(): number {
    return this.#queue.length + this.#patient.length
  }

  #nextQueue(): Queued[] {
    if (this.#patient.length === 0) return this.#queue
    return this.#queue.length === 0 || this.#beforePatient >= BEFORE_PATIENT_MAX ? this.#patient : this.#queue
  }

  async #runInto(queued: Queued): Promise<void> {
    if (this.#failure !== undefined) return queued.reject(this.#notWritable())
    const running = queued.run(this.#writer)
    const waiter = running instanceof Promise ? await running : running
    if (waiter !== undefined) this.#open.waiters.push(waiter)
  }

  #run<T>(
    operation: WriteOperation<T>,
    writer: Writer,
    resolve: (result: T) => void,
    reject: (error: unknown) => void,
  ): Promise<Waiter | undefined> | Waiter | undefined {
    const fail = (error: unknown) => reject(readError(this.#components.database, error))
    const wait = (result: T): Waiter => ({ resolve: () => resolve(result), reject })
    try {
      const running = operation.run(writer)
      if (!(running instanceof Promise)) return wait(running)
      return running.then(wait, (error: unknown) => void fail(error))
    } catch (error) {
      fail(error)
      return undefined
    }
  }

  #isFull(uncounted = 0): boolean {
    const { records, bytes } = this.#open.batch
    return records - uncounted >= this.#options.batchRecordsMax || bytes >= this.#options.batchBytesMax
  }

  async #makeRoom(): Promise<void> {
    this.#steps++
    // Steps that change nothing never fill the batch.
    if (this.#steps % STEPS_PER_TURN === 0) await setImmediate()
    if (!this.#isFull()) return
    await this.#writing
    this.#startWriting()
    await this.#writing
    if (this.#failure !== undefined) throw this.#notWritable()
  }

  /** Closes the open batch and writes it; the next one is filled meanwhile and sees what this one holds. */
  #startWriting(): void {
    const group = this.#open
    const { batch } = group
    this.#components.metrics.queued.set(this.#waiting)
    try {
      if (!batch.isEmpty) batch.seal()
    } catch (error) {
      // Counters that cannot be: whatever is wrong, nobody may wait for ever.
      this.#fail(error, group.waiters.splice(0))
    }
    const next = batch.isEmpty ? batch : new WriteBatch(batch, batch.totals)
    this.#open = { batch: next, waiters: [], isAwaited: false, patientRecords: 0 }
    this.#isWriting = true
    this.#writing = this.#write(group).then(() => {
      this.#isWriting = false
      next.rebase(this.#reader)
    })
  }

  async #write({ batch, waiters }: Group): Promise<void> {
    if (this.#failure !== undefined) return rejectAll(waiters, this.#notWritable())
    try {
      if (!batch.isEmpty) await this.#commit(batch, waiters.length)
    } catch (error) {
      return this.#fail(error, waiters)
    }
    for (const waiter of waiters) waiter.resolve()
  }

  async #commit(batch: WriteBatch, operations: number): Promise<void> {
    const { clock, database, metrics } = this.#components
    const startMs = clock.monotonicMs()
    await batch.write(database)
    this.#reader.update(batch.writes())
    metrics.commit.observe((clock.monotonicMs() - startMs) / SECOND)
    metrics.batchOperations.observe(operations)
    this.#committed = batch.totals
    this.#components.onItems?.(batch.items)
    metrics.messages.set(batch.totals.messages)
    metrics.dataBytes.set(batch.totals.dataBytes)
    metrics.tombstones.set(batch.totals.tombstones)
    metrics.requests.set(batch.totals.requests)
  }

  #fail(cause: unknown, waiters: readonly Waiter[]): void {
    const error = new StorageError('WRITE_FAILED', 'Writing the message database failed', { cause })
    this.#failure = error
    this.#components.metrics.writeFailures.inc()
    this.#components.log.error({ error }, 'Writing messages failed; nothing is stored until the node is restarted')
    rejectAll(waiters, error)
  }

  #notWritable(): StorageError {
    return new StorageError('NOT_WRITABLE', 'An earlier write failed; the message store must be opened again', {
      cause: this.#failure,
    })
  }
}

function rejectAll(waiters: readonly Waiter[], error: StorageError): void {
  for (const waiter of waiters) waiter.reject(error)
}
