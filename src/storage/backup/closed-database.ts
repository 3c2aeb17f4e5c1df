import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { systemTimers } from '../../base/timers.ts'
import { openDatabase } from '../database.ts'
import { freeDiskBytesOf } from '../disk-space.ts'
import { defaultStorageOptions } from '../options.ts'
import { BackupError } from './errors.ts'
import { refuseForeignFolder } from './folder.ts'
import type { BackupManifest } from './manifest.ts'
import { type BackupRun, type BackupTarget, writeBackup } from './write-backup.ts'

/** Backs up the database of a node that does not run. It is left in the schema version that it has. @throws {BackupError} @throws {StorageError} */
export async function backUpClosedDatabase(
  { clock }: { readonly clock: Clock },
  path: string,
  target: BackupTarget,
  run: BackupRun,
): Promise<BackupManifest> {
  // Opening would make one.
  await access(join(path, 'CURRENT')).catch((cause: unknown) => {
    const message = `There is no message database at ${path}, and no service node runs with this data folder: give the node's data folder`
    throw new BackupError('BACKUP_NOTHING', message, { details: { path }, cause })
  })
  await refuseForeignFolder(path)
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const source = { database, clock, timers: systemTimers, freeDiskBytes: freeDiskBytesOf }
  return await writeBackup(source, target, { bytesPerSecondMax: Number.POSITIVE_INFINITY, freeDiskMinBytes: 0 }, run)
}
