import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Database, openDatabase } from '../database.ts'
import { freeDiskBytesOf } from '../disk-space.ts'
import { SCHEMA_VERSION_KEY } from '../keys.ts'
import { defaultStorageOptions } from '../options.ts'
import { BackupError } from './errors.ts'
import { failedError, refuseForeignFolder, syncFolder } from './folder.ts'
import { type BackupManifest, RECORDS_FILE, readManifest } from './manifest.ts'
import { type DatabaseRecord, readRecords } from './record-file.ts'
import type { BackupRun } from './write-backup.ts'

export interface RestoreTarget {
  /** Folder of the backup. */
  readonly from: string
  /** Folder of the message database; there must be nothing in it. */
  readonly to: string
  /** Id of the network that the node is of, hex. */
  readonly network: string
}

/** LevelDB has each message in its log too for a while, and in two tables while it compacts. */
const ROOM_FACTOR = 1.2

/**
 * Makes a message database of a backup. Everything that can be is checked before the first byte is written; the database gets its name
 * when all of it is on the disk and the checksum was right. A failure leaves nothing behind.
 * @throws {BackupError} @throws {StorageError}
 */
export async function restoreBackup(target: RestoreTarget, run: BackupRun): Promise<BackupManifest> {
  const { from, to } = target
  const manifest = await readManifest(from)
  refuseOtherNetwork(manifest, target)
  await refuseHeld(to)
  const folder = dirname(to)
  await refuseForeignFolder(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw failedError(folder, error)
  })
  await refuseTooLittleRoom(manifest, folder)
  const unfinished = `${to}.restoring`
  // Of a restore that was killed.
  await rm(unfinished, { recursive: true, force: true })
  try {
    await fill(unfinished, { from, manifest }, run)
    await syncFolder(unfinished)
    await rename(unfinished, to)
    await syncFolder(folder)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {})
    throw !run.signal.aborted && isFromSystem(error) ? failedError(to, error) : error
  }
  return manifest
}

function refuseOtherNetwork({ network }: BackupManifest, target: RestoreTarget): void {
  if (network === target.network) return
  const message =
    `The backup is of the network ${network.slice(0, 8)}, and this node is of ${target.network.slice(0, 8)}. ` +
    'Give the configuration or the network preset of the node that was backed up; messages of one network mean nothing in another.'
  throw new BackupError('BACKUP_OF_OTHER_NETWORK', message, { details: { network, own: target.network } })
}

async function refuseHeld(to: string): Promise<void> {
  const held = await readdir(to).catch(() => [])
  if (held.length === 0) return
  const message = `${to} is not empty, and a restore never replaces messages: stop the node, move that folder away, and run the command again`
  throw new BackupError('RESTORE_NOT_EMPTY', message, { details: { to } })
}

async function refuseTooLittleRoom({ recordsBytes }: BackupManifest, folder: string): Promise<void> {
  const freeBytes = await freeDiskBytesOf(folder)
  const bytesExpected = Math.ceil(recordsBytes * ROOM_FACTOR)
  if (freeBytes >= bytesExpected) return
  const message = `The disk of ${folder} has too little room: the messages take about ${bytesExpected} bytes, and ${freeBytes} are free`
  throw new BackupError('BACKUP_NO_ROOM', message, { details: { folder, freeBytes, bytesExpected } })
}

async function fill(
  path: string,
  { from, manifest }: { readonly from: string; readonly manifest: BackupManifest },
  { signal, onProgress }: BackupRun,
): Promise<void> {
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const bytesExpected = manifest.recordsBytes
  let bytes = 0
  for await (const records of readRecords(join(from, RECORDS_FILE), manifest)) {
    bytes += await writeAll(database, records)
    onProgress?.({ bytes, bytesExpected })
    signal.throwIfAborted()
  }
  const version = await database.get(SCHEMA_VERSION_KEY)
  if (version?.length === 4 && version.readUInt32BE(0) === manifest.schema) return
  const message = `The records in ${from} are not of the schema version that the manifest names. Take another copy of the backup`
  throw new BackupError('BACKUP_DAMAGED', message, { details: { schema: manifest.schema } })
}

/** Each batch is flushed: LevelDB flushes none but its newest log later on. */
async function writeAll(database: Database, records: readonly DatabaseRecord[]): Promise<number> {
  const batch = database.batch()
  let bytes = 0
  for (const [key, value] of records) {
    batch.put(key, value)
    bytes += key.length + value.length
  }
  await batch.write({ sync: true })
  return bytes
}

/** A call that the system refused; LevelDB's own failures and ours have names of their own. */
function isFromSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
