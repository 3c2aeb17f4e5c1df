import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import type { MessageHash } from '../message.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import {
  accountField,
  booleanField,
  invalidRequest,
  messageHashes,
  required,
  stringField,
  stringsField,
  timestampsField,
} from './parameter.ts'

/** Whether expiries move to the given moment whatever they were, or only one way. */
export type ExpireMode = 'set' | 'shorten' | 'extend'

/** Change when messages end, on every member of the swarm. */
export interface ExpireRequest {
  readonly account: AccountId
  readonly hashes: readonly MessageHash[]
  /** One for all hashes, or one for each. */
  readonly expiriesMs: readonly TimestampMs[]
  readonly mode: ExpireMode
  readonly authentication: Authentication
}

export interface MessageExpiry {
  readonly hash: MessageHash
  readonly expiryMs: TimestampMs
}

export function parseExpireParams(params: JsonObject): ExpireRequest {
  const expiries = timestampsField(params, 'expiry')
  const extend = booleanField(params, 'extend') ?? false
  const messages = stringsField(params, 'messages')
  const pubkey = stringField(params, 'pubkey')
  const fields = authenticationFields(params)
  const shorten = booleanField(params, 'shorten') ?? false

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  const hashes = messageHashes(messages)
  const expiriesMs = required(expiries, 'expiry')
  if (expiriesMs.length === 0) throw invalidRequest("'expiry' does not contain any expiration timestamps")
  if (shorten && extend) throw invalidRequest("cannot specify both 'shorten' and 'extend'")
  if (expiriesMs.length !== 1 && expiriesMs.length !== hashes.length) {
    throw invalidRequest("'expiry' must be a single expiry, or the same length as 'messages'")
  }
  return { account, authentication, hashes, expiriesMs, mode: shorten ? 'shorten' : extend ? 'extend' : 'set' }
}

/** What the client signs. */
export function expireSignedText(
  mode: ExpireMode,
  expiriesMs: readonly TimestampMs[],
  hashes: readonly MessageHash[],
): Uint8Array {
  return utf8(`expire${mode === 'set' ? '' : mode}${expiriesMs.join('')}${hashes.join('')}`)
}

/**
 * What each node signs. `expiriesMs` is the one value that it tried to set (the request's, clamped), or, when the
 * request had several, those of the updated messages. Updated and unchanged are sorted by hash.
 */
export function expireResultSignedText(
  account: AccountId,
  expiriesMs: readonly TimestampMs[],
  requested: readonly MessageHash[],
  updated: readonly MessageHash[],
  unchanged: readonly MessageExpiry[],
): Uint8Array {
  const kept = unchanged.map(({ hash, expiryMs }) => `${hash}${expiryMs}`)
  return utf8(`${account}${expiriesMs.join('')}${requested.join('')}${updated.join('')}${kept.join('')}`)
}

/** One node's part of the answer. */
export type ExpireResult = {
  /** The value tried, or, when the request had several, those of `updated`. */
  readonly expiry: TimestampMs | readonly TimestampMs[]
  /** Sorted. */
  readonly updated: readonly MessageHash[]
  /** Held but not moved, with the expiry they have. For shorten and extend, and when nothing was worth moving. */
  readonly unchanged?: Readonly<Record<string, TimestampMs>>
  readonly signature: string
}
