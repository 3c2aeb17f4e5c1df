import { type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import { StorageError } from '../storage/errors.ts'

export interface StorageFailureComponents {
  readonly log: Logger
  readonly messages: { health(): { writable: boolean; reason?: string } }
  readonly timers?: Timers
}

export interface StorageFailure extends Disposable {
  /** Settles when the message database has been unwritable for long enough that everybody could see it: then the node should end. */
  readonly happened: Promise<StorageError>
}

const LOOK_MS: DurationMs = SECOND / 2
/** Readiness and metrics say it meanwhile, clients are told to ask another member, and what is being read is finished. */
const GRACE_MS: DurationMs = 5 * SECOND

/**
 * Watches for a write that failed. What the disk has then is known only when the database is opened again, and the one way to do that
 * which leaves nothing of this process's memory over is a new process: the node ends by itself, and its supervisor starts it.
 */
export function watchStorage({ log, messages, timers = systemTimers }: StorageFailureComponents): StorageFailure {
  const happened = Promise.withResolvers<StorageError>()
  let cancel = () => {}
  const end = (reason: string) => {
    happened.resolve(new StorageError('NOT_WRITABLE', `The message database must be opened again: ${reason}`))
  }
  const look = () => {
    const { writable, reason = 'a write failed' } = messages.health()
    if (writable) {
      cancel = timers.after(LOOK_MS, look)
      return
    }
    log.error(
      { seconds: GRACE_MS / SECOND },
      'Messages cannot be written any more: the node is not ready, and ends soon, so that its supervisor opens the database cleanly',
    )
    cancel = timers.after(GRACE_MS, () => end(reason))
  }
  look()
  return { happened: happened.promise, [Symbol.dispose]: () => cancel() }
}
