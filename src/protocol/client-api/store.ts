import { fromBase64, utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { MESSAGE_DATA_MAX_BYTES, MESSAGE_DATA_MAX_CHARS } from '../limits.ts'
import type { MessageHash } from '../message.ts'
import { DEFAULT_NAMESPACE, type Namespace, namespaceText } from '../namespace.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import {
  accountField,
  aliasedStringField,
  countOrTextField,
  exclusive,
  invalidRequest,
  namespaceField,
  required,
  stringField,
  timestampField,
  timestampOrTextField,
} from './parameter.ts'

/** Keep a message for an account on every member of its swarm. */
export interface StoreRequest {
  readonly account: AccountId
  readonly namespace: Namespace
  readonly timestampMs: TimestampMs
  readonly expiryMs: TimestampMs
  readonly data: Uint8Array
  /** Absent: anybody's message, for a public inbox. */
  readonly authentication?: Authentication
  /** What the signature is over: `sig_timestamp`, else the message's own. */
  readonly signedMs: TimestampMs
}

export function parseStoreParams(params: JsonObject): StoreRequest {
  const data = stringField(params, 'data')
  const expiry = timestampField(params, 'expiry')
  const namespace = namespaceField(params) ?? DEFAULT_NAMESPACE
  const pubkey = aliasedStringField(params, 'pubkey', 'pubKey')
  const fields = authenticationFields(params)
  const signedMs = timestampField(params, 'sig_timestamp')
  const timestamp = timestampOrTextField(params, 'timestamp')
  const ttl = countOrTextField(params, 'ttl')

  const account = accountField(pubkey)
  const timestampMs = required(timestamp, 'timestamp')
  return {
    account,
    namespace,
    timestampMs,
    signedMs: signedMs ?? timestampMs,
    ...(fields.signature !== undefined && { authentication: requireAuthentication(account, fields) }),
    expiryMs: expiryOf(timestampMs, ttl, expiry),
    data: messageData(required(data, 'data')),
  }
}

function expiryOf(timestampMs: TimestampMs, ttl: number | undefined, expiry: TimestampMs | undefined): TimestampMs {
  if (ttl !== undefined && expiry !== undefined) throw exclusive('expiry', 'ttl')
  if (expiry !== undefined) return expiry
  if (ttl === undefined) throw invalidRequest("Required field 'expiry' or 'ttl' missing")
  return timestampMs + ttl
}

function messageData(text: string): Uint8Array {
  const data = fromBase64(text)
  if (data === undefined) throw invalidRequest("Invalid 'data' value: not base64 encoded")
  if (text.length > MESSAGE_DATA_MAX_CHARS || data.length > MESSAGE_DATA_MAX_BYTES) {
    throw invalidRequest(`Message body exceeds maximum allowed length of ${MESSAGE_DATA_MAX_BYTES} bytes`)
  }
  return data
}

/** What the client signs. */
export function storeSignedText(namespace: Namespace, signedMs: TimestampMs): Uint8Array {
  return utf8(`store${namespaceText(namespace)}${signedMs}`)
}

/** What each node signs in its result. */
export function storeResultSignedText(hash: MessageHash): Uint8Array {
  return utf8(hash)
}

/** One node's part of the answer; hash, expiry and signature are absent when it failed. */
export type StoreResult = {
  readonly hash: MessageHash
  /** Base64, over storeResultSignedText. */
  readonly signature: string
  /** The effective expiry: a message that was held already keeps the later one. */
  readonly expiry: TimestampMs
  /** The node held the message already. */
  readonly already?: true
}
