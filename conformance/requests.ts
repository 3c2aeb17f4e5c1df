import { randomBytes } from 'node:crypto'
import { concat, toBase64, utf8 } from '../src/base/bytes.ts'
import { MINUTE, SECOND } from '../src/base/clock.ts'
import type { JsonObject, JsonValue } from '../src/protocol/json.ts'
import { namespaceText } from './message-hash.ts'
import type { Signer } from './test-account.ts'

// Parameters of signed requests. The signed texts are written out here after the protocol's tables, and not taken from the
// node's own code, so that a mistake in one of them shows.

type NamespaceOrAll = number | 'all'

export interface StoreOptions {
  readonly namespace?: number
  readonly data?: Uint8Array
  readonly timestamp?: number
  readonly ttl?: number
  /** What is signed instead of `timestamp`. */
  readonly sigTimestamp?: number
}

/** Of each node, what desktop clients ask a seed and service nodes for. */
export const LIST_FIELDS = [
  'public_ip',
  'storage_port',
  'pubkey_x25519',
  'pubkey_ed25519',
  'requested_unlock_height',
  'height',
]

/** A message that nobody else stores. */
export function someData(size = 24): Uint8Array {
  return randomBytes(size)
}

export function storeParams(signer: Signer, nowMs: number, options: StoreOptions = {}): JsonObject {
  const { namespace = 0, data = someData(), timestamp = nowMs, ttl = 10 * MINUTE, sigTimestamp } = options
  return {
    pubkey: signer.account,
    namespace,
    timestamp,
    ttl,
    data: toBase64(data),
    ...(sigTimestamp !== undefined && { sig_timestamp: sigTimestamp }),
    ...(!isPublicInbox(namespace) &&
      signer.authenticate(`store${namespaceText(namespace)}${sigTimestamp ?? timestamp}`)),
  }
}

export function retrieveParams(
  signer: Signer,
  timestamp: number,
  { namespace = 0, ...limits }: JsonObject & { readonly namespace?: number } = {},
): JsonObject {
  const signed = signer.authenticate(`retrieve${namespaceText(namespace)}${timestamp}`)
  return { pubkey: signer.account, namespace, ...limits, timestamp, ...signed }
}

export function deleteParams(signer: Signer, hashes: readonly string[], more: JsonObject = {}): JsonObject {
  const signed = signer.authenticate(`delete${hashes.join('')}`)
  return { pubkey: signer.account, messages: hashes, ...more, ...signed }
}

export function deleteAllParams(signer: Signer, timestamp: number, namespace?: NamespaceOrAll): JsonObject {
  return overNamespaces('delete_all', 'timestamp', signer, timestamp, namespace)
}

export function deleteBeforeParams(signer: Signer, before: number, namespace?: NamespaceOrAll): JsonObject {
  return overNamespaces('delete_before', 'before', signer, before, namespace)
}

export function expireAllParams(signer: Signer, expiry: number, namespace?: NamespaceOrAll): JsonObject {
  return overNamespaces('expire_all', 'expiry', signer, expiry, namespace)
}

function overNamespaces(
  method: string,
  field: string,
  signer: Signer,
  timeMs: number,
  namespace?: NamespaceOrAll,
): JsonObject {
  const signed = signer.authenticate(`${method}${namespaceText(namespace ?? 0)}${timeMs}`)
  return { pubkey: signer.account, [field]: timeMs, ...(namespace !== undefined && { namespace }), ...signed }
}

export function expireParams(
  signer: Signer,
  hashes: readonly string[],
  expiry: number | readonly number[],
  mode: 'shorten' | 'extend' | 'set' = 'set',
): JsonObject {
  const expiries = typeof expiry === 'number' ? [expiry] : expiry
  const word = mode === 'set' ? '' : mode
  const signed = signer.authenticate(`expire${word}${expiries.join('')}${hashes.join('')}`)
  return { pubkey: signer.account, messages: hashes, expiry, ...(mode !== 'set' && { [mode]: true }), ...signed }
}

export function getExpiriesParams(signer: Signer, timestamp: number, hashes: readonly string[]): JsonObject {
  const signed = signer.authenticate(`get_expiries${timestamp}${hashes.join('')}`)
  return { pubkey: signer.account, messages: hashes, timestamp, ...signed }
}

/** Tokens go as base64 unless hex is asked for. */
export function revocationParams(
  method: 'revoke_subaccount' | 'unrevoke_subaccount',
  signer: Signer,
  timestamp: number,
  tokens: readonly Uint8Array[],
  form: 'base64' | 'hex' = 'base64',
): JsonObject {
  const field = method === 'revoke_subaccount' ? 'revoke' : 'unrevoke'
  const texts: JsonValue = tokens.map((token) => Buffer.from(token).toString(form))
  const signed = signer.authenticate(concat(utf8(`${method}${timestamp}`), ...tokens))
  return { pubkey: signer.account, [field]: texts, timestamp, ...signed }
}

export function revokedSubaccountsParams(signer: Signer, timestamp: number): JsonObject {
  return { pubkey: signer.account, timestamp, ...signer.authenticate(`revoked_subaccounts${timestamp}`) }
}

function isPublicInbox(namespace: number): boolean {
  return namespace % 10 === 0
}

export interface MonitorOptions {
  readonly namespaces?: readonly number[]
  readonly wantsData?: boolean
  /** Unix seconds. */
  readonly timestampS?: number
}

/** The signed dictionary of a subscription, as JSON. */
export function monitorParams(signer: Signer, nowMs: number, options: MonitorOptions = {}): JsonObject {
  const { namespaces = [0], wantsData = false, timestampS = Math.floor(nowMs / SECOND) } = options
  const text = `MONITOR${signer.account}${timestampS}${wantsData ? 1 : 0}${namespaces.join(',')}`
  const { pubkey_ed25519, signature, subaccount, subaccount_sig } = signer.authenticate(text)
  return {
    ...(pubkey_ed25519 === undefined ? { p: signer.account } : { P: pubkey_ed25519 }),
    ...(subaccount !== undefined && { T: subaccount, S: subaccount_sig }),
    ...(wantsData && { d: true }),
    n: namespaces,
    s: signature,
    t: timestampS,
  }
}
