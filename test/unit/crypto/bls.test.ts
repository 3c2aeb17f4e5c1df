import { readFileSync } from 'node:fs'
import { bn254 } from '@noble/curves/bn254.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import {
  aggregateBlsPublicKeys,
  aggregateBlsSignatures,
  BlsMessage,
  type BlsPublicKey,
  type BlsSecretKey,
  type BlsSignature,
  blsPublicKey,
  blsPublicKeyOfParameter,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
  blsVerify,
  generateBlsSecretKey,
  importBlsSecretKey,
  parseBlsPublicKey,
  parseBlsSecretKey,
  parseBlsSignature,
} from '../../../src/crypto/bls.ts'
import { hashToG2 } from '../../../src/crypto/bls-hash-to-g2.ts'
import {
  blsTag,
  blsTags,
  type ContractAddress,
  exitMessage,
  liquidateMessage,
  proofOfPossessionMessage,
  rewardMessage,
} from '../../../src/crypto/bls-messages.ts'

const vectors = JSON.parse(readFileSync(new URL('../../vectors/staking-bls.json', import.meta.url), 'utf8'))
const tags = blsTags(vectors.tags.chainId, vectors.tags.contract)
const { Fp, Fr } = bn254.fields
const OPERATOR: ContractAddress = vectors.registration.operator

const bytes = (hex: string): Uint8Array => required(fromHex(hex))
const wordOf = (value: bigint): Uint8Array => bytes(value.toString(16).padStart(64, '0'))

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The test needs a value here')
  return value
}

function aSecretKey(scalar: bigint): BlsSecretKey {
  return required(parseBlsSecretKey(wordOf(scalar)))
}

function aMessage(text = 'a message'): BlsMessage {
  return new BlsMessage(Buffer.from(text), tags.hashToG2)
}

