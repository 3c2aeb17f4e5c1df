import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'
import type { X25519KeyPair, X25519PublicKey } from './keys.ts'

/** Seals to a public key so that only its owner can open, and not even the sender again (libsodium's crypto_box_seal). */
export function sealToPublicKey(plaintext: Uint8Array, publicKey: X25519PublicKey): Uint8Array {
  const sealed = Buffer.alloc(plaintext.length + sodium.crypto_box_SEALBYTES)
  sodium.crypto_box_seal(sealed, asBuffer(plaintext), asBuffer(publicKey))
  return sealed
}

/** The plaintext, or undefined when the bytes were not sealed to this key. */
export function openSealedBox(sealed: Uint8Array, { publicKey, secretKey }: X25519KeyPair): Uint8Array | undefined {
  if (sealed.length < sodium.crypto_box_SEALBYTES) return undefined
  const plaintext = Buffer.alloc(sealed.length - sodium.crypto_box_SEALBYTES)
  const opened = sodium.crypto_box_seal_open(plaintext, asBuffer(sealed), asBuffer(publicKey), asBuffer(secretKey))
  return opened ? plaintext : undefined
}
