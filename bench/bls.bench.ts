// What an operator waits for when all members have signed: the sum of 2,000 signatures and its check, against the same with nothing but
// the library's own additions and one pairing.
import { bn254 } from '@noble/curves/bn254.js'
import { concat } from '../src/base/bytes.ts'
import { BlsMessage, blsPublicKey, blsSign, generateBlsSecretKey } from '../src/crypto/bls.ts'
import { type BlsShare, collectBlsSignatures } from '../src/crypto/bls-collection.ts'
import { type Benchmark, compare, type Ratio } from './ratio.ts'

const SIGNERS = 2_000
/** Keys are made once and used often: what is measured does not depend on whose they are. */
const KEYS = 20

const { Fp12 } = bn254.fields
const G1 = bn254.G1.Point
const G2 = bn254.G2.Point

export const benchmark: Benchmark = {
  name: 'bls',
  async run() {
    const tag = Buffer.alloc(32, 7)
    const message = new BlsMessage(Buffer.from('what all sign'), tag)
    const shares = someShares(message)
    return [
      await ratio('sum and check 2,000 BLS signatures', 0.7, shares, message, () => {
        if (collectBlsSignatures(message, shares).right.length !== SIGNERS) throw new Error('All are right')
      }),
      await ratio('the same with a false one among them', 0.05, withOneFalse(shares), message, () => {
        if (collectBlsSignatures(message, withOneFalse(shares)).wrong.length !== 1) throw new Error('One is wrong')
      }),
    ]
  },
}

function someShares(message: BlsMessage): BlsShare[] {
  const distinct = Array.from({ length: KEYS }, () => {
    const secretKey = generateBlsSecretKey()
    return { publicKey: blsPublicKey(secretKey), signature: blsSign(secretKey, message) }
  })
  return Array.from({ length: SIGNERS / KEYS }, () => distinct).flat()
}

function withOneFalse(shares: readonly BlsShare[]): BlsShare[] {
  const [first, second, ...rest] = shares
  if (first === undefined || second === undefined) throw new Error('There are shares')
  return [{ ...first, signature: second.signature }, second, ...rest]
}

async function ratio(
  name: string,
  goal: number,
  shares: readonly BlsShare[],
  message: BlsMessage,
  ours: () => void,
): Promise<Ratio> {
  const points = shares.map(({ publicKey, signature }) => ({
    key: concat(publicKey),
    signature: concat(signature),
  }))
  const measured = await compare(ours, () => bareSumAndCheck(points, message))
  return { name, limitName: "the library's bare additions and one pairing", goal, ...measured }
}

function bareSumAndCheck(points: readonly { key: Uint8Array; signature: Uint8Array }[], message: BlsMessage): boolean {
  let key = G1.ZERO
  let signature = G2.ZERO
  for (const point of points) {
    key = key.add(G1.fromAffine({ x: word(point.key, 0), y: word(point.key, 1) }))
    const x = { c0: word(point.signature, 0), c1: word(point.signature, 1) }
    const y = { c0: word(point.signature, 2), c1: word(point.signature, 3) }
    signature = signature.add(G2.fromAffine({ x, y }))
  }
  const pairs = [
    { g1: G1.BASE, g2: signature },
    { g1: key.negate(), g2: message.point },
  ]
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE)
}

function word(bytes: Uint8Array, index: number): bigint {
  return BigInt(`0x${Buffer.from(bytes.subarray(index * 32, index * 32 + 32)).toString('hex')}`)
}
