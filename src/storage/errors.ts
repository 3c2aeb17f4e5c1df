import { CodedError } from '../base/coded-error.ts'

export type StorageErrorCode =
  /** Another process has the message database open. */
  | 'DATABASE_LOCKED'
  /** LevelDB cannot make sense of its own files. */
  | 'DATABASE_CORRUPT'
  /** The database cannot be opened for another reason, such as permissions. */
  | 'DATABASE_OPEN_FAILED'
  /** The database was written by a newer version, or is no message database at all. */
  | 'SCHEMA_UNSUPPORTED'
  /** A record's bytes do not follow their grammar. */
  | 'RECORD_CORRUPT'
  /** A field of a message cannot be kept, such as a timestamp beyond 48 bits. */
  | 'MESSAGE_UNSTORABLE'
  /** Too much is waiting to be written; try again shortly. */
  | 'BUSY'
  /** Writing or flushing failed; what was waiting is not kept. */
  | 'WRITE_FAILED'
  /** A write failed before, so nothing is acknowledged any more until the store is opened again. */
  | 'NOT_WRITABLE'
  /** Reading failed. */
  | 'READ_FAILED'
  /** The store is closed or closing. */
  | 'CLOSED'

/** An expected failure of the message store. */
export class StorageError extends CodedError<StorageErrorCode> {}
