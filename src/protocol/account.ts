import { fromHex, toHex } from '../base/bytes.ts'

/**
 * A client's account id as 66 lower-case hex digits: one byte of network prefix and a 32-byte key. Prefix 05 is a
 * Session id (X25519 key), 03 a group (Ed25519 key); others are taken as they come.
 */
export type AccountId = string & { readonly kind: 'AccountId' }

/** Bytes of an account id. */
export const ACCOUNT_ID_SIZE = 33

export const SESSION_ID_PREFIX = 0x05

/** An account id from hex in either case, or undefined. */
export function parseAccountId(text: string): AccountId | undefined {
  return /^[0-9a-fA-F]{66}$/.test(text) ? (text.toLowerCase() as AccountId) : undefined
}

/** The 33 bytes: prefix, then key. */
export function accountIdBytes(account: AccountId): Uint8Array {
  return fromHex(account) ?? new Uint8Array()
}

export function accountIdFromBytes(bytes: Uint8Array): AccountId | undefined {
  return parseAccountId(toHex(bytes))
}

/** The network prefix byte. */
export function accountPrefix(account: AccountId): number {
  return Number.parseInt(account.slice(0, 2), 16)
}

/** The 32 key bytes without the prefix. */
export function accountKey(account: AccountId): Uint8Array {
  return accountIdBytes(account).subarray(1)
}
