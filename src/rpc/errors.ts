import { CodedError } from '../base/coded-error.ts'

export type RpcErrorCode =
  /** The signature is missing or does not verify, or its subaccount may not do this. */
  | 'SIGNATURE_REFUSED'
  /** A moment that a signature is over has passed, where the protocol answers as for a bad signature. */
  | 'MOMENT_REFUSED'
  /** A message would live too short or too long. */
  | 'TTL_OUT_OF_RANGE'
  /** The token of a subaccount does not allow a parameter. */
  | 'PARAMETER_NOT_ALLOWED'
  /** Nothing is stored to this namespace: it is there for tests of a node. */
  | 'NAMESPACE_RESERVED'
  /** A timestamp is too far from our clock. */
  | 'CLOCK_DIFFERS'
  /** A chain query that this network has no answer for. */
  | 'CHAIN_QUERY_UNSUPPORTED'
  /** A member passed on a request that is not for the whole swarm. */
  | 'NOT_FORWARDABLE'
  /** A service node that is not in the account's swarm passed on a request. */
  | 'FORWARDER_REFUSED'
  /** The service node list is not known yet. */
  | 'NO_SWARMS'
  /** The disk or the account's share of it is full. */
  | 'STORAGE_FULL'
  /** More requests than one account or one other service node may make; `retryAfterSeconds` says when there is room for the next. */
  | 'RATE_EXCEEDED'
  /** The body has more bytes than a request may have. */
  | 'BODY_TOO_LARGE'
  /** The body came too slowly or ended early. */
  | 'BODY_INCOMPLETE'
  /** All requests under way hold as much memory as they may. */
  | 'SERVER_BUSY'

/** A client's request is refused. The message is the text that the client gets. */
export class RpcError extends CodedError<RpcErrorCode> {}

export type CertificateErrorCode =
  /** The key of the HTTPS certificate can be read by others than its owner. */
  | 'CERTIFICATE_KEY_EXPOSED'
  /** The key or certificate file is there but cannot be used. */
  | 'CERTIFICATE_UNUSABLE'

/** The HTTPS certificate of this node cannot be used. */
export class CertificateError extends CodedError<CertificateErrorCode> {}
