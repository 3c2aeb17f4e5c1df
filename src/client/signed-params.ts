import { toBase64, toHex } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { sign } from '../crypto/signature.ts'
import type { AccountId } from '../protocol/account.ts'
import { deleteSignedText } from '../protocol/client-api/delete.ts'
import { deleteAllSignedText } from '../protocol/client-api/delete-all.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import { type ExpireMode, expireSignedText } from '../protocol/client-api/expire.ts'
import { getExpiriesSignedText } from '../protocol/client-api/get-expiries.ts'
import { retrieveSignedText } from '../protocol/client-api/retrieve.ts'
import { storeSignedText } from '../protocol/client-api/store.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { MessageHash } from '../protocol/message.ts'
import { isPublicInbox, type Namespace } from '../protocol/namespace.ts'
import type { Account } from './account.ts'

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
export function storeRequest(params: StoreParams, signer: Account | undefined): Envelope {
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
      ...(signs && signature(signer, storeSignedText(namespace, timestampMs))),
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
  readonly timestampMs: TimestampMs
}

export function retrieveRequest(params: RetrieveParams, signer: Account): Envelope {
  const { namespace, afterHash, countMax, sizeMax, timestampMs } = params
  return {
    method: 'retrieve',
    params: {
      pubkey: signer.id,
      namespace,
      last_hash: afterHash ?? '',
      ...(countMax !== undefined && { max_count: countMax }),
      ...(sizeMax !== undefined && { max_size: sizeMax }),
      timestamp: timestampMs,
      ...signature(signer, retrieveSignedText(namespace, timestampMs)),
    },
  }
}

export function deleteRequest(hashes: readonly MessageHash[], signer: Account): Envelope {
  const params = { pubkey: signer.id, messages: hashes, ...signature(signer, deleteSignedText(hashes)) }
  return { method: 'delete', params }
}

export function deleteAllRequest(namespace: Namespace | 'all', timestampMs: TimestampMs, signer: Account): Envelope {
  const signed = signature(signer, deleteAllSignedText(namespace, timestampMs))
  return { method: 'delete_all', params: { pubkey: signer.id, namespace, timestamp: timestampMs, ...signed } }
}

export function expireRequest(
  hashes: readonly MessageHash[],
  expiryMs: TimestampMs,
  mode: ExpireMode,
  signer: Account,
): Envelope {
  return {
    method: 'expire',
    params: {
      pubkey: signer.id,
      messages: hashes,
      expiry: expiryMs,
      ...(mode !== 'set' && { [mode]: true }),
      ...signature(signer, expireSignedText(mode, [expiryMs], hashes)),
    },
  }
}

export function getExpiriesRequest(
  hashes: readonly MessageHash[],
  timestampMs: TimestampMs,
  signer: Account,
): Envelope {
  const signed = signature(signer, getExpiriesSignedText(timestampMs, hashes))
  return { method: 'get_expiries', params: { pubkey: signer.id, messages: hashes, timestamp: timestampMs, ...signed } }
}

function signature(signer: Account, text: Uint8Array): JsonObject {
  return {
    pubkey_ed25519: toHex(signer.ed25519.publicKey),
    signature: toBase64(sign(text, signer.ed25519.secretKey)),
  }
}
