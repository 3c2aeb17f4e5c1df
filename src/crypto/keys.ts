import { bytesEqual, fromHex } from '../base/bytes.ts'
import { CodedError } from '../base/coded-error.ts'
import { ed25519KeysOfSeed, x25519ImageOf, x25519PublicKeyOf, x25519SecretKeyOf } from './key-derivation.ts'
import { secureRandomBytes } from './random-bytes.ts'

// Ed25519, X25519 and account keys are all 32 bytes. Mixing them up is a security bug, so each has its own type.

export type Ed25519PublicKey = Uint8Array & { readonly kind: 'Ed25519PublicKey' }
/** libsodium's 64 bytes: the 32-byte seed, then the public key. */
export type Ed25519SecretKey = Uint8Array & { readonly kind: 'Ed25519SecretKey' }
export type X25519PublicKey = Uint8Array & { readonly kind: 'X25519PublicKey' }
export type X25519SecretKey = Uint8Array & { readonly kind: 'X25519SecretKey' }

export interface Ed25519KeyPair {
  readonly publicKey: Ed25519PublicKey
  readonly secretKey: Ed25519SecretKey
}

export interface X25519KeyPair {
  readonly publicKey: X25519PublicKey
  readonly secretKey: X25519SecretKey
}

export const PUBLIC_KEY_SIZE = 32
export const ED25519_SEED_SIZE = 32
export const ED25519_SECRET_KEY_SIZE = 64

export type KeyErrorCode =
  /** A key has the wrong number of bytes, or is not hex. */
  | 'KEY_MALFORMED'
  /** The two halves of a 64-byte Ed25519 secret key do not belong together. */
  | 'KEY_MISMATCHED'
  /** An Ed25519 public key is not a point of the prime-order group, so it has no X25519 image. */
  | 'KEY_NOT_ON_CURVE'

/** A key that cannot be used. The message never contains the key. */
export class KeyError extends CodedError<KeyErrorCode> {}

function sized(bytes: Uint8Array, size: number, what: string): Uint8Array {
  if (bytes.length !== size) {
    throw new KeyError('KEY_MALFORMED', `${what} must be ${size} bytes`, { details: { size: bytes.length } })
  }
  return bytes
}

export function ed25519PublicKey(bytes: Uint8Array): Ed25519PublicKey {
  return sized(bytes, PUBLIC_KEY_SIZE, 'An Ed25519 public key') as Ed25519PublicKey
}

export function x25519PublicKey(bytes: Uint8Array): X25519PublicKey {
  return sized(bytes, PUBLIC_KEY_SIZE, 'An X25519 public key') as X25519PublicKey
}

export function x25519SecretKey(bytes: Uint8Array): X25519SecretKey {
  return sized(bytes, PUBLIC_KEY_SIZE, 'An X25519 secret key') as X25519SecretKey
}

export function generateEd25519KeyPair(): Ed25519KeyPair {
  return ed25519KeyPairFromSeed(secureRandomBytes(ED25519_SEED_SIZE))
}

export function ed25519KeyPairFromSeed(seed: Uint8Array): Ed25519KeyPair {
  const { publicKey, secretKey } = ed25519KeysOfSeed(sized(seed, ED25519_SEED_SIZE, 'An Ed25519 seed'))
  return { publicKey: publicKey as Ed25519PublicKey, secretKey: secretKey as Ed25519SecretKey }
}

/** Reads libsodium's 64-byte form, the form of an existing node's `key_ed25519` file. */
export function ed25519KeyPairFromSecretKey(secretKey: Uint8Array): Ed25519KeyPair {
  sized(secretKey, ED25519_SECRET_KEY_SIZE, 'An Ed25519 secret key')
  const pair = ed25519KeyPairFromSeed(secretKey.subarray(0, ED25519_SEED_SIZE))
  if (!bytesEqual(pair.publicKey, secretKey.subarray(ED25519_SEED_SIZE))) {
    throw new KeyError('KEY_MISMATCHED', 'The public half of the Ed25519 secret key does not belong to its seed')
  }
  return pair
}

export function generateX25519KeyPair(): X25519KeyPair {
  return x25519KeyPairFromSecretKey(x25519SecretKey(secureRandomBytes(PUBLIC_KEY_SIZE)))
}

export function x25519KeyPairFromSecretKey(secretKey: X25519SecretKey): X25519KeyPair {
  return { publicKey: x25519PublicKeyOf(secretKey) as X25519PublicKey, secretKey }
}

/**
 * The birational image of an Ed25519 public key (RFC 7748 4.1). Clients derive it too, so a node's two public keys
 * must match.
 * @throws {KeyError} KEY_NOT_ON_CURVE
 */
export function toX25519PublicKey(publicKey: Ed25519PublicKey): X25519PublicKey {
  const image = x25519ImageOf(publicKey)
  if (image === undefined) throw new KeyError('KEY_NOT_ON_CURVE', 'This Ed25519 public key has no X25519 image')
  return image as X25519PublicKey
}

/** First 32 bytes of SHA-512(seed), clamped. */
export function toX25519KeyPair(pair: Ed25519KeyPair): X25519KeyPair {
  return x25519KeyPairFromSecretKey(x25519SecretKey(x25519SecretKeyOf(pair.secretKey)))
}

/** An Ed25519 public key from 64 hex digits, or undefined. Does not check that it lies on the curve. */
export function parseEd25519PublicKey(hex: string): Ed25519PublicKey | undefined {
  const bytes = fromHex(hex)
  return bytes?.length === PUBLIC_KEY_SIZE ? ed25519PublicKey(bytes) : undefined
}

/** An X25519 public key from 64 hex digits, or undefined. */
export function parseX25519PublicKey(hex: string): X25519PublicKey | undefined {
  const bytes = fromHex(hex)
  return bytes?.length === PUBLIC_KEY_SIZE ? x25519PublicKey(bytes) : undefined
}
