import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../../../src/base/bytes.ts'
import { ed25519KeyPairFromSeed, ed25519PublicKey, generateEd25519KeyPair } from '../../../src/crypto/keys.ts'
import { PLATFORMS } from './platforms.ts'

const primitives = JSON.parse(readFileSync(new URL('../../vectors/primitives.json', import.meta.url), 'utf8'))
const vectors: { source: string; seed: string; message: string; signature: string }[] = primitives.ed25519
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()

describe.each(PLATFORMS)('in $platform', ({ primitives: { SIGNATURE_SIZE, sign, verifySignature } }) => {
  test.each(vectors)('signs and verifies $source', ({ seed, message, signature }) => {
    const pair = ed25519KeyPairFromSeed(bytes(seed))
    expect(toHex(sign(bytes(message), pair.secretKey))).toBe(signature)
    expect(verifySignature(bytes(signature), bytes(message), pair.publicKey)).toBe(true)
  })

  test('another message, key or signature does not verify', () => {
    const { publicKey, secretKey } = generateEd25519KeyPair()
    const signature = Buffer.from(sign(utf8('yes'), secretKey))
    expect(verifySignature(signature, utf8('no'), publicKey)).toBe(false)
    expect(verifySignature(signature, utf8('yes'), generateEd25519KeyPair().publicKey)).toBe(false)
    for (let at = 0; at < SIGNATURE_SIZE; at++) {
      const changed = Buffer.from(signature)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(verifySignature(changed, utf8('yes'), publicKey)).toBe(false)
    }
  })

  test('a signature of another size does not verify', () => {
    const { publicKey, secretKey } = generateEd25519KeyPair()
    const signature = sign(utf8('yes'), secretKey)
    for (const size of [0, 1, 63])
      expect(verifySignature(signature.subarray(0, size), utf8('yes'), publicKey)).toBe(false)
    expect(verifySignature(Buffer.concat([signature, Buffer.alloc(1)]), utf8('yes'), publicKey)).toBe(false)
  })

  // With a small-order key, R = key and S = 0 is a signature of every message for verifiers that do not look.
  test('a small-order public key verifies nothing', () => {
    const key = Buffer.alloc(32)
    key[0] = 1
    const universal = Buffer.concat([key, Buffer.alloc(32)])
    expect(verifySignature(universal, utf8('anything'), ed25519PublicKey(key))).toBe(false)
    const zero = Buffer.alloc(32)
    expect(verifySignature(Buffer.concat([zero, zero]), utf8('anything'), ed25519PublicKey(zero))).toBe(false)
  })

  test('a signature whose scalar is not reduced does not verify', () => {
    const { publicKey, secretKey } = generateEd25519KeyPair()
    const signature = sign(utf8('yes'), secretKey)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const scalar = BigInt(`0x${toHex(Buffer.from(signature.subarray(32)).reverse())}`) + order
    const reversed = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()
    expect(verifySignature(Buffer.concat([signature.subarray(0, 32), reversed]), utf8('yes'), publicKey)).toBe(false)
  })
})
