import { CodedError } from '../../base/coded-error.ts'

export type LogCommandErrorCode =
  /** A word is neither a level nor part=level, or the time is none. */
  'LOG_LEVEL_MALFORMED'

export class LogCommandError extends CodedError<LogCommandErrorCode> {}
