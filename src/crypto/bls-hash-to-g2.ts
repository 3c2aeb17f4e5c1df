import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js'
import type { Fp2 } from '@noble/curves/abstract/tower.js'
import { psiFrobenius } from '@noble/curves/abstract/tower.js'
import type { WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js'
import { bn254 } from '@noble/curves/bn254.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { assert } from '../base/assert.ts'
import { concat, toBigInt } from '../base/bytes.ts'

export type G2Point = WeierstrassPoint<Fp2>

const { Fp, Fp2: F2 } = bn254.fields
const G2 = bn254.G2.Point

/** The seed u of the curve family, from which p, r and the cofactor follow. */
const CURVE_SEED = 4965661367192848881n
/** 3 / (9 + i), the constant of the twist (EIP-197). */
const TWIST_B = F2.div(F2.fromBigTuple([3n, 0n]), F2.fromBigTuple([9n, 1n]))
/** Two field elements of 48 bytes (so that the bias of the reduction is negligible), and 32 bytes of which one bit is used. */
const UNIFORM_BYTES = 128
/** The contract counts tries in one byte; each try fails with probability one half. */
const TRIES_MAX = 256

const { G2psi: psi } = psiFrobenius(Fp, F2, F2.NONRESIDUE)

/**
 * The point of the r-order subgroup of G2 to which the contract maps a message. It tries counters until one gives an x coordinate
 * on the twist:
 *
 *     uniform = expand_message_xmd(keccak256, message | counter u8, DST = tag, 128 bytes)   (RFC 9380 5.3.1)
 *     x       = (uniform[0..48] mod p) + (uniform[48..96] mod p) i
 *     y       = the root of x^3 + 3/(9+i) whose real part is a square; negated when the last bit of uniform is 1
 *
 * and then clears the cofactor. Not constant in time: the messages are public.
 */
export function hashToG2(message: Uint8Array, tag: Uint8Array): G2Point {
  for (let counter = 0; counter < TRIES_MAX; counter++) {
    const uniform = expand_message_xmd(concat(message, Uint8Array.of(counter)), tag, UNIFORM_BYTES, keccak_256)
    const point = pointOfUniform(uniform)
    if (point !== undefined) return clearCofactor(point)
  }
  // Probability 2^-256.
  assert(false, 'No counter maps the message to the curve')
}

function pointOfUniform(uniform: Uint8Array): G2Point | undefined {
  const x = F2.fromBigTuple([reducedInteger(uniform, 0), reducedInteger(uniform, 48)])
  const y = canonicalRoot(F2.add(F2.mul(F2.sqr(x), x), TWIST_B))
  if (y === undefined) return undefined
  const negate = ((uniform[UNIFORM_BYTES - 1] ?? 0) & 1) === 1
  return G2.fromAffine({ x, y: negate ? F2.neg(y) : y })
}

function reducedInteger(bytes: Uint8Array, offset: number): bigint {
  return Fp.create(toBigInt(bytes.subarray(offset, offset + 48)))
}

/** The square root whose real part is a square in Fp, or undefined for a non-square. */
function canonicalRoot(square: Fp2): Fp2 | undefined {
  let root: Fp2
  try {
    root = F2.sqrt(square)
  } catch {
    // noble says "no root" by throwing.
    return undefined
  }
  // -1 is no square in Fp (p = 3 mod 4), so exactly one of the two roots has a square as its real part, unless both real parts
  // are zero: our contract goes on to the next counter then, and nobody can find a message that shows what others do.
  if (root.c0 === 0n) return undefined
  return isSquare(root.c0) ? root : F2.neg(root)
}

function isSquare(value: bigint): boolean {
  return Fp.pow(value, (Fp.ORDER - 1n) / 2n) === 1n
}

/**
 * [u]P + psi([3u]P) + psi^2([u]P) + psi^3(P): Fuentes-Castaneda, Knapp, Rodriguez-Henriquez, "Faster hashing to G2" (SAC 2011).
 * It differs from multiplication by the cofactor by a factor, so it cannot be replaced by that.
 */
function clearCofactor(point: G2Point): G2Point {
  const uP = point.multiplyUnsafe(CURVE_SEED)
  const psiOf3uP = psi(G2, uP.double().add(uP))
  const psi2OfuP = psi(G2, psi(G2, uP))
  const psi3OfP = psi(G2, psi(G2, psi(G2, point)))
  return uP.add(psiOf3uP).add(psi2OfuP).add(psi3OfP)
}
