import { CodedError } from '../base/coded-error.ts'

export type ClientErrorCode =
  /** No seed answered with a usable list of service nodes. */
  | 'SEEDS_UNAVAILABLE'
  /** A list of service nodes is not of the expected shape. */
  | 'NODE_LIST_INVALID'
  /** Not enough service nodes on different /24 networks for a path of three hops. */
  | 'TOO_FEW_NODES'
  /** This machine has no route to the network. */
  | 'OFFLINE'
  /** A certificate that had to be verified is not one that this machine trusts for this name. */
  | 'CERTIFICATE_UNTRUSTED'
  /** A connection could not be made, or broke. */
  | 'TRANSPORT_FAILED'
  /** A connection that was kept from an earlier request was closed by the other side before it answered. */
  | 'CONNECTION_CLOSED'
  /** No whole response, or no answer to a request after all its tries, within the time allowed. */
  | 'TRANSPORT_TIMEOUT'
  /** A response, or a message to be sent, is larger than allowed. */
  | 'TOO_LARGE'
  /** Every path that was tried failed before the request reached its destination. */
  | 'PATHS_FAILED'
  /** The hop before it could not reach the destination. */
  | 'DESTINATION_UNREACHABLE'
  /** No path brought an outside server's answer: the server is away, or no node that was asked may ask it. */
  | 'SERVER_UNREACHABLE'
  /** The X25519 key of an outside server is not 64 hex digits, or not a key that anything can be sealed to. */
  | 'SERVER_KEY_INVALID'
  /** No member of an account's swarm could be learned. */
  | 'SWARM_UNKNOWN'
  /** Every member of the swarm that was tried failed. */
  | 'SWARM_UNAVAILABLE'
  /** The node refused the request, and any other node would. `details.status` is its status. */
  | 'REQUEST_REFUSED'
  /** The node refused the signature. */
  | 'UNAUTHORIZED'
  /** The node refused the timestamp, even after the clock was compared with the network's. */
  | 'CLOCK_REJECTED'
  /** A node does not tell of new messages by itself, or not now. */
  | 'MONITOR_UNAVAILABLE'
  /** A node's answer is not of the expected shape. */
  | 'ANSWER_INVALID'
  /** None of the messages that had to be deleted is held by any node that answered. */
  | 'NOT_FOUND'
  /** A batch has no request, too many, or requests about different accounts. */
  | 'BATCH_INVALID'
  /** A pass does not fit the key that is to use it, or is not signed by the owner of its account. */
  | 'PASS_INVALID'
  /** The method signs requests, and the client was made without an account. */
  | 'ACCOUNT_MISSING'
  /** An account seed is not 64 hex digits. */
  | 'ACCOUNT_INVALID'
  /** An account id that messages cannot be sealed to. */
  | 'RECIPIENT_INVALID'
  /** The client is disposed of already. */
  | 'CLOSED'

/** A client's request that could not be done. The message says what happened; it never holds keys or message text. */
export class ClientError extends CodedError<ClientErrorCode> {}
