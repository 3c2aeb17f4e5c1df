import { BackupError } from '../../storage/backup/errors.ts'

/** A signal that the first SIGINT or SIGTERM aborts: what was begun is taken back before the command ends. */
export function untilSignal(): { readonly signal: AbortSignal } {
  const stopping = new AbortController()
  const stop = () =>
    stopping.abort(new BackupError('BACKUP_FAILED', 'Called off by a signal; nothing is left of what was begun'))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return stopping
}
