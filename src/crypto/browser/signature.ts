import { ed25519 } from '@noble/curves/ed25519.js'
import type { Ed25519PublicKey, Ed25519SecretKey } from '../keys.ts'

// What signature.ts does, without native code.

export const SIGNATURE_SIZE = 64
const SEED_SIZE = 32
const POINT_SIZE = 32

const { Point } = ed25519

/** Ed25519 (RFC 8032), 64 bytes. */
export function sign(message: Uint8Array, secretKey: Ed25519SecretKey): Uint8Array {
  return ed25519.sign(message, secretKey.subarray(0, SEED_SIZE))
}

/**
 * Whether the signature is good. `verify` multiplies its equation by the cofactor and so takes signatures that libsodium refuses, but
 * only where the public key or R has a part of small order. Those are refused here: without such a part both equations are the
 * same. libsodium does take a few of them, which nobody makes who does not mean to (docs/decisions/2026-11-23-browser.md).
 */
export function verifySignature(signature: Uint8Array, message: Uint8Array, publicKey: Ed25519PublicKey): boolean {
  if (signature.length !== SIGNATURE_SIZE) return false
  if (!ed25519.verify(signature, message, publicKey, { zip215: false })) return false
  const [a, r] = [publicKey, signature.subarray(0, POINT_SIZE)].map((bytes) => Point.fromBytes(bytes))
  return a?.isTorsionFree() === true && r?.isTorsionFree() === true && !r.is0()
}
