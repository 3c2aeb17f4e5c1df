import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import { compact, isCompactionDue } from './compaction.ts'
import type { Database } from './database.ts'
import { StorageError } from './errors.ts'
import { decodeExpiryEntry, expiryBucket } from './expiry-entry.ts'
import type { GroupCommit, Writer } from './group-commit.ts'
import { bucketOfExpiryKey, expiryRangeBefore } from './keys.ts'
import { findMessage, removeMessage } from './message-records.ts'
import type { StorageMetrics } from './metrics.ts'
import type { StorageOptions } from './options.ts'
import { createSweepClock } from './sweep-clock.ts'

export interface ExpirySweeperComponents {
  database: Database
  commits: GroupCommit
  clock: Clock
  log: Logger
  metrics: StorageMetrics
}

export interface ExpirySweeper extends AsyncDisposable {
  /** Sweeps now and tells how many messages were removed. */
  sweepNow(): Promise<number>
}

/** Entries swept at once. Each is an operation of its own, so that requests come in between. */
const PAGE_SIZE = 16

/** Removes messages whose bucket of time is over, a batch's worth at a time, through the same writer as everything else. */
export function createExpirySweeper(
  { database, commits, clock, log, metrics }: ExpirySweeperComponents,
  options: Pick<StorageOptions, 'sweepIntervalMs' | 'clockJumpToleranceMs' | 'clockJumpHoldMs'>,
): ExpirySweeper {
  const sweepClock = createSweepClock({ clock, log }, options)
  let removed = 0
  let removedSinceCompaction = 0

  const sweep = async (signal: AbortSignal) => {
    removed = 0
    const range = expiryRangeBefore(expiryBucket(sweepClock.nowMs()))
    await using iterator = database.iterator(range)
    for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
      if (signal.aborted) return
      // Together, so that they share flushes.
      await Promise.all(page.map(([key, entry]) => sweepEntry(key, entry).catch(passCorrupt)))
    }
  }

  const compactWhenDue = async (signal: AbortSignal) => {
    if (!isCompactionDue(removedSinceCompaction, commits.totals.messages)) return
    log.debug({ removed: removedSinceCompaction }, 'Compacting the message database')
    removedSinceCompaction = 0
    await compact(database, signal)
  }

  const sweepEntry = async (key: Buffer, entry: Buffer) => {
    const sizeBytes = entry.length
    const count = await commits.submit({ sizeBytes, scans: false, run: (writer) => removeExpired(writer, key, entry) })
    removed += count
    removedSinceCompaction += count
    metrics.swept.add(count)
  }

  /** One entry that cannot be read must not keep all others from being swept. */
  const passCorrupt = (error: unknown) => {
    if (!(error instanceof StorageError) || error.code !== 'RECORD_CORRUPT') throw error
    log.error({ error }, 'Expired messages cannot be removed: a record is damaged')
  }

  const periodic = createPeriodic(
    { log },
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

/** Removes what an entry names, unless it is gone or lives longer: then a later entry names it too. */
function removeExpired({ batch }: Writer, key: Buffer, entry: Buffer): number {
  const bucket = bucketOfExpiryKey(key)
  let removed = 0
  for (const id of decodeExpiryEntry(entry)) {
    const held = findMessage(batch, id)
    if (held === undefined || expiryBucket(held.locator.expiryMs) > bucket) continue
    removeMessage(batch, held)
    removed++
  }
  batch.delete(key)
  return removed
}
