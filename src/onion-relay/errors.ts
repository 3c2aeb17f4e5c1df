import { CodedError } from '../base/coded-error.ts'

export type OnionRelayErrorCode =
  /** The folder for replay tags cannot be made, read or written. */
  'REPLAY_LOG_UNUSABLE'

/** The onion relay cannot start. */
export class OnionRelayError extends CodedError<OnionRelayErrorCode> {}
