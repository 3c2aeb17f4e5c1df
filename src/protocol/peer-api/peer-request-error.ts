import { CodedError } from '../../base/coded-error.ts'

export type PeerRequestErrorCode =
  /** Nobody knows where this service node is: no record of it. */
  | 'PEER_UNKNOWN'
  /** Dialling failed or the connection broke before an answer came. */
  | 'PEER_UNREACHABLE'
  /** No answer before the deadline. */
  | 'PEER_TIMEOUT'
  /** Too many requests wait for this peer already, or it said that it is busy. */
  | 'PEER_BUSY'
  /** The peer could not handle the request, or its answer breaks the protocol. */
  | 'PEER_FAILED'

/** A request to another service node got no usable answer. */
export class PeerRequestError extends CodedError<PeerRequestErrorCode> {}