/** The bytes with one bit flipped. */
function flipped(original: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(original)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

test('the tags of the contract on Arbitrum One are known', () => {
  expect(toHex(tags.proofOfPossession)).toMatch(new RegExp(`^${vectors.tags.proofOfPossession}`))
  expect(toHex(tags.reward)).toBe(vectors.tags.reward)
  expect(toHex(tags.exit)).toMatch(new RegExp(`^${vectors.tags.exit}`))
  expect(toHex(tags.liquidate)).toMatch(new RegExp(`^${vectors.tags.liquidate}`))
  expect(toHex(tags.hashToG2)).toMatch(new RegExp(`^${vectors.tags.hashToG2}`))
})

test('tags differ with the chain, the contract and the name, not with the case of the address', () => {
  const tag = toHex(blsTag('NAME', 1, OPERATOR))
  expect(toHex(blsTag('NAME', 1, `0x${OPERATOR.slice(2).toLowerCase()}`))).toBe(tag)
  const others = [blsTag('NAME', 2, OPERATOR), blsTag('NAME', 1, vectors.tags.contract), blsTag('NAMES', 1, OPERATOR)]
  expect(others.map(toHex)).not.toContain(tag)
})

test("oxend's proof of possession verifies for its operator and its Ed25519 key only", () => {
  const { chainId, contract, blsPublicKey: key, proofOfPossession, ed25519PublicKey } = vectors.registration
  const stagenet = blsTags(chainId, contract)
  const publicKey = required(parseBlsPublicKey(bytes(key)))
  const proof = required(parseBlsSignature(bytes(proofOfPossession)))
  const verify = (operator: ContractAddress, ed25519: Uint8Array) => {
    const message = proofOfPossessionMessage(stagenet, publicKey, operator, ed25519)
    return blsVerify(publicKey, new BlsMessage(message, stagenet.hashToG2), proof)
  }
  expect(verify(OPERATOR, bytes(ed25519PublicKey))).toBe(true)
  expect(verify(contract, bytes(ed25519PublicKey))).toBe(false)
  expect(verify(OPERATOR, flipped(bytes(ed25519PublicKey), 0))).toBe(false)
})

test("the aggregate by which Session's nodes signed a reward verifies", () => {
  const { recipient, amountAtomic, message, aggregatePublicKey, signature } = vectors.reward
  const ours = rewardMessage(tags, recipient, BigInt(amountAtomic))
  expect(toHex(ours)).toBe(message)
  const publicKey = required(parseBlsPublicKey(bytes(aggregatePublicKey)))
  const aggregate = required(parseBlsSignature(bytes(signature)))
  expect(blsVerify(publicKey, new BlsMessage(ours, tags.hashToG2), aggregate)).toBe(true)
})

test('the sum of public keys is the one that the contract computes', () => {
  for (const { publicKeys, sum } of vectors.publicKeySums) {
    const keys = publicKeys.map((key: string) => required(parseBlsPublicKey(bytes(key))))
    expect(toHex(required(aggregateBlsPublicKeys(keys)))).toBe(sum)
  }
})

test('messages have the layout that the contract packs', () => {
  const publicKey = blsPublicKey(aSecretKey(1n))
  const ed25519 = bytes(vectors.registration.ed25519PublicKey)
  const proof = toHex(proofOfPossessionMessage(tags, publicKey, OPERATOR, ed25519))
  const address = OPERATOR.slice(2).toLowerCase()
  expect(proof).toBe(toHex(tags.proofOfPossession) + toHex(publicKey) + address + toHex(ed25519))
  const time = toHex(wordOf(1_700_000_000n))
  expect(toHex(exitMessage(tags, publicKey, 1_700_000_000))).toBe(toHex(tags.exit) + toHex(publicKey) + time)
  const liquidation = toHex(liquidateMessage(tags, publicKey, 1_700_000_000))
  expect(liquidation).toBe(toHex(tags.liquidate) + toHex(publicKey) + time)
  expect(rewardMessage(tags, OPERATOR, 2n ** 256n - 1n)).toHaveLength(84)
  expect(() => rewardMessage(tags, OPERATOR, 2n ** 256n)).toThrow('uint256')
  expect(() => rewardMessage(tags, '0x12', 1n)).toThrow('20 bytes')
})

test('the public key of the scalar 1 is the generator', () => {
  expect(blsPublicKeyParameter(blsPublicKey(aSecretKey(1n)))).toEqual({ X: 1n, Y: 2n })
})

test('a signature verifies for its key, message and tag only', () => {
  const secretKey = generateBlsSecretKey()
  const signature = blsSign(secretKey, aMessage())
  const publicKey = blsPublicKey(secretKey)
  expect(blsVerify(publicKey, aMessage(), signature)).toBe(true)
  expect(blsVerify(publicKey, aMessage('another'), signature)).toBe(false)
  expect(blsVerify(publicKey, new BlsMessage(Buffer.from('a message'), tags.exit), signature)).toBe(false)
  expect(blsVerify(blsPublicKey(generateBlsSecretKey()), aMessage(), signature)).toBe(false)
})

test('the sum of signatures verifies under the sum of keys, and only if everyone of them signed', () => {
  const secretKeys = Array.from({ length: 4 }, generateBlsSecretKey)
  const signatures = secretKeys.map((secretKey) => blsSign(secretKey, aMessage()))
  const publicKey = required(aggregateBlsPublicKeys(secretKeys.map(blsPublicKey)))
  expect(blsVerify(publicKey, aMessage(), required(aggregateBlsSignatures(signatures)))).toBe(true)
  expect(blsVerify(publicKey, aMessage(), required(aggregateBlsSignatures(signatures.slice(1))))).toBe(false)
})

test('nothing, or parts that cancel, has no aggregate', () => {
  const one = aSecretKey(1n)
  const minusOne = aSecretKey(Fr.ORDER - 1n)
  expect(aggregateBlsSignatures([])).toBeUndefined()
  expect(aggregateBlsPublicKeys([])).toBeUndefined()
  expect(aggregateBlsPublicKeys([blsPublicKey(one), blsPublicKey(minusOne)])).toBeUndefined()
  expect(aggregateBlsSignatures([blsSign(one, aMessage()), blsSign(minusOne, aMessage())])).toBeUndefined()
})

test("a foreign secret key is reduced by the group's order, a canonical one is not", () => {
  const unreduced = wordOf(Fr.ORDER + 5n)
  expect(toHex(required(importBlsSecretKey(unreduced)))).toBe(toHex(aSecretKey(5n)))
  expect(parseBlsSecretKey(unreduced)).toBeUndefined()
  expect(parseBlsSecretKey(wordOf(Fr.ORDER - 1n))).toBeDefined()
  for (const scalar of [0n, Fr.ORDER]) {
    expect(importBlsSecretKey(wordOf(scalar))).toBeUndefined()
    expect(parseBlsSecretKey(wordOf(scalar))).toBeUndefined()
  }
})

test('keys and signatures of every other length are refused', () => {
  const signature = blsSign(aSecretKey(3n), aMessage())
  const publicKey = blsPublicKey(aSecretKey(3n))
  for (let length = 0; length <= 129; length++) {
    const part = Buffer.concat([signature, Buffer.alloc(1)]).subarray(0, length)
    expect(parseBlsSignature(part) !== undefined).toBe(length === 128)
    const keyPart = Buffer.concat([publicKey, Buffer.alloc(65)]).subarray(0, length)
    expect(parseBlsPublicKey(keyPart) !== undefined).toBe(length === 64)
    expect(parseBlsSecretKey(Buffer.alloc(length, 1)) !== undefined).toBe(length === 32)
    expect(importBlsSecretKey(Buffer.alloc(length, 1)) !== undefined).toBe(length === 32)
  }
})

test('coordinates are canonical: adding the field order makes a key or signature unreadable', () => {
  const { X, Y } = blsPublicKeyParameter(blsPublicKey(aSecretKey(3n)))
  expect(blsPublicKeyOfParameter({ X, Y })).toBeDefined()
  expect(blsPublicKeyOfParameter({ X: X + Fp.ORDER, Y })).toBeUndefined()
  expect(blsPublicKeyOfParameter({ X, Y: Y + Fp.ORDER })).toBeUndefined()
  expect(blsPublicKeyOfParameter({ X: -X, Y })).toBeUndefined()
  const { sigs0, sigs1, sigs2, sigs3 } = blsSignatureParameter(blsSign(aSecretKey(3n), aMessage()))
  const words = [sigs0, sigs1, sigs2, sigs3]
  for (let index = 0; index < 4; index++) {
    const shifted = words.map((word, position) => wordOf(position === index ? word + Fp.ORDER : word))
    expect(parseBlsSignature(Buffer.concat(shifted))).toBeUndefined()
  }
})

test('infinity is neither a key nor a signature', () => {
  expect(parseBlsPublicKey(new Uint8Array(64))).toBeUndefined()
  expect(parseBlsSignature(new Uint8Array(128))).toBeUndefined()
})

test('a point of the twist outside the prime-order subgroup is no signature', () => {
  const { Point } = bn254.G2
  const { Fp2 } = bn254.fields
  for (let x = 1n; ; x++) {
    const square = Fp2.add(Fp2.pow(Fp2.fromBigTuple([x, 0n]), 3n), Point.CURVE().b)
    try {
      const y = Fp2.sqrt(square)
      const point = Point.fromAffine({ x: Fp2.fromBigTuple([x, 0n]), y })
      expect(point.isTorsionFree()).toBe(false)
      expect(parseBlsSignature(Buffer.concat([x, 0n, y.c0, y.c1].map(wordOf)))).toBeUndefined()
      return
    } catch (error) {
      if (error instanceof Error && error.message.includes('square root')) continue
      throw error
    }
  }
})

test('a key or signature with any bit flipped is unreadable or another', () => {
  const secretKey = generateBlsSecretKey()
  const publicKey: BlsPublicKey = blsPublicKey(secretKey)
  const signature: BlsSignature = blsSign(secretKey, aMessage())
  fc.assert(
    fc.property(fc.nat(511), fc.nat(1023), (keyBit, signatureBit) => {
      // One coordinate determines the other but for its sign, so a changed one leaves the curve or is not canonical.
      expect(parseBlsPublicKey(flipped(publicKey, keyBit))).toBeUndefined()
      expect(parseBlsSignature(flipped(signature, signatureBit))).toBeUndefined()
    }),
    { numRuns: 100 },
  )
})

test('random bytes are refused without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 128, maxLength: 128 }), (random) => {
      expect(parseBlsSignature(random)).toBeUndefined()
      expect(parseBlsPublicKey(random.subarray(64))).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})

test('what is parsed comes back byte for byte', () => {
  const secretKey = generateBlsSecretKey()
  const publicKey = blsPublicKey(secretKey)
  const signature = blsSign(secretKey, aMessage())
  expect(toHex(required(parseBlsSecretKey(secretKey)))).toBe(toHex(secretKey))
  expect(toHex(required(parseBlsPublicKey(publicKey)))).toBe(toHex(publicKey))
  expect(toHex(required(parseBlsSignature(signature)))).toBe(toHex(signature))
})

test('messages hash to distinct points of the prime-order subgroup', () => {
  const points = Array.from({ length: 24 }, (_, index) => hashToG2(Buffer.from(`message ${index}`), tags.hashToG2))
  for (const point of points) {
    expect(point.is0()).toBe(false)
    point.assertValidity()
  }
  expect(new Set(points.map((point) => point.toAffine().x.c0)).size).toBe(24)
  // Neither root is preferred: with a fair bit, fewer than 3 or more than 21 of 24 the same way has probability 2^-16.
  const large = points.filter((point) => point.toAffine().y.c0 > Fp.ORDER / 2n).length
  expect(large).toBeGreaterThan(2)
  expect(large).toBeLessThan(22)
})
