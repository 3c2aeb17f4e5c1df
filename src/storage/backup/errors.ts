import { CodedError } from '../../base/coded-error.ts'

export type BackupErrorCode =
  /** There is something at the place of the new backup, and backups never overwrite. */
  | 'BACKUP_EXISTS'
  /** The backup cannot be written: the message says where and why. What was written of it is gone. */
  | 'BACKUP_FAILED'
  /** The disk has too little room for it. */
  | 'BACKUP_NO_ROOM'
  /** The running service node makes a backup already. */
  | 'BACKUP_RUNNING'
  /** There is no message database to back up. */
  | 'BACKUP_NOTHING'
  /** The folder holds no backup, or one that was not finished. */
  | 'BACKUP_MISSING'
  /** The files of the backup are not as they were written. */
  | 'BACKUP_DAMAGED'
  /** The backup was made by a newer version. */
  | 'BACKUP_TOO_NEW'
  /** The backup is of another network. */
  | 'BACKUP_OF_OTHER_NETWORK'
  /** The data folder is another user's, who could not use what this one would write there. */
  | 'BACKUP_OWNER'
  /** The data folder holds messages already, and a restore never replaces any. */
  | 'RESTORE_NOT_EMPTY'

/** A backup that cannot be made or restored. */
export class BackupError extends CodedError<BackupErrorCode> {}
