import { CodedError } from '../base/coded-error.ts'

export type NetworkErrorCode =
  /** The limits together allow more memory than the cap. */
  | 'LIMITS_EXCEED_MEMORY'
  /** A bootstrap address is not a multiaddr. */
  | 'BOOTSTRAP_INVALID'

/** The network between service nodes cannot be started as it is set. */
export class NetworkError extends CodedError<NetworkErrorCode> {}
