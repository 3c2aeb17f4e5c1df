import type { Clock, TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { Timers } from '../base/timers.ts'
import { isPublicOutbox } from '../protocol/namespace.ts'
import { forgetRanges } from './account-scan.ts'
import { type Circumstances, DATA_KEPT_MS, ORDER_KEPT_MS } from './circumstances.ts'
import { compact, isCompactionDue } from './compaction.ts'
import type { Database } from './database.ts'
import { StorageError } from './errors.ts'
import { bucketEndMs, decodeExpiryEntry, expiryBucket } from './expiry-entry.ts'
import type { GroupCommit, Writer } from './group-commit.ts'
import { ACCOUNT_ITSELF, bucketOfExpiryKey, expiryRangeBefore } from './keys.ts'
import { bucketsOf, changeRecords, findLocator, type MessageId } from './message-records.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import type { QuotaOptions } from './quota.ts'
import { nameOfId, stampOfName } from './request-codec.ts'
import { removeRequest, requestExpiryMs } from './request-log.ts'
import { settleRevocations } from './revocation-store.ts'
import { settle } from './settlement.ts'
import { createSweepClock, type SweepClockComponents } from './sweep-clock.ts'
import type { WriteBatch } from './write-batch.ts'

export interface ExpirySweeperComponents {
  database: Database
  commits: GroupCommit
  clock: Clock
  timers: Timers
  log: Logger
  metrics: StorageMetrics
  /** How far the wall clock is ahead of what other machines say. */
  clockAheadMs?: SweepClockComponents['clockAheadMs']
}

export interface ExpirySweeper extends AsyncDisposable {
  /** Sweeps now and tells how many messages were removed. */
  sweepNow(): Promise<number>
}

/** Entries swept at once. Each is an operation of its own, so that requests come in between. */
const PAGE_SIZE = 16

/** Removes messages whose bucket of time is over, a batch's worth at a time, through the same writer as everything else. */
export function createExpirySweeper(
  { database, commits, clock, timers, log, metrics, clockAheadMs }: ExpirySweeperComponents,
  options: Pick<StorageOptions, 'sweepIntervalMs' | 'clockJumpToleranceMs' | 'clockJumpHoldMs'> & QuotaOptions,
): ExpirySweeper {
  const sweepClock = createSweepClock({ clock, log, clockAheadMs }, options)
  let removed = 0
  let removedSinceCompaction = 0

  const sweep = async (signal: AbortSignal) => {
    removed = 0
    // What arrives late may still bring back or lengthen what had expired at its moment.
    const sweptMs = sweepClock.nowMs()
    const settledMs = Math.max(0, sweptMs - ORDER_KEPT_MS)
    const range = expiryRangeBefore(expiryBucket(Math.max(0, sweptMs - DATA_KEPT_MS)))
    await using iterator = database.iterator(range)
    for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
      if (signal.aborted) return
      // Together, so that they share flushes.
      await Promise.all(page.map(([key, entry]) => sweepEntry(key, entry, settledMs).catch(passCorrupt)))
    }
  }

  const compactWhenDue = async (signal: AbortSignal) => {
    if (!isCompactionDue(removedSinceCompaction, commits.totals.messages)) return
    log.debug({ removed: removedSinceCompaction }, 'Compacting the message database')
    removedSinceCompaction = 0
    await compact(database, signal)
  }

  const sweepEntry = async (key: Buffer, entry: Buffer, settledMs: TimestampMs) => {
    const onForgotten = () => metrics.forgotten.inc()
    const judged = { nowMs: clock.nowMs(), settledMs, droppedMs: 0, diskIsFull: false }
    const circumstances = { ...judged, quota: options, onForgotten }
    const count = await commits.submit({
      sizeBytes: entry.length,
      scans: false,
      // Nobody waits for it, so what clients wait for goes first.
      isPatient: true,
      run: (writer) => removeExpired(writer, key, entry, circumstances, passCorrupt),
    })
    removed += count
    removedSinceCompaction += count
    metrics.swept.add(count)
  }

  /** One record that cannot be read must not keep all others from being swept. */
  const passCorrupt = (error: unknown) => {
    if (!(error instanceof StorageError) || error.code !== 'RECORD_CORRUPT') throw error
    log.error({ error }, 'Expired messages cannot be removed: a record is damaged')
  }

  const periodic = createPeriodic(
    { log, timers },
    { intervalMs: options.sweepIntervalMs, sentence: 'Sweeping expired messages failed' },
    async (signal) => {
      await sweep(signal).catch(passBusy)
      await compactWhenDue(signal)
    },
  )
  return {
    async sweepNow() {
      await periodic.runNow()
      return removed
    },
    [Symbol.asyncDispose]: () => periodic[Symbol.asyncDispose](),
  }
}

/** The rest of a sweep can wait for the next one when requests are waiting. A store that fails has said so already. */
function passBusy(error: unknown): void {
  if (error instanceof StorageError && ['BUSY', 'NOT_WRITABLE', 'WRITE_FAILED'].includes(error.code)) return
  throw error
}

/**
 * Removes what an entry names, unless it is gone or lives longer: then a later entry names it too. What is settled of
 * what stays is folded. Returns how many messages were removed that were still held.
 */
async function removeExpired(
  writer: Writer,
  key: Buffer,
  entry: Buffer,
  circumstances: Circumstances,
  passCorrupt: (error: unknown) => void,
): Promise<number> {
  const bucket = bucketOfExpiryKey(key)
  const heldBefore = writer.batch.totals.messages
  let isWhole = true
  for (const id of decodeExpiryEntry(entry)) {
    await writer.makeRoom()
    try {
      sweepReference(writer.batch, id, bucket, circumstances)
    } catch (error) {
      passCorrupt(error)
      isWhole = false
    }
  }
  // What is damaged is tried again, and told again, until somebody repairs it.
  if (isWhole) writer.batch.delete(key)
  return heldBefore - writer.batch.totals.messages
}

function sweepReference(batch: WriteBatch, id: MessageId, bucket: number, circumstances: Circumstances): void {
  if (id.hash.equals(ACCOUNT_ITSELF)) {
    forgetRanges(batch, id.account, bucket)
    settleRevocations(batch, id.account, circumstances.settledMs)
    return
  }
  const name = nameOfId(id.hash)
  const isRequest = name !== undefined && expiryBucket(requestExpiryMs(stampOfName(name))) <= bucket
  if (isRequest && removeRequest(batch, id.account, name)) return
  sweepMessage(batch, id, bucket, circumstances)
}

function sweepMessage(batch: WriteBatch, id: MessageId, bucket: number, circumstances: Circumstances): void {
  const found = findLocator(batch, id)
  if (found === undefined || !bucketsOf(found).some((due) => due <= bucket)) return
  // What an outbox held is remembered, for what is older and may still arrive.
  const isRemembered = found.history !== undefined || isPublicOutbox(found.namespace)
  if (isRemembered) settle(batch, id, undefined, { ...circumstances, droppedMs: bucketEndMs(bucket) })
  const left = isRemembered ? findLocator(batch, id) : found
  const isOver = left !== undefined && left.history === undefined && bucketsOf(left).every((due) => due <= bucket)
  if (isOver) changeRecords(batch, [{ id, before: left, after: undefined, data: undefined }])
}
