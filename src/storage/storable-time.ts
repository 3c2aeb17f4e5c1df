import { StorageError } from './errors.ts'
import { U48_MAX } from './keys.ts'

/** Whether a moment can be kept: whole milliseconds of 48 bits. */
export function isStorableTime(ms: number): boolean {
  return Number.isInteger(ms) && ms >= 0 && ms <= U48_MAX
}

export function unstorableTime(): StorageError {
  return new StorageError('MESSAGE_UNSTORABLE', 'A time does not fit into 48 bits')
}
