import { randomBytes } from 'node:crypto'
import type { WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js'
import { bn254 } from '@noble/curves/bn254.js'
import { concat, toBigInt } from '../base/bytes.ts'
import type { G2Point } from './bls-hash-to-g2.ts'
import { hashToG2 } from './bls-hash-to-g2.ts'

// BLS signatures on bn254 as the staking contract checks them: public keys in G1, signatures in G2,
// e(G1, signature) = e(public key, H(message)). Coordinates are big-endian; of an Fp2 element the real part comes first.

/** A scalar in [1, r), 32 bytes big-endian. Never logged. */
export type BlsSecretKey = Uint8Array & { readonly kind: 'BlsSecretKey' }
/** X | Y, 64 bytes: a point of G1 other than infinity. */
export type BlsPublicKey = Uint8Array & { readonly kind: 'BlsPublicKey' }
/** x.c0 | x.c1 | y.c0 | y.c1, 128 bytes: a point of the r-order subgroup of G2 other than infinity. */
export type BlsSignature = Uint8Array & { readonly kind: 'BlsSignature' }

/** A public key as the contract's ABI takes it. */
export interface BlsPublicKeyParameter {
  readonly X: bigint
  readonly Y: bigint
}

/** A signature as the contract's ABI takes it. */
export interface BlsSignatureParameter {
  readonly sigs0: bigint
  readonly sigs1: bigint
  readonly sigs2: bigint
  readonly sigs3: bigint
}

export const BLS_SECRET_KEY_BYTES = 32
export const BLS_PUBLIC_KEY_BYTES = 64
export const BLS_SIGNATURE_BYTES = 128

export type G1Point = WeierstrassPoint<bigint>
type Bytes<Brand extends string> = Uint8Array & { readonly kind: Brand }

const { Fp, Fp2, Fp12, Fr } = bn254.fields
const G1 = bn254.G1.Point
const G2 = bn254.G2.Point

/** A message hashed to the curve once, to be signed or verified against many keys. */
export class BlsMessage {
  readonly #point: G2Point

  /** `tag` is the contract's hash tag (see blsTags), the domain of the hash. */
  constructor(message: Uint8Array, tag: Uint8Array) {
    this.#point = hashToG2(message, tag)
  }

  get point(): G2Point {
    return this.#point
  }
}

export function generateBlsSecretKey(): BlsSecretKey {
  // 48 bytes, so that the reduction's bias is below 2^-128 (FIPS 186-5 A.2.1).
  for (;;) {
    const scalar = Fr.create(toBigInt(randomBytes(48)))
    if (scalar !== 0n) return branded<'BlsSecretKey'>(bytesOf(scalar))
  }
}

/**
 * A secret key from another program's file, or undefined when it has the wrong length or is zero. oxend stores 32 big-endian bytes
 * that usually exceed the group order, so the integer is reduced.
 */
export function importBlsSecretKey(bytes: Uint8Array): BlsSecretKey | undefined {
  if (bytes.length !== BLS_SECRET_KEY_BYTES) return undefined
  const scalar = Fr.create(toBigInt(bytes))
  return scalar === 0n ? undefined : branded<'BlsSecretKey'>(bytesOf(scalar))
}

/** A secret key from canonical bytes: undefined unless it is a scalar in [1, r). */
export function parseBlsSecretKey(bytes: Uint8Array): BlsSecretKey | undefined {
  if (bytes.length !== BLS_SECRET_KEY_BYTES) return undefined
  const scalar = toBigInt(bytes)
  return scalar > 0n && scalar < Fr.ORDER ? branded<'BlsSecretKey'>(Uint8Array.from(bytes)) : undefined
}

export function blsPublicKey(secretKey: BlsSecretKey): BlsPublicKey {
  return publicKeyOf(G1.BASE.multiply(toBigInt(secretKey)))
}

/** The public key of 64 bytes, or undefined unless they are canonical coordinates of a point on the curve. */
export function parseBlsPublicKey(bytes: Uint8Array): BlsPublicKey | undefined {
  if (bytes.length !== BLS_PUBLIC_KEY_BYTES) return undefined
  return blsPublicKeyOfParameter({ X: toBigInt(bytes.subarray(0, 32)), Y: toBigInt(bytes.subarray(32)) })
}

/** The public key of the contract's integers, or undefined unless they are canonical coordinates of a point on the curve. */
export function blsPublicKeyOfParameter({ X, Y }: BlsPublicKeyParameter): BlsPublicKey | undefined {
  if (!areCanonical(X, Y)) return undefined
  // The group G1 has prime order, so a point on the curve is in the subgroup.
  const point = G1.fromAffine({ x: X, y: Y })
  return isValid(point) ? publicKeyOf(point) : undefined
}

/** The signature of 128 bytes, or undefined unless they are canonical coordinates of a point in the r-order subgroup. */
export function parseBlsSignature(bytes: Uint8Array): BlsSignature | undefined {
  if (bytes.length !== BLS_SIGNATURE_BYTES) return undefined
  const [xReal, xImaginary, yReal, yImaginary] = words(bytes)
  if (!areCanonical(xReal, xImaginary, yReal, yImaginary)) return undefined
  const point = G2.fromAffine({ x: { c0: xReal, c1: xImaginary }, y: { c0: yReal, c1: yImaginary } })
  return isValid(point) ? signatureOf(point) : undefined
}

export function blsSign(secretKey: BlsSecretKey, message: BlsMessage): BlsSignature {
  return signatureOf(message.point.multiply(toBigInt(secretKey)))
}

export function blsVerify(publicKey: BlsPublicKey, message: BlsMessage, signature: BlsSignature): boolean {
  return arePaired(publicKeyPoint(publicKey), message, signaturePoint(signature))
}

/**
 * Whether e(G1, signature) = e(public key, H(message)).
 * @throws {Error} noble's, for points that are infinite, not on the curve, or not in the subgroup
 */
export function arePaired(publicKey: G1Point, message: BlsMessage, signature: G2Point): boolean {
  const product = bn254.pairingBatch([
    { g1: G1.BASE, g2: signature },
    { g1: publicKey.negate(), g2: message.point },
  ])
  return Fp12.eql(product, Fp12.ONE)
}

/** The sum of signatures over the same message. Undefined for none, or in the freak case that they cancel. */
export function aggregateBlsSignatures(signatures: readonly BlsSignature[]): BlsSignature | undefined {
  const sum = signatures.map(signaturePoint).reduce((a, b) => a.add(b), G2.ZERO)
  return sum.is0() ? undefined : signatureOf(sum)
}

/** The sum of public keys, under which the sum of their signatures verifies. Undefined for none, or when they cancel. */
export function aggregateBlsPublicKeys(publicKeys: readonly BlsPublicKey[]): BlsPublicKey | undefined {
  const sum = publicKeys.map(publicKeyPoint).reduce((a, b) => a.add(b), G1.ZERO)
  return sum.is0() ? undefined : publicKeyOf(sum)
}

export function blsPublicKeyParameter(publicKey: BlsPublicKey): BlsPublicKeyParameter {
  return { X: toBigInt(publicKey.subarray(0, 32)), Y: toBigInt(publicKey.subarray(32)) }
}

export function blsSignatureParameter(signature: BlsSignature): BlsSignatureParameter {
  const [sigs0, sigs1, sigs2, sigs3] = words(signature)
  return { sigs0, sigs1, sigs2, sigs3 }
}

/** For files beside this one. */
export function publicKeyPoint(publicKey: BlsPublicKey): G1Point {
  const { X, Y } = blsPublicKeyParameter(publicKey)
  return G1.fromAffine({ x: X, y: Y })
}

function publicKeyOf(point: G1Point): BlsPublicKey {
  const { x, y } = point.toAffine()
  return branded<'BlsPublicKey'>(concat(bytesOf(x), bytesOf(y)))
}

/**
 * A point of canonical coordinates, or undefined. Whether it is on the curve and in the subgroup is not looked at, which is what costs:
 * for sums that are checked as a whole.
 */
export function uncheckedSignaturePoint(bytes: Uint8Array): G2Point | undefined {
  if (bytes.length !== BLS_SIGNATURE_BYTES) return undefined
  const coordinates = words(bytes)
  return areCanonical(...coordinates) ? pointOf(coordinates) : undefined
}

function signaturePoint(signature: BlsSignature): G2Point {
  return pointOf(words(signature))
}

function pointOf([xReal, xImaginary, yReal, yImaginary]: readonly [bigint, bigint, bigint, bigint]): G2Point {
  return G2.fromAffine({ x: Fp2.fromBigTuple([xReal, xImaginary]), y: Fp2.fromBigTuple([yReal, yImaginary]) })
}

/** For files beside this one, of a point that has been checked. */
export function signatureOf(point: G2Point): BlsSignature {
  const { x, y } = point.toAffine()
  return branded<'BlsSignature'>(concat(bytesOf(x.c0), bytesOf(x.c1), bytesOf(y.c0), bytesOf(y.c1)))
}

function isValid(point: G1Point | G2Point): boolean {
  if (point.is0()) return false
  try {
    point.assertValidity()
    return true
  } catch {
    return false
  }
}

function areCanonical(...coordinates: readonly bigint[]): boolean {
  return coordinates.every((coordinate) => coordinate >= 0n && coordinate < Fp.ORDER)
}

function words(signature: Uint8Array): [bigint, bigint, bigint, bigint] {
  const word = (index: number) => toBigInt(signature.subarray(index * 32, index * 32 + 32))
  return [word(0), word(1), word(2), word(3)]
}

function bytesOf(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

/** The one place where bytes get their brand: callers have checked or computed them. */
function branded<Brand extends string>(bytes: Uint8Array): Bytes<Brand> {
  return bytes as Bytes<Brand>
}
