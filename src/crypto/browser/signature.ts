import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { bytesEqual, toHex } from '../../base/bytes.ts'
import type { Ed25519PublicKey, Ed25519SecretKey } from '../keys.ts'

// What signature.ts does, without native code.

export const SIGNATURE_SIZE = 64
const SEED_SIZE = 32
const POINT_SIZE = 32

const { Point } = ed25519
type Point = InstanceType<typeof Point>

/** Ed25519 (RFC 8032), 64 bytes. */
export function sign(message: Uint8Array, secretKey: Ed25519SecretKey): Uint8Array {
  return ed25519.sign(message, secretKey.subarray(0, SEED_SIZE))
}

/**
 * Whether the signature is good, by libsodium's rules: the scalar S is reduced, neither the public key A nor R is of small order
 * or written in another way than the canonical one, and R = S B - H(R, A, message) A. The library's own `verify` multiplies
 * both sides of that by the cofactor, and so takes signatures that nodes refuse.
 */
export function verifySignature(signature: Uint8Array, message: Uint8Array, publicKey: Ed25519PublicKey): boolean {
  if (signature.length !== SIGNATURE_SIZE) return false
  const r = signature.subarray(0, POINT_SIZE)
  const s = integer(signature.subarray(POINT_SIZE))
  const a = pointOf(publicKey)
  if (s >= Point.Fn.ORDER || a === undefined || a.isSmallOrder()) return false
  const hash = sha512.create().update(r).update(publicKey).update(message).digest()
  // Everything here is public, so the time that it takes may depend on it.
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(Point.Fn.create(integer(hash))))
  return !expected.isSmallOrder() && bytesEqual(expected.toBytes(), r)
}

function pointOf(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined
  }
}

/** Of little-endian bytes. */
function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`)
}
