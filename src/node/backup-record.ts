import { join } from 'node:path'
import type { TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { BackupStatus } from './backups.ts'
import { isTimestamp, readNote, writeNote } from './note-file.ts'

/** Name of the file in the data folder. */
export const BACKUP_FILE = 'last-backup.json'

/** What is known of this node's backups. */
export interface BackupRecord {
  state(): BackupStatus['state']
  /** When the newest was made, by this run or another; undefined when none was. */
  lastAtMs(): TimestampMs | undefined
}

/** When a backup was last made of this data folder; undefined when none is known of. */
export async function readLastBackup(folder: string): Promise<TimestampMs | undefined> {
  const lastAtMs = (await readNote(join(folder, BACKUP_FILE)))?.['lastAtMs']
  return isTimestamp(lastAtMs) ? lastAtMs : undefined
}

/** A backup that was made while the node was stopped is noted too, by the command that made it. */
export async function noteBackup(folder: string, lastAtMs: TimestampMs): Promise<void> {
  await writeNote(join(folder, BACKUP_FILE), { lastAtMs })
}

/** Remembers over restarts when a backup was made, for how old it is. */
export class NotedBackups implements BackupRecord {
  readonly #log: Logger
  readonly #folder: string
  #lastAtMs: TimestampMs | undefined
  #state: () => BackupStatus['state'] = () => 'none'

  private constructor(log: Logger, folder: string, lastAtMs: TimestampMs | undefined) {
    this.#log = log
    this.#folder = folder
    this.#lastAtMs = lastAtMs
  }

  static async open({ log }: { readonly log: Logger }, folder: string): Promise<NotedBackups> {
    return new NotedBackups(log, folder, await readLastBackup(folder))
  }

  /** Whose backups these are. */
  follow(backups: { status(): BackupStatus }): void {
    this.#state = () => backups.status().state
  }

  state(): BackupStatus['state'] {
    return this.#state()
  }

  lastAtMs(): TimestampMs | undefined {
    return this.#lastAtMs
  }

  async made(atMs: TimestampMs): Promise<void> {
    this.#lastAtMs = atMs
    await noteBackup(this.#folder, atMs).catch((error: unknown) => {
      this.#log.warn({ error }, 'When the backup was made could not be noted')
    })
  }
}
