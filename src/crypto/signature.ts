import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'
import type { Ed25519PublicKey, Ed25519SecretKey } from './keys.ts'

export const SIGNATURE_SIZE = 64

/** Ed25519 (RFC 8032), 64 bytes. */
export function sign(message: Uint8Array, secretKey: Ed25519SecretKey): Uint8Array {
  const signature = Buffer.alloc(SIGNATURE_SIZE)
  sodium.crypto_sign_detached(signature, asBuffer(message), asBuffer(secretKey))
  return signature
}

/**
 * Whether the signature is good. Small-order and non-canonical public keys are refused by libsodium: with one of
 * them, a signature could be made that is valid for every message.
 */
export function verifySignature(signature: Uint8Array, message: Uint8Array, publicKey: Ed25519PublicKey): boolean {
  if (signature.length !== SIGNATURE_SIZE) return false
  return sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(message), asBuffer(publicKey))
}
