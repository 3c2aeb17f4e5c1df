import { toBase64 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { deleteSignedText } from '../protocol/client-api/delete.ts'
import { deleteAllSignedText } from '../protocol/client-api/delete-all.ts'
import { deleteBeforeSignedText } from '../protocol/client-api/delete-before.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import { type ExpireMode, expireSignedText } from '../protocol/client-api/expire.ts'
import { expireAllSignedText } from '../protocol/client-api/expire-all.ts'
import { getExpiriesSignedText } from '../protocol/client-api/get-expiries.ts'
import { retrieveSignedText } from '../protocol/client-api/retrieve.ts'
import {
  type RevocationMethod,
  revocationSignedText,
  revokedSubaccountsSignedText,
} from '../protocol/client-api/revocation.ts'
import { storeSignedText } from '../protocol/client-api/store.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { MessageHash } from '../protocol/message.ts'
import { isPublicInbox, type Namespace } from '../protocol/namespace.ts'
import { type Owner, type Signer, signatureFields } from './signer.ts'

// The requests of one account, signed (docs/protocol/client-rpc.md). A public function for each method, so that callers
// of `batch` can build its parts.

export interface StoreParams {
  readonly account: AccountId
  readonly namespace: Namespace
  readonly data: Uint8Array
  readonly timestampMs: TimestampMs
  readonly ttlMs: number
}

/** `signer` is left out for somebody else's public inbox, where anybody may store. */
export function storeRequest(params: StoreParams, signer: Signer | undefined): Envelope {
  const { account, namespace, data, timestampMs, ttlMs } = params
  const signs = signer?.id === account && !isPublicInbox(namespace)
  return {
    method: 'store',
    params: {
      pubkey: account,
      namespace,
      data: toBase64(data),
      timestamp: timestampMs,
      ttl: ttlMs,
      ...(signs && signatureFields(signer, storeSignedText(namespace, timestampMs))),
    },
  }
}

export interface RetrieveParams {
  readonly namespace: Namespace
  /** Messages after this one: the last of an earlier answer by the same node. */
  readonly afterHash?: MessageHash | undefined
  readonly countMax?: number | undefined
  /** Bytes, or -k for a share of 1/k of the largest answer. */
  readonly sizeMax?: number | undefined
  /** `afterHash` then leads on to older messages. */
  readonly newestFirst?: boolean | undefined
  readonly timestampMs: TimestampMs
}

export function retrieveRequest(params: RetrieveParams, signer: Signer): Envelope {
  const { namespace, timestampMs } = params
  const signed = signatureFields(signer, retrieveSignedText(namespace, timestampMs))
  return { method: 'retrieve', params: { ...retrieveParams(signer.id, params), timestamp: timestampMs, ...signed } }
}

/** Of a public outbox, which anybody may read: nothing says who asks. */
export function publicRetrieveRequest(account: AccountId, params: Omit<RetrieveParams, 'timestampMs'>): Envelope {
  return { method: 'retrieve', params: retrieveParams(account, params) }
}

function retrieveParams(account: AccountId, params: Omit<RetrieveParams, 'timestampMs'>): JsonObject {
  const { namespace, afterHash, countMax, sizeMax, newestFirst } = params
  return {
    pubkey: account,
    namespace,
    last_hash: afterHash ?? '',
    ...(countMax !== undefined && { max_count: countMax }),
    ...(sizeMax !== undefined && { max_size: sizeMax }),
    ...(newestFirst === true && { reverse_direction: true }),
  }
}

/** `required`: the answer is 404 when no member holds any of them, so that a sequence stops there. */
export function deleteRequest(hashes: readonly MessageHash[], signer: Signer, required = false): Envelope {
  const signed = signatureFields(signer, deleteSignedText(hashes))
  const params = { pubkey: signer.id, messages: hashes, ...(required && { required }), ...signed }
  return { method: 'delete', params }
}

export function deleteAllRequest(namespace: Namespace | 'all', timestampMs: TimestampMs, signer: Signer): Envelope {
  const signed = signatureFields(signer, deleteAllSignedText(namespace, timestampMs))
  return { method: 'delete_all', params: { pubkey: signer.id, namespace, timestamp: timestampMs, ...signed } }
}

export function deleteBeforeRequest(namespace: Namespace | 'all', beforeMs: TimestampMs, signer: Signer): Envelope {
  const signed = signatureFields(signer, deleteBeforeSignedText(namespace, beforeMs))
  return { method: 'delete_before', params: { pubkey: signer.id, namespace, before: beforeMs, ...signed } }
}

/** One moment for all, or one for each hash. */
export function expireRequest(
  hashes: readonly MessageHash[],
  expiryMs: TimestampMs | readonly TimestampMs[],
  mode: ExpireMode,
  signer: Signer,
): Envelope {
  const expiriesMs = typeof expiryMs === 'number' ? [expiryMs] : expiryMs
  return {
    method: 'expire',
    params: {
      pubkey: signer.id,
      messages: hashes,
      expiry: expiryMs,
      ...(mode !== 'set' && { [mode]: true }),
      ...signatureFields(signer, expireSignedText(mode, expiriesMs, hashes)),
    },
  }
}

export function expireAllRequest(namespace: Namespace | 'all', expiryMs: TimestampMs, signer: Signer): Envelope {
  const signed = signatureFields(signer, expireAllSignedText(namespace, expiryMs))
  return { method: 'expire_all', params: { pubkey: signer.id, namespace, expiry: expiryMs, ...signed } }
}

export function getExpiriesRequest(hashes: readonly MessageHash[], timestampMs: TimestampMs, signer: Signer): Envelope {
  const signed = signatureFields(signer, getExpiriesSignedText(timestampMs, hashes))
  return { method: 'get_expiries', params: { pubkey: signer.id, messages: hashes, timestamp: timestampMs, ...signed } }
}

export function revocationRequest(
  method: RevocationMethod,
  tokens: readonly Uint8Array[],
  timestampMs: TimestampMs,
  owner: Owner,
): Envelope {
  const field = method === 'revoke_subaccount' ? 'revoke' : 'unrevoke'
  const signed = signatureFields(owner, revocationSignedText(method, timestampMs, tokens))
  const params = { pubkey: owner.id, [field]: tokens.map(toBase64), timestamp: timestampMs, ...signed }
  return { method, params }
}

export function revokedSubaccountsRequest(timestampMs: TimestampMs, owner: Owner): Envelope {
  const signed = signatureFields(owner, revokedSubaccountsSignedText(timestampMs))
  return { method: 'revoked_subaccounts', params: { pubkey: owner.id, timestamp: timestampMs, ...signed } }
}
