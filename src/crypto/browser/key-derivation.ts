import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { concat } from '../../base/bytes.ts'

// What key-derivation.ts does, without native code.

const SEED_SIZE = 32
const { Fp, Point } = { Fp: ed25519.Point.Fp, Point: ed25519.Point }

/** The public key, and libsodium's 64-byte form of the secret key. */
export function ed25519KeysOfSeed(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  const publicKey = ed25519.getPublicKey(seed)
  return { publicKey, secretKey: concat(seed, publicKey) }
}

export function x25519PublicKeyOf(secretKey: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secretKey)
}

/** The birational image of an Ed25519 public key; undefined when it is no point of the prime-order group. */
export function x25519ImageOf(ed25519PublicKey: Uint8Array): Uint8Array | undefined {
  const point = pointOf(ed25519PublicKey)
  if (point === undefined || point.isSmallOrder() || !point.isTorsionFree()) return undefined
  // RFC 7748 4.1: u = (1 + y) / (1 - y).
  const { y } = point.toAffine()
  return Fp.toBytes(Fp.div(Fp.add(Fp.ONE, y), Fp.sub(Fp.ONE, y)))
}

function pointOf(bytes: Uint8Array) {
  try {
    // libsodium takes a y coordinate that is not reduced, which these rules do, too.
    return Point.fromBytes(bytes, true)
  } catch {
    return undefined
  }
}

/** First 32 bytes of SHA-512(seed), clamped. */
export function x25519SecretKeyOf(ed25519SecretKey: Uint8Array): Uint8Array {
  return ed25519.utils.toMontgomerySecret(ed25519SecretKey.subarray(0, SEED_SIZE))
}
