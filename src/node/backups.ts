import type { TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { BackupError } from '../storage/backup/errors.ts'
import type { BackupManifest, BackupOrigin } from '../storage/backup/manifest.ts'
import type { BackupProgress, BackupRun, BackupTarget } from '../storage/backup/write-backup.ts'

export interface BackupsComponents {
  readonly log: Logger
  readonly messages: { backUp(target: BackupTarget, run: BackupRun): Promise<BackupManifest> }
  readonly origin: BackupOrigin
  /** Told of each backup that was made. */
  readonly onMade?: (atMs: TimestampMs) => Promise<void>
}

/** How the newest backup is doing. */
export type BackupStatus =
  | { readonly state: 'none' }
  | ({ readonly state: 'running'; readonly folder: string } & BackupProgress)
  | { readonly state: 'done'; readonly folder: string; readonly manifest: BackupManifest }
  | { readonly state: 'failed'; readonly folder: string; readonly error: unknown }

/** Backups that the operator asks the running node for, one at a time. Disposal ends the one under way, which leaves nothing behind. */
export interface Backups extends AsyncDisposable {
  /** Begins one; `status` tells what becomes of it. @throws {BackupError} BACKUP_RUNNING */
  start(folder: string): BackupStatus
  status(): BackupStatus
  /** Ends the one under way, if there is one. */
  cancel(): Promise<BackupStatus>
}

export function createBackups({ log, messages, origin, onMade }: BackupsComponents): Backups {
  let status: BackupStatus = { state: 'none' }
  let running: Promise<void> | undefined
  let stopping = new AbortController()

  const run = async (folder: string, signal: AbortSignal) => {
    try {
      const onProgress = (progress: BackupProgress) => {
        status = { state: 'running', folder, ...progress }
      }
      const manifest = await messages.backUp({ folder, origin }, { signal, onProgress })
      await onMade?.(Date.parse(manifest.createdAt))
      status = { state: 'done', folder, manifest }
      log.info({ messages: manifest.messages, bytes: manifest.recordsBytes }, 'A backup was made')
    } catch (error) {
      status = { state: 'failed', folder, error }
      if (signal.aborted) log.info({}, 'The backup was called off')
      else log.warn({ error }, 'The backup failed')
    } finally {
      running = undefined
    }
  }

  const cancel = async () => {
    stopping.abort(
      new BackupError('BACKUP_FAILED', 'The backup was called off, or the node stops; nothing is left of it'),
    )
    await running
    return status
  }

  return {
    start(folder) {
      if (running !== undefined) {
        throw new BackupError('BACKUP_RUNNING', 'The node makes a backup already: wait until it is done')
      }
      stopping = new AbortController()
      status = { state: 'running', folder, bytes: 0, bytesExpected: 0 }
      running = run(folder, stopping.signal)
      return status
    },
    status: () => status,
    cancel,
    async [Symbol.asyncDispose]() {
      await cancel()
    },
  }
}
