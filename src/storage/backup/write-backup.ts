import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { SECOND } from '../../base/clock.ts'
import type { Timers } from '../../base/timers.ts'
import { decodeTotals, EMPTY_TOTALS, migratedTotals } from '../counters-codec.ts'
import { type Database, readError } from '../database.ts'
import type { FreeDiskBytes } from '../disk-space.ts'
import { StorageError } from '../errors.ts'
import { SCHEMA_VERSION_KEY, TOTALS_KEY } from '../keys.ts'
import { totalBytes } from '../quota.ts'
import { SCHEMA_VERSION } from '../schema-version.ts'
import { BackupError } from './errors.ts'
import { createBackupFolder, failedError } from './folder.ts'
import { type BackupManifest, type BackupOrigin, RECORDS_FILE, writeManifest } from './manifest.ts'
import { RecordWriter } from './record-file.ts'

export interface BackupTarget {
  /** Is made; must not be there yet. */
  readonly folder: string
  readonly origin: BackupOrigin
}

export interface BackupProgress {
  readonly bytes: number
  /** About, and rather more than less. */
  readonly bytesExpected: number
}

export interface BackupRun {
  readonly signal: AbortSignal
  onProgress?(progress: BackupProgress): void
}

export interface BackupSource {
  readonly database: Database
  readonly clock: Clock
  readonly timers: Timers
  readonly freeDiskBytes: FreeDiskBytes
}

export interface BackupPace {
  /** Bytes a second, so that what is read and written does not hold up a running store. Infinity for one that is closed. */
  readonly bytesPerSecondMax: number
  /** Free bytes that are left to others. */
  readonly freeDiskMinBytes: number
}

/** Read and written at once: a millisecond's work. */
const PAGE = { records: 512, bytes: 256 * 1024 }

type Snapshot = ReturnType<Database['snapshot']>

/**
 * Writes everything that the database holds at this moment into a new folder; changes go on meanwhile and are not in it. What is there
 * when this resolves is on the disk. A failure leaves nothing behind.
 * @throws {BackupError} @throws {StorageError} SCHEMA_UNSUPPORTED, READ_FAILED, CLOSED
 */
export async function writeBackup(
  source: BackupSource,
  { folder, origin }: BackupTarget,
  pace: BackupPace,
  run: BackupRun,
): Promise<BackupManifest> {
  run.signal.throwIfAborted()
  await createBackupFolder(folder)
  try {
    // A batch is in it whole or not at all.
    await using snapshot = source.database.snapshot()
    const createdAt = new Date(source.clock.nowMs()).toISOString()
    const held = await readCounters(source.database, snapshot)
    await refuseTooLittleRoom(source, folder, totalBytes(held), pace)
    const written = await writeRecords(source, snapshot, { folder, bytesExpected: totalBytes(held) }, pace, run)
    const { messages, dataBytes, schema } = held
    const manifest = { ...origin, createdAt, schema, messages, dataBytes, ...written }
    await writeManifest(folder, manifest)
    return manifest
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => {})
    throw run.signal.aborted ? error : errorOf(source.database, folder, error)
  }
}

async function readCounters(database: Database, snapshot: Snapshot) {
  const [version, record] = await database.getMany([SCHEMA_VERSION_KEY, TOTALS_KEY], { snapshot })
  if (version?.length !== 4) throw new StorageError('SCHEMA_UNSUPPORTED', 'The folder holds no message database.')
  const schema = version.readUInt32BE(0)
  if (schema > SCHEMA_VERSION) {
    const message = `The message database has schema version ${schema}, and this version of Starling knows up to ${SCHEMA_VERSION}. Back it up with the newer Starling.`
    throw new StorageError('SCHEMA_UNSUPPORTED', message, { details: { version: schema, known: SCHEMA_VERSION } })
  }
  const totals = record === undefined ? EMPTY_TOTALS : decodeTotals(migratedTotals(record) ?? record)
  return { ...totals, schema }
}

async function refuseTooLittleRoom(
  { freeDiskBytes }: BackupSource,
  folder: string,
  bytesExpected: number,
  { freeDiskMinBytes }: BackupPace,
): Promise<void> {
  const freeBytes = await freeDiskBytes(dirname(folder))
  if (freeBytes - freeDiskMinBytes >= bytesExpected) return
  const message = `The disk of ${folder} has too little room: the backup takes about ${bytesExpected} bytes, of ${freeBytes} free ones ${freeDiskMinBytes} must be left. Give a folder on another disk`
  throw new BackupError('BACKUP_NO_ROOM', message, { details: { folder, freeBytes, bytesExpected } })
}

async function writeRecords(
  { database, clock, timers }: BackupSource,
  snapshot: Snapshot,
  { folder, bytesExpected }: { readonly folder: string; readonly bytesExpected: number },
  { bytesPerSecondMax }: BackupPace,
  { signal, onProgress }: BackupRun,
) {
  await using writer = await RecordWriter.create(join(folder, RECORDS_FILE))
  await using iterator = database.iterator({ snapshot, fillCache: false, highWaterMarkBytes: PAGE.bytes } as object)
  let dueMs = clock.monotonicMs()
  for (let page = await iterator.nextv(PAGE.records); page.length > 0; page = await iterator.nextv(PAGE.records)) {
    const bytes = await writer.write(page)
    onProgress?.({ bytes: writer.bytes, bytesExpected })
    const nowMs = clock.monotonicMs()
    dueMs = Math.max(dueMs, nowMs) + (bytes / bytesPerSecondMax) * SECOND
    signal.throwIfAborted()
    if (dueMs > nowMs) await pause(timers, dueMs - nowMs, signal)
    signal.throwIfAborted()
  }
  const recordsSha256 = await writer.finish()
  return { records: writer.records, recordsBytes: writer.bytes, recordsSha256 }
}

/** Settles when the time is over, or the signal says that it does not matter any more. */
function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = timers.after(ms, end)
    signal.addEventListener('abort', end, { once: true })
  })
}

function errorOf(database: Database, folder: string, error: unknown): unknown {
  const told = readError(database, error)
  if (told instanceof StorageError || told instanceof BackupError) return told
  // What the system refuses has a code; anything else is a bug.
  return error instanceof Error && 'code' in error ? failedError(folder, error) : error
}
