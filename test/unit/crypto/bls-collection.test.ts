import { bn254 } from '@noble/curves/bn254.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat } from '../../../src/base/bytes.ts'
import {
  aggregateBlsPublicKeys,
  BlsMessage,
  type BlsSecretKey,
  blsPublicKey,
  blsSign,
  blsVerify,
  generateBlsSecretKey,
  parseBlsSignature,
} from '../../../src/crypto/bls.ts'
import { type BlsShare, collectBlsSignatures } from '../../../src/crypto/bls-collection.ts'

const tag = Buffer.alloc(32, 5)
const message = new BlsMessage(Buffer.from('what all sign'), tag)
const other = new BlsMessage(Buffer.from('what nobody asked for'), tag)
const { Fp, Fp2 } = bn254.fields
const G2 = bn254.G2.Point

const secretKeys = Array.from({ length: 9 }, generateBlsSecretKey)
const rightShare = (secretKey: BlsSecretKey): BlsShare => ({
  publicKey: blsPublicKey(secretKey),
  signature: blsSign(secretKey, message),
})
const shares = secretKeys.map(rightShare)

function shareAt(index: number): BlsShare {
  const share = shares[index]
  if (share === undefined) throw new Error('There are fewer shares')
  return share
}

/** The shares with some signatures replaced. */
function withSignatures(replaced: ReadonlyMap<number, Uint8Array>): BlsShare[] {
  return shares.map((share, index) => ({ ...share, signature: replaced.get(index) ?? share.signature }))
}

function expectSumOf(indices: readonly number[], given: readonly BlsShare[]): void {
  const collected = collectBlsSignatures(message, given)
  expect(collected.right.toSorted((a, b) => a - b)).toEqual(indices)
  const key = aggregateBlsPublicKeys(indices.flatMap((index) => given[index]?.publicKey ?? []))
  if (key === undefined || collected.signature === undefined) throw new Error('Nobody signed')
  expect(parseBlsSignature(collected.signature)).toEqual(collected.signature)
  expect(blsVerify(key, message, collected.signature)).toBe(true)
}

const word = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const bytesOf = (...values: readonly bigint[]) => concat(...values.map(word))

/** On the curve and outside the subgroup: nearly every point is. */
function aPointOutsideTheSubgroup() {
  const b = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]))
  for (let real = 1n; ; real++) {
    const x = Fp2.fromBigTuple([real, 0n])
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)
    try {
      return G2.fromAffine({ x, y: Fp2.sqrt(square) })
    } catch {
      // No point has this x.
    }
  }
}

function encoded(point: ReturnType<typeof aPointOutsideTheSubgroup>): Uint8Array {
  const { x, y } = point.toAffine()
  return bytesOf(x.c0, x.c1, y.c0, y.c1)
}

test('signatures of all are summed', () => expectSumOf([0, 1, 2, 3, 4, 5, 6, 7, 8], shares))

test('nobody’s signatures have no sum', () => {
  expect(collectBlsSignatures(message, [])).toEqual({ signature: undefined, right: [], wrong: [], unchecked: [] })
})

test('whoever signs something else is found, however many do', () => {
  fc.assert(
    fc.property(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8], { maxLength: 8 }), (liars) => {
      const given = withSignatures(
        new Map(liars.map((index) => [index, blsSign(secretKeys[index] ?? generateBlsSecretKey(), other)])),
      )
      const collected = collectBlsSignatures(message, given)
      expect(collected.wrong).toEqual(liars)
      expectSumOf(
        shares.map((_, index) => index).filter((index) => !liars.includes(index)),
        given,
      )
    }),
    { numRuns: 3 },
  )
})

const { x, y } = G2.BASE.toAffine()
const outside = aPointOutsideTheSubgroup()
const FALSE_POINTS: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['zeros', Buffer.alloc(128)],
  ['ones', Buffer.alloc(128, 0xff)],
  ['a coordinate that is not reduced', bytesOf(x.c0 + Fp.ORDER, x.c1, y.c0, y.c1)],
  ['a point off the curve', bytesOf(x.c0, x.c1, y.c0, (y.c1 + 1n) % Fp.ORDER)],
  ['a point outside the subgroup', encoded(outside)],
  ['a right signature shifted out of the subgroup', encoded(outside.add(pointOf(shareAt(3).signature)))],
  ['real and imaginary parts swapped', swappedHalves(shareAt(3).signature)],
  ['x and y swapped', concat(shareAt(3).signature.subarray(64), shareAt(3).signature.subarray(0, 64))],
  ["another member's signature", shareAt(4).signature],
]

function pointOf(signature: Uint8Array) {
  const at = (index: number) =>
    BigInt(`0x${Buffer.from(signature.subarray(index * 32, index * 32 + 32)).toString('hex')}`)
  return G2.fromAffine({ x: { c0: at(0), c1: at(1) }, y: { c0: at(2), c1: at(3) } })
}

function swappedHalves(signature: Uint8Array): Uint8Array {
  const at = (index: number) => signature.subarray(index * 32, index * 32 + 32)
  return concat(at(1), at(0), at(3), at(2))
}

test.each(FALSE_POINTS)('%s is found and left out', (_, signature) => {
  const given = withSignatures(new Map([[3, signature]]))
  expect(collectBlsSignatures(message, given).wrong).toEqual([3])
  expectSumOf([0, 1, 2, 4, 5, 6, 7, 8], given)
})

test('two that lie so that their lies cancel leave the sum right, and either alone is found', () => {
  const [first, second] = [pointOf(shareAt(2).signature), pointOf(shareAt(3).signature)]
  const given = withSignatures(
    new Map([
      [2, encoded(first.add(outside))],
      [3, encoded(second.subtract(outside))],
    ]),
  )
  expectSumOf([0, 1, 2, 3, 4, 5, 6, 7, 8], given)
  expect(collectBlsSignatures(message, given.slice(0, 3)).wrong).toEqual([2])
})

test('when the time is over, what has not been told apart is left out', () => {
  let looks = 0
  const given = withSignatures(new Map([[8, blsSign(generateBlsSecretKey(), message)]]))
  const collected = collectBlsSignatures(message, given, () => ++looks > 2)
  expect(collected.right).toEqual([0, 1, 2, 3])
  expect([...collected.wrong, ...collected.unchecked].toSorted()).toContain(8)
  expect(collectBlsSignatures(message, shares, () => true).unchecked).toHaveLength(9)
})
