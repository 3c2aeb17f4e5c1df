import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'
import type { X25519PublicKey, X25519SecretKey } from './keys.ts'

const SHARED_SECRET_SIZE = 32

/** X25519 (RFC 7748 5), 32 bytes. Undefined for a low-order public key, whose secret anybody knows. */
export function agreeOnSecret(secretKey: X25519SecretKey, publicKey: X25519PublicKey): Uint8Array | undefined {
  const shared = Buffer.alloc(SHARED_SECRET_SIZE)
  try {
    sodium.crypto_scalarmult(shared, asBuffer(secretKey), asBuffer(publicKey))
  } catch {
    return undefined
  }
  return shared
}
