import { fromBase64, utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { RETRIEVE_SIZE_DEFAULT_SHARE, RETRIEVE_SIZE_MAX } from '../limits.ts'
import { type MessageHash, parseMessageHash } from '../message.ts'
import {
  DEFAULT_NAMESPACE,
  isRetrievedWithoutAuthentication,
  type Namespace,
  namespaceText,
  TEST_SINK,
} from '../namespace.ts'
import { type Authentication, authenticationFields, requireAuthentication } from './authentication.ts'
import {
  accountField,
  aliasedStringField,
  booleanField,
  integerField,
  invalidRequest,
  namespaceField,
  required,
  timestampField,
} from './parameter.ts'

/** Read the messages of one namespace, from where the client's last retrieve ended. */
export interface RetrieveRequest {
  readonly account: AccountId
  readonly namespace: Namespace
  readonly afterHash?: MessageHash
  readonly countMax?: number
  /** Bytes as clients count them: docs/protocol/client-rpc-messages.md, "How much". */
  readonly sizeMax: number
  /** Newest first; `afterHash` then pages towards older messages. */
  readonly reverse: boolean
  readonly signed?: { readonly authentication: Authentication; readonly timestampMs: TimestampMs }
}

export function parseRetrieveParams(params: JsonObject): RetrieveRequest {
  const lastHash = aliasedStringField(params, 'last_hash', 'lastHash')
  const maxCount = integerField(params, 'max_count')
  const maxSize = integerField(params, 'max_size')
  const namespace = namespaceField(params)
  const pubkey = aliasedStringField(params, 'pubkey', 'pubKey')
  const fields = authenticationFields(params)
  const reverse = booleanField(params, 'reverse_direction') ?? false
  const timestampMs = timestampField(params, 'timestamp')

  const account = accountField(pubkey)
  const isSigned =
    namespace !== TEST_SINK &&
    (fields.signature !== undefined ||
      timestampMs !== undefined ||
      fields.ed25519 !== undefined ||
      (namespace !== undefined && !isRetrievedWithoutAuthentication(namespace)))
  const afterHash = parseLastHash(lastHash)
  return {
    account,
    namespace: namespace ?? DEFAULT_NAMESPACE,
    reverse,
    ...retrieveLimits(maxCount, maxSize),
    ...(isSigned && {
      signed: {
        authentication: requireAuthentication(account, fields),
        timestampMs: required(timestampMs, 'timestamp'),
      },
    }),
    ...(afterHash !== undefined && { afterHash }),
  }
}

function parseLastHash(text: string | undefined): MessageHash | undefined {
  if (text === undefined || text === '') return undefined
  if (fromBase64(text) === undefined) throw invalidRequest('Invalid last_hash: not base64')
  const hash = parseMessageHash(text)
  if (hash === undefined) throw invalidRequest('Invalid last_hash: expected base64 (43 chars)')
  return hash
}

/** 0 is as good as absent. A negative size is a share of the whole: -5 means a fifth. */
export function retrieveLimits(maxCount = 0, maxSize = 0): { countMax?: number; sizeMax: number } {
  const size = maxSize === 0 && maxCount === 0 ? -RETRIEVE_SIZE_DEFAULT_SHARE : maxSize
  return { sizeMax: sizeLimit(size), ...(maxCount !== 0 && { countMax: Math.max(1, maxCount) }) }
}

function sizeLimit(size: number): number {
  if (size === 0) return RETRIEVE_SIZE_MAX
  return size < 0 ? Math.floor(RETRIEVE_SIZE_MAX / -size) : Math.min(size, RETRIEVE_SIZE_MAX)
}

/** What the client signs. */
export function retrieveSignedText(namespace: Namespace, timestampMs: TimestampMs): Uint8Array {
  return utf8(`retrieve${namespaceText(namespace)}${timestampMs}`)
}

export type RetrievedMessage = {
  readonly hash: MessageHash
  readonly timestamp: TimestampMs
  /** The name that most clients read. */
  readonly expiration: TimestampMs
  /** The same moment under the name that newer clients read. */
  readonly expiry: TimestampMs
  /** Padded base64. */
  readonly data: string
}
