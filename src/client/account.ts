import { assert } from '../base/assert.ts'
import { concat, fromHex, toHex } from '../base/bytes.ts'
import {
  ED25519_SEED_SIZE,
  type Ed25519KeyPair,
  type Ed25519PublicKey,
  ed25519KeyPairFromSeed,
  toX25519KeyPair,
  toX25519PublicKey,
  type X25519KeyPair,
  type X25519PublicKey,
} from '../crypto/keys.ts'
import { secureRandomBytes } from '../crypto/random-bytes.ts'
import { type AccountId, accountIdFromBytes, SESSION_ID_PREFIX } from '../protocol/account.ts'
import { ClientError } from './errors.ts'

/** Who a client is: one Ed25519 key, whose X25519 image is the account id. */
export interface Account {
  readonly id: AccountId
  /** Signs requests and messages. */
  readonly ed25519: Ed25519KeyPair
  /** Opens messages. */
  readonly x25519: X25519KeyPair
}

/** A new seed: 64 hex digits, and all that is needed to have the account back. Who has it is the account. */
export function generateAccountSeed(): string {
  return toHex(secureRandomBytes(ED25519_SEED_SIZE))
}

/** @throws {ClientError} ACCOUNT_INVALID */
export function accountFromSeed(seedHex: string): Account {
  const seed = fromHex(seedHex)
  if (seed?.length !== ED25519_SEED_SIZE) {
    throw new ClientError('ACCOUNT_INVALID', 'An account seed is 64 hex digits', {
      details: { digits: seedHex.length },
    })
  }
  const ed25519 = ed25519KeyPairFromSeed(seed)
  const x25519 = toX25519KeyPair(ed25519)
  return { id: sessionId(x25519.publicKey), ed25519, x25519 }
}

/** 05, then the X25519 image of the Ed25519 key. @throws {KeyError} KEY_NOT_ON_CURVE */
export function accountIdOf(publicKey: Ed25519PublicKey): AccountId {
  return sessionId(toX25519PublicKey(publicKey))
}

function sessionId(publicKey: X25519PublicKey): AccountId {
  const id = accountIdFromBytes(concat(Uint8Array.of(SESSION_ID_PREFIX), publicKey))
  assert(id !== undefined, 'A prefix byte and a 32-byte key make an account id')
  return id
}
