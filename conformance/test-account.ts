import { randomBytes } from 'node:crypto'
import { concat, toBase64, utf8 } from '../src/base/bytes.ts'
import type { JsonObject } from '../src/protocol/json.ts'
import { type SigningKey, signingKeyFromSeed, x25519ImageOf } from './signing-key.ts'

/** Flags of a subaccount's token. */
export const READ = 1
export const WRITE = 2
export const DELETE = 4
export const ANY_PREFIX = 8

/** Who asks: an account's owner, or a subaccount of it. */
export interface Signer {
  /** 66 hex digits. */
  readonly account: string
  /** The fields of a request that is signed over these bytes. */
  authenticate(signed: string | Uint8Array): JsonObject
}

export interface Subaccount extends Signer {
  readonly token: Uint8Array
}

/** `session`: 05 and an X25519 key; `group`: 03 and an Ed25519 key; `bare`: 05 and an Ed25519 key, as test suites use. */
export type AccountKind = 'session' | 'group' | 'bare'

/** An account that nobody has heard of. */
export interface TestAccount extends Signer {
  readonly kind: AccountKind
  readonly key: SigningKey
  subaccount(flags: number, options?: SubaccountOptions): Subaccount
}

export interface SubaccountOptions {
  /** The account's own unless given. */
  readonly prefix?: number
  /** Base64 unless given. */
  readonly form?: 'base64' | 'hex'
  /** Who vouches for the token: the owner unless given. */
  readonly owner?: SigningKey
}

const PREFIX: Readonly<Record<AccountKind, string>> = { session: '05', group: '03', bare: '05' }

export function createTestAccount(kind: AccountKind, seed: Uint8Array = randomBytes(32)): TestAccount {
  const key = signingKeyFromSeed(seed)
  const account = `${PREFIX[kind]}${kind === 'session' ? x25519ImageOf(key.publicHex) : key.publicHex}`
  const named: JsonObject = kind === 'session' ? { pubkey_ed25519: key.publicHex } : {}
  return {
    account,
    kind,
    key,
    authenticate: (signed) => ({ ...named, signature: signatureOf(key, signed) }),
    subaccount: (flags, options = {}) => createSubaccount({ account, named, owner: key }, flags, options),
  }
}

interface Owner {
  readonly account: string
  readonly named: JsonObject
  readonly owner: SigningKey
}

function createSubaccount(
  { account, named, owner }: Owner,
  flags: number,
  { prefix = Number.parseInt(account.slice(0, 2), 16), form = 'base64', owner: voucher = owner }: SubaccountOptions,
): Subaccount {
  const key = signingKeyFromSeed(randomBytes(32))
  const token = concat(Uint8Array.of(prefix, flags, 0, 0), Buffer.from(key.publicHex, 'hex'))
  return {
    account,
    token,
    authenticate: (signed) => ({
      ...named,
      subaccount: Buffer.from(token).toString(form),
      subaccount_sig: signatureOf(voucher, token),
      signature: signatureOf(key, signed),
    }),
  }
}

export function signatureOf(key: SigningKey, signed: string | Uint8Array): string {
  return toBase64(key.sign(typeof signed === 'string' ? utf8(signed) : signed))
}
