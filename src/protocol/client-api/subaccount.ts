import { concat, fromBase64, fromHex } from '../../base/bytes.ts'
import { type Ed25519PublicKey, ed25519PublicKey } from '../../crypto/keys.ts'

// A subaccount lets somebody who is not the owner act on an account, as far as the flags of its token allow:
//
//   token := prefix u8 | flags u8 | reserved u16 | ed25519 32       36 bytes; the owner signs all of them

export const SUBACCOUNT_TOKEN_SIZE = 36
const KEY_OFFSET = 4

/** What a token allows: bits of its second byte. */
export const SUBACCOUNT_READ = 1
export const SUBACCOUNT_WRITE = 2
export const SUBACCOUNT_DELETE = 4
/** The token is good for accounts of any prefix. */
export const SUBACCOUNT_ANY_PREFIX = 8

/** 36 bytes: base64 of 48 digits, or hex of 72. Undefined when the text is neither. */
export function parseSubaccountToken(text: string): Uint8Array | undefined {
  const bytes = text.length === 2 * SUBACCOUNT_TOKEN_SIZE ? fromHex(text) : fromBase64(text)
  return bytes?.length === SUBACCOUNT_TOKEN_SIZE ? bytes : undefined
}

export function subaccountToken(prefix: number, flags: number, publicKey: Ed25519PublicKey): Uint8Array {
  return concat(Uint8Array.of(prefix, flags, 0, 0), publicKey)
}

export function subaccountPrefix(token: Uint8Array): number {
  return token[0] ?? 0
}

/** Whether the token has all of these flags. */
export function subaccountAllows(token: Uint8Array, flags: number): boolean {
  return ((token[1] ?? 0) & flags) === flags
}

/** The key that signs requests instead of the owner's. */
export function subaccountKey(token: Uint8Array): Ed25519PublicKey {
  return ed25519PublicKey(token.subarray(KEY_OFFSET, SUBACCOUNT_TOKEN_SIZE))
}
