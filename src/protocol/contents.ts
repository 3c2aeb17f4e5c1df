import { MINUTE, type TimestampMs } from '../base/clock.ts'
import type { AccountId } from './account.ts'
import type { StoredMessage } from './message.ts'
import type { OperationStamp } from './operation-stamp.ts'

// What the members of a swarm are to hold alike, and compare (docs/protocol/peer-api.md): messages, and the clients' own signed
// requests that ended or shortened lives. No member has to believe another that something was deleted: it sees the request.

/** Things are compared by when they expire, so that what expires leaves all comparisons at once. */
export const CONTENTS_BUCKET_MS = 10 * MINUTE
/** Accounts of a bucket are told apart by the upper half of the first byte of their keys. */
export const CONTENTS_SLOTS = 16
/** Bytes of a sum over what is held; sums are added modulo 2^128. */
export const CONTENTS_SUM_SIZE = 16

/** Bytes of one request or answer about contents: several of the largest things fit. */
export const CONTENTS_EXCHANGE_MAX_BYTES = 1024 * 1024

/** Bytes that name a thing: a message's hash as it stands in keys, or stamp u56 | digest 8 | zeros of a request. */
export const CONTENTS_ID_SIZE = 33
/** Bytes that tell states of one message apart. */
export const CONTENTS_VERSION_SIZE = 8

export type ContentsKind = 'message' | 'request'

/** One thing that a member holds, in few bytes. */
export interface ContentsEntry {
  readonly kind: ContentsKind
  readonly account: AccountId
  readonly id: Uint8Array
  /** The first bytes of BLAKE2b-256 over namespace u16 | timestamp u48 | expiry u48; zeros for a request, which never changes. */
  readonly version: Uint8Array
}

/** A message as one member hands it to another: as it was stored, and how long it lives by now. */
export interface HeldMessage {
  readonly kind: 'message'
  /** With the expiry that it was stored with. */
  readonly message: StoredMessage
  /** Of its store. */
  readonly stamp: OperationStamp
  readonly livesUntilMs: TimestampMs
  /** Of what last changed its expiry; that of the store when nothing did. */
  readonly changedStamp: OperationStamp
}

/** A client's signed request that ended or shortened lives, as it was forwarded when it came. */
export interface HeldRequest {
  readonly kind: 'request'
  readonly account: AccountId
  /** Payload of a forwarded request (peer-api/forwarded-request.ts). */
  readonly payload: Uint8Array
}

export type HeldItem = HeldMessage | HeldRequest

/** Where a walk over everything goes on: behind this thing. */
export interface ContentsCursor {
  readonly account: AccountId
  readonly kind: ContentsKind
  readonly id: Uint8Array
}
