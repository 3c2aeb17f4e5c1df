import { CodedError } from '../../base/coded-error.ts'

export type TopErrorCode =
  /** A live view needs a terminal, and there is none. */
  'TERMINAL_MISSING'

export class TopError extends CodedError<TopErrorCode> {}
