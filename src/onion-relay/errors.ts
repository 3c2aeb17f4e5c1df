import { CodedError } from '../base/coded-error.ts'

export type OnionRelayErrorCode =
  /** The folder for replay tags cannot be made, read or written. */
  | 'REPLAY_LOG_UNUSABLE'
  /** An entry of the list of outside servers is not a host, with or without protocol and port. */
  | 'OUTSIDE_SERVER_INVALID'

/** The onion relay cannot start. */
export class OnionRelayError extends CodedError<OnionRelayErrorCode> {}
