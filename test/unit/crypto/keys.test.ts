import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import {
  ED25519_SEED_SIZE,
  ed25519KeyPairFromSecretKey,
  ed25519KeyPairFromSeed,
  ed25519PublicKey,
  generateEd25519KeyPair,
  generateX25519KeyPair,
  KeyError,
  parseEd25519PublicKey,
  parseX25519PublicKey,
  toX25519KeyPair,
  toX25519PublicKey,
  x25519KeyPairFromSecretKey,
  x25519PublicKey,
  x25519SecretKey,
} from '../../../src/crypto/keys.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const primitives = read('primitives')
const ed25519Vectors: { source: string; seed: string; publicKey: string }[] = primitives.ed25519
const nodes: Record<string, string>[] = read('onion').nodes
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()
const codeOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    if (error instanceof KeyError) return error.code
    throw error
  }
  return undefined
}

test.each(ed25519Vectors)('a seed gives the public key of $source', ({ seed, publicKey }) => {
  expect(toHex(ed25519KeyPairFromSeed(bytes(seed)).publicKey)).toBe(publicKey)
})

test('an X25519 secret key gives the public key of RFC 7748 6.1', () => {
  const { aliceSecret, alicePublic } = primitives.x25519
  expect(toHex(x25519KeyPairFromSecretKey(x25519SecretKey(bytes(aliceSecret))).publicKey)).toBe(alicePublic)
})

test.each(nodes)('the X25519 keys of $name are the images of its Ed25519 keys', (node) => {
  const pair = ed25519KeyPairFromSeed(bytes(node['ed25519_seed'] ?? ''))
  const { publicKey, secretKey } = toX25519KeyPair(pair)
  expect(toHex(pair.publicKey)).toBe(node['pubkey_ed25519'])
  expect(toHex(publicKey)).toBe(node['pubkey_x25519'])
  expect(toHex(secretKey)).toBe(node['seckey_x25519'])
  expect(toHex(toX25519PublicKey(pair.publicKey))).toBe(node['pubkey_x25519'])
})

test('the image of a public key is what another library computes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: ED25519_SEED_SIZE, maxLength: ED25519_SEED_SIZE }), (seed) => {
      const { publicKey } = ed25519KeyPairFromSeed(seed)
      expect(toHex(toX25519PublicKey(publicKey))).toBe(toHex(ed25519.utils.toMontgomery(publicKey)))
    }),
    { numRuns: 20 },
  )
})

test('a 64-byte secret key is read, and refused when its halves do not belong together', () => {
  const pair = generateEd25519KeyPair()
  expect(ed25519KeyPairFromSecretKey(pair.secretKey)).toEqual(pair)
  const mixed = Buffer.concat([pair.secretKey.subarray(0, 32), generateEd25519KeyPair().publicKey])
  expect(codeOf(() => ed25519KeyPairFromSecretKey(mixed))).toBe('KEY_MISMATCHED')
})

test('keys of another size are refused', () => {
  for (const read of [ed25519PublicKey, x25519PublicKey, x25519SecretKey, ed25519KeyPairFromSeed]) {
    for (const size of [0, 31, 33, 64]) expect(codeOf(() => read(new Uint8Array(size)))).toBe('KEY_MALFORMED')
  }
  expect(codeOf(() => ed25519KeyPairFromSecretKey(new Uint8Array(32)))).toBe('KEY_MALFORMED')
})

test('a public key that is not a point of the prime-order group has no image', () => {
  const smallOrder = Buffer.alloc(32)
  smallOrder[0] = 1
  expect(codeOf(() => toX25519PublicKey(ed25519PublicKey(smallOrder)))).toBe('KEY_NOT_ON_CURVE')
  expect(codeOf(() => toX25519PublicKey(ed25519PublicKey(Buffer.alloc(32, 0xff))))).toBe('KEY_NOT_ON_CURVE')
})

test('a public key is read from 64 hex digits in either case, and from nothing else', () => {
  const { publicKey } = generateX25519KeyPair()
  const hex = toHex(publicKey)
  for (const parse of [parseX25519PublicKey, parseEd25519PublicKey]) {
    expect(parse(hex)).toEqual(publicKey)
    expect(parse(hex.toUpperCase())).toEqual(publicKey)
    for (const text of ['', hex.slice(2), `${hex}00`, `${hex.slice(1)}g`, `0x${hex.slice(2)}`]) {
      expect(parse(text)).toBeUndefined()
    }
  }
})

test('an error about a secret key does not show it', () => {
  const secret = generateEd25519KeyPair().secretKey.subarray(0, 40)
  expect(() => ed25519KeyPairFromSecretKey(secret)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining(toHex(secret).slice(0, 8)), details: { size: 40 } }),
  )
})
