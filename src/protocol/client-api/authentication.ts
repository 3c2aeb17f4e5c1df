import { fromBase64, fromHex } from '../../base/bytes.ts'
import { type Ed25519PublicKey, ed25519PublicKey, PUBLIC_KEY_SIZE } from '../../crypto/keys.ts'
import { type AccountId, accountPrefix, SESSION_ID_PREFIX } from '../account.ts'
import type { JsonObject } from '../json.ts'
import { invalidRequest, required, stringField } from './parameter.ts'
import { parseSubaccountToken } from './subaccount.ts'

/** Who signed a request: the owner, or a subaccount for which the owner signed. */
export interface Authentication {
  readonly signature: Uint8Array
  /** For a Session id, whose own key cannot verify: the Ed25519 key that converts to it. */
  readonly ed25519?: Ed25519PublicKey
  readonly subaccount?: { readonly token: Uint8Array; readonly signature: Uint8Array }
}

/** The fields of a request that concern its signature, typed but not yet understood. */
export interface AuthenticationFields {
  readonly signature: string | undefined
  readonly ed25519: string | undefined
  readonly subaccount: string | undefined
  readonly subaccountSignature: string | undefined
}

export function authenticationFields(params: JsonObject): AuthenticationFields {
  return {
    ed25519: stringField(params, 'pubkey_ed25519'),
    signature: stringField(params, 'signature'),
    subaccount: stringField(params, 'subaccount'),
    subaccountSignature: stringField(params, 'subaccount_sig'),
  }
}

/** Refuses a request without a signature. */
export function requireAuthentication(account: AccountId, fields: AuthenticationFields): Authentication {
  const signature = required(fields.signature, 'signature')
  const ed25519 = parseEd25519(account, fields.ed25519)
  const subaccount = parseSubaccount(fields)
  return {
    signature: parseSignature(signature, 'invalid signature: expected base64 encoded Ed25519 signature'),
    ...(ed25519 !== undefined && { ed25519 }),
    ...(subaccount !== undefined && { subaccount }),
  }
}

function parseEd25519(account: AccountId, text: string | undefined): Ed25519PublicKey | undefined {
  if (text === undefined) return undefined
  if (accountPrefix(account) !== SESSION_ID_PREFIX) {
    throw invalidRequest('pubkey_ed25519 is only permitted for 05[...] pubkeys')
  }
  if (text.length !== 2 * PUBLIC_KEY_SIZE) {
    throw invalidRequest('Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey')
  }
  const bytes = fromHex(text)
  if (bytes === undefined) throw invalidRequest('invalid pubkey_ed25519: value is not hex')
  return ed25519PublicKey(bytes)
}

function parseSubaccount({ subaccount, subaccountSignature }: AuthenticationFields): Authentication['subaccount'] {
  if (subaccount === undefined || subaccount === '') return undefined
  const token = parseSubaccountToken(subaccount)
  if (token === undefined) {
    throw invalidRequest('invalid subaccount: expected base64 or hex-encoded subaccount token')
  }
  if (subaccountSignature === undefined || subaccountSignature === '') {
    throw invalidRequest('invalid subaccount: subaccount_sig is required when using subaccount')
  }
  const failure = 'invalid subaccount signature: expected base64 encoded Ed25519 signature'
  return { token, signature: parseSignature(subaccountSignature, failure) }
}

/** 64 bytes as base64: 86 digits, with or without their padding. */
function parseSignature(text: string, failure: string): Uint8Array {
  const bytes = /^.{86}(==)?$/.test(text) ? fromBase64(text) : undefined
  if (bytes === undefined) throw invalidRequest(failure)
  return bytes
}
