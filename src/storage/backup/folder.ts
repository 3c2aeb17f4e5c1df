import { constants } from 'node:fs'
import { chmod, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupError } from './errors.ts'

const OWNER_ONLY = 0o700

/**
 * Makes a folder for a new backup that only this user may look into. Never takes one that is there.
 * @throws {BackupError} BACKUP_EXISTS, BACKUP_FAILED
 */
export async function createBackupFolder(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true, mode: OWNER_ONLY })
    await mkdir(folder, { mode: OWNER_ONLY })
    // The process's umask may have taken more than it should.
    await chmod(folder, OWNER_ONLY)
    await syncFolder(dirname(folder))
  } catch (error) {
    if (reasonOf(error) === 'EEXIST') {
      const message = `${folder} exists, and a backup never overwrites: give a folder that does not exist yet`
      throw new BackupError('BACKUP_EXISTS', message, { details: { folder } })
    }
    throw failedError(folder, error)
  }
}

/**
 * Files that root makes, or LevelDB makes for root, are closed to the user that the node runs as: it would not start any more.
 * @throws {BackupError} BACKUP_OWNER
 */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const own = process.getuid?.()
  const stats = await stat(folder).catch(() => undefined)
  if (own === undefined || stats === undefined || stats.uid === own) return
  const message = `${folder} belongs to another user, who could not use what is written there as this one: run the command as that user, sudo -u '#${stats.uid}' …`
  throw new BackupError('BACKUP_OWNER', message, { details: { folder } })
}

/** Makes what is in the folder survive a power cut under its name. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}

export function failedError(folder: string, cause: unknown): BackupError {
  if (cause instanceof BackupError) return cause
  const reason = reasonOf(cause)
  const message = `${folder} cannot be written (${reason}): free some space or give another folder, on a disk that has room`
  return new BackupError('BACKUP_FAILED', message, { details: { folder, reason }, cause })
}

/** What the system said, in its own short form. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
