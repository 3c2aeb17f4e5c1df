import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'

// What follows from a key, by libsodium. browser/key-derivation.ts stands for this file in a browser. Sizes are checked and
// types given in keys.ts, for both.

const KEY_SIZE = 32
const ED25519_SECRET_KEY_SIZE = 64

/** The public key, and libsodium's 64-byte form of the secret key. */
export function ed25519KeysOfSeed(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  const publicKey = Buffer.alloc(KEY_SIZE)
  const secretKey = Buffer.alloc(ED25519_SECRET_KEY_SIZE)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, asBuffer(seed))
  return { publicKey, secretKey }
}

export function x25519PublicKeyOf(secretKey: Uint8Array): Uint8Array {
  const publicKey = Buffer.alloc(KEY_SIZE)
  sodium.crypto_scalarmult_base(publicKey, asBuffer(secretKey))
  return publicKey
}

/** The birational image of an Ed25519 public key; undefined when it is no point of the prime-order group. */
export function x25519ImageOf(ed25519PublicKey: Uint8Array): Uint8Array | undefined {
  const image = Buffer.alloc(KEY_SIZE)
  try {
    sodium.crypto_sign_ed25519_pk_to_curve25519(image, asBuffer(ed25519PublicKey))
  } catch {
    return undefined
  }
  return image
}

/** First 32 bytes of SHA-512(seed), clamped. */
export function x25519SecretKeyOf(ed25519SecretKey: Uint8Array): Uint8Array {
  const secretKey = Buffer.alloc(KEY_SIZE)
  sodium.crypto_sign_ed25519_sk_to_curve25519(secretKey, asBuffer(ed25519SecretKey))
  return secretKey
}
