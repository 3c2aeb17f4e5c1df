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
  const found: Found = { right: [], wrong: [], unchecked: [] }
  const leaves: Sum[] = []
  for (const [index, { publicKey, signature }] of shares.entries()) {
    const point = uncheckedSignaturePoint(signature)
    if (point === undefined) found.wrong.push(index)
    else leaves.push({ key: publicKeyPoint(publicKey), signature: point, indices: [index] })
  }
  const all = sumOf(leaves)
  if (all !== undefined) tellApart(message, all, found, isOver)
  const signature = found.right
    .map((sum) => sum.signature)
    .reduce<G2Point | undefined>((a, b) => a?.add(b) ?? b, undefined)
  return {
    signature: signature === undefined || signature.is0() ? undefined : signatureOf(signature),
    right: found.right.flatMap(({ indices }) => indices),
    wrong: found.wrong.toSorted((a, b) => a - b),
    unchecked: found.unchecked,
  }
}

/** Keys and signatures of a range of shares, and of its two halves. */
interface Sum {
  readonly key: G1Point
  readonly signature: G2Point
  readonly indices: readonly number[]
  readonly halves?: readonly [Sum, Sum]
}

interface Found {
  readonly right: Sum[]
  readonly wrong: number[]
  readonly unchecked: number[]
}

/** The tree of sums, so that halving adds nothing up again. */
function sumOf(leaves: readonly Sum[]): Sum | undefined {
  if (leaves.length <= 1) return leaves[0]
  const middle = leaves.length >> 1
  const [left, right] = [sumOf(leaves.slice(0, middle)), sumOf(leaves.slice(middle))]
  if (left === undefined || right === undefined) return left ?? right
  return {
    key: left.key.add(right.key),
    signature: left.signature.add(right.signature),
    indices: [...left.indices, ...right.indices],
    halves: [left, right],
  }
}

function tellApart(message: BlsMessage, sum: Sum, found: Found, isOver: () => boolean): void {
  if (isOver()) found.unchecked.push(...sum.indices)
  else if (isRight(message, sum)) found.right.push(sum)
  else halve(message, sum, found, isOver)
}

/** Of a sum that is wrong. */
function halve(message: BlsMessage, { indices, halves }: Sum, found: Found, isOver: () => boolean): void {
  if (halves === undefined) return void found.wrong.push(...indices)
  const [left, right] = halves
  const before = found.wrong.length + found.unchecked.length
  tellApart(message, left, found, isOver)
  // When all is right with one half, the other needs no check to be wrong.
  const isLeftRight = found.wrong.length + found.unchecked.length === before
  if (isLeftRight) halve(message, right, found, isOver)
  else tellApart(message, right, found, isOver)
}

function isRight(message: BlsMessage, { key, signature }: Sum): boolean {
  try {
    return arePaired(key, message, signature)
  } catch {
    // noble throws for infinity, and for what is not on the curve or not in the subgroup.
    return false
  }
}
