import { x25519 } from '@noble/curves/ed25519.js'
import type { X25519PublicKey, X25519SecretKey } from '../keys.ts'

// What key-agreement.ts does, without native code.

/** X25519 (RFC 7748 5), 32 bytes. Undefined for a low-order public key, whose secret anybody knows. */
export function agreeOnSecret(secretKey: X25519SecretKey, publicKey: X25519PublicKey): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secretKey, publicKey)
  } catch {
    return undefined
  }
}
