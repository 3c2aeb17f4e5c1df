import { concat, utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { REVOCATIONS_MAX } from '../limits.ts'
import { type Authentication, type AuthenticationFields, requireAuthentication } from './authentication.ts'
import { accountField, invalidRequest, required, stringField, stringsField, timestampField } from './parameter.ts'
import { parseSubaccountToken } from './subaccount.ts'

/** What only an account's owner may ask; a subaccount's fields count for nothing. */
interface OwnerRequest {
  readonly account: AccountId
  readonly timestampMs: TimestampMs
  readonly authentication: Authentication
}

/** Let subaccounts no longer act on an account, or let them again, on every member of the swarm. */
export interface RevocationRequest extends OwnerRequest {
  /** In the order of the request, as they are signed. */
  readonly tokens: readonly Uint8Array[]
}

/** Ask which subaccounts are revoked. */
export type RevokedSubaccountsRequest = OwnerRequest

export type RevocationMethod = 'revoke_subaccount' | 'unrevoke_subaccount'

export function parseRevokeSubaccountParams(params: JsonObject): RevocationRequest {
  const texts = stringsField(params, 'revoke')
  const request = parseOwnerRequest(params)
  const given = required(texts, 'revoke')
  if (given.length > REVOCATIONS_MAX) {
    throw invalidRequest(`invalid revoke: cannot revoke more than ${REVOCATIONS_MAX} subaccounts at once`)
  }
  return { ...request, tokens: parseTokens(given, 'revoke') }
}

export function parseUnrevokeSubaccountParams(params: JsonObject): RevocationRequest {
  const texts = stringsField(params, 'unrevoke')
  const request = parseOwnerRequest(params)
  return { ...request, tokens: parseTokens(required(texts, 'unrevoke'), 'unrevoke') }
}

export function parseRevokedSubaccountsParams(params: JsonObject): RevokedSubaccountsRequest {
  return parseOwnerRequest(params)
}

function parseOwnerRequest(params: JsonObject): OwnerRequest {
  const pubkey = stringField(params, 'pubkey')
  const fields = ownerFields(params)
  const timestamp = timestampField(params, 'timestamp')

  const account = accountField(pubkey)
  const authentication = requireAuthentication(account, fields)
  return { account, authentication, timestampMs: required(timestamp, 'timestamp') }
}

/** A subaccount's fields are none of these methods', so they are unknown ones, whatever they hold. */
function ownerFields(params: JsonObject): AuthenticationFields {
  return {
    ed25519: stringField(params, 'pubkey_ed25519'),
    signature: stringField(params, 'signature'),
    subaccount: undefined,
    subaccountSignature: undefined,
  }
}

function parseTokens(texts: readonly string[], field: string): readonly Uint8Array[] {
  return texts.map((text) => {
    const token = parseSubaccountToken(text)
    if (token === undefined) throw invalidRequest(`invalid ${field}: expected base64 or hex-encoded subaccount tokens`)
    return token
  })
}

/** What the client signs. */
export function revocationSignedText(
  method: RevocationMethod,
  timestampMs: TimestampMs,
  tokens: readonly Uint8Array[],
): Uint8Array {
  return concat(utf8(`${method}${timestampMs}`), ...tokens)
}

/** What each node signs. */
export function revocationResultSignedText(
  account: AccountId,
  timestampMs: TimestampMs,
  tokens: readonly Uint8Array[],
): Uint8Array {
  return concat(utf8(`${account}${timestampMs}`), ...tokens)
}

/** What the client signs. */
export function revokedSubaccountsSignedText(timestampMs: TimestampMs): Uint8Array {
  return utf8(`revoked_subaccounts${timestampMs}`)
}

export type RevokedSubaccountsAnswer = {
  /** Base64, in the order in which this node heard of them. */
  readonly revoked_subaccounts: readonly string[]
}
