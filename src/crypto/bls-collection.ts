import { bn254 } from '@noble/curves/bn254.js'
import {
  arePaired,
  type BlsMessage,
  type BlsPublicKey,
  type BlsSignature,
  type G1Point,
  publicKeyPoint,
  signatureOf,
  uncheckedSignaturePoint,
} from './bls.ts'
import type { G2Point } from './bls-hash-to-g2.ts'

/** What somebody says is the signature of this key. */
export interface BlsShare {
  readonly publicKey: BlsPublicKey
  /** Any bytes. */
  readonly signature: Uint8Array
}

/** The right ones of many signatures over one message. Numbers are places in the list that was given. */
export interface CollectedShares {
  /** The sum of the right ones; undefined when there is none. */
  readonly signature: BlsSignature | undefined
  readonly right: readonly number[]
  readonly wrong: readonly number[]
  /** Those that there was no time left to tell apart. */
  readonly unchecked: readonly number[]
}

/**
 * Sums signatures over one message and finds the wrong ones among them. The sum of all is checked first, which is all there is to do
 * as long as nobody cheats; a sum that is wrong is halved until the wrong ones are found. What the sum is of is not checked one
 * by one: points off the curve or outside the subgroup that cancel each other leave a right sum, and the sum is all that the
 * contract sees.
 */
export function collectBlsSignatures(
  message: BlsMessage,
  shares: readonly BlsShare[],
  isOver: () => boolean = () => false,
): CollectedShares {
  const points: SharePoints[] = []
  const wrong: number[] = []
  for (const [index, { publicKey, signature }] of shares.entries()) {
    const point = uncheckedSignaturePoint(signature)
    if (point === undefined) wrong.push(index)
    else points.push({ index, key: publicKeyPoint(publicKey), signature: point })
  }
  const found: Found = { right: [], wrong, unchecked: [] }
  if (points.length > 0) tellApart(message, points, found, isOver)
  const signature = found.right.map((sum) => sum.signature).reduce((a, b) => a.add(b), G2_ZERO)
  return {
    signature: signature.is0() ? undefined : signatureOf(signature),
    right: found.right.flatMap(({ indices }) => indices),
    wrong: wrong.toSorted((a, b) => a - b),
    unchecked: found.unchecked,
  }
}

const G2_ZERO: G2Point = bn254.G2.Point.ZERO

interface SharePoints {
  /** Place of the share. */
  readonly index: number
  readonly key: G1Point
  readonly signature: G2Point
}

interface Found {
  readonly right: { readonly signature: G2Point; readonly indices: readonly number[] }[]
  readonly wrong: number[]
  readonly unchecked: number[]
}

function tellApart(message: BlsMessage, points: readonly SharePoints[], found: Found, isOver: () => boolean): void {
  const indices = points.map(({ index }) => index)
  if (isOver()) return void found.unchecked.push(...indices)
  const signature = points.map((point) => point.signature).reduce((a, b) => a.add(b))
  const key = points.map((point) => point.key).reduce((a, b) => a.add(b))
  if (isRight(key, message, signature)) found.right.push({ signature, indices })
  else halve(message, points, found, isOver)
}

/** Of shares whose sum is wrong. Adding them up again costs little beside a pairing. */
function halve(message: BlsMessage, points: readonly SharePoints[], found: Found, isOver: () => boolean): void {
  const [first] = points
  if (first === undefined) return
  if (points.length === 1) return void found.wrong.push(first.index)
  const [left, right] = [points.slice(0, points.length >> 1), points.slice(points.length >> 1)]
  const before = found.wrong.length + found.unchecked.length
  tellApart(message, left, found, isOver)
  // When all is right with one half, the other needs no check to be wrong.
  const isLeftRight = found.wrong.length + found.unchecked.length === before
  if (isLeftRight) halve(message, right, found, isOver)
  else tellApart(message, right, found, isOver)
}

function isRight(key: G1Point, message: BlsMessage, signature: G2Point): boolean {
  try {
    return arePaired(key, message, signature)
  } catch {
    // noble throws for infinity, and for what is not on the curve or not in the subgroup.
    return false
  }
}
