import { CodedError } from '../base/coded-error.ts'

export type ProtocolErrorCode =
  /** Bytes end before their own length fields say they do. */
  | 'FRAME_TRUNCATED'
  /** More bytes, entries or levels than the protocol allows. */
  | 'FRAME_TOO_LARGE'
  /** Bytes that do not follow their grammar. */
  | 'FRAME_MALFORMED'
  /** Text that is not JSON, or JSON that is not of the expected shape. */
  | 'JSON_INVALID'
  /** A client's parameter is missing or has a wrong type or value; the message is the text that clients get. */
  | 'PARAMETER_INVALID'
  /** A request names a method that this protocol version lacks. */
  | 'METHOD_UNKNOWN'
  /** An onion layer names a cipher that is not offered. */
  | 'CIPHER_UNKNOWN'
  /** An onion layer that cannot be opened with this key. */
  | 'LAYER_UNDECRYPTABLE'
  /** An onion request that went through too many hops. */
  | 'HOPS_EXCEEDED'
  /** A signature that does not verify. */
  | 'SIGNATURE_INVALID'

/** What a peer or client sent breaks the protocol. Counted and refused; never logged above debug. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {}
