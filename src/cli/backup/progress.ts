import { SECOND, systemClock } from '../../base/clock.ts'
import type { BackupProgress } from '../../storage/backup/write-backup.ts'

export type Progress = (progress: BackupProgress) => void

/** Says on standard error how far it has come, each second. Nothing of what is done within the first. */
export function createProgress(what: string): Progress {
  let toldMs = systemClock.monotonicMs()
  return ({ bytes, bytesExpected }) => {
    const nowMs = systemClock.monotonicMs()
    if (nowMs - toldMs < SECOND) return
    toldMs = nowMs
    process.stderr.write(`${what} ${megabytes(bytes)} of about ${megabytes(Math.max(bytes, bytesExpected))}\n`)
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
