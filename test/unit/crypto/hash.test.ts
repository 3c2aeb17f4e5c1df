import { readFileSync } from 'node:fs'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha256 as sha256OfAnother } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex } from '../../../src/base/bytes.ts'
import { PLATFORMS } from './platforms.ts'

const vectors = JSON.parse(readFileSync(new URL('../../vectors/primitives.json', import.meta.url), 'utf8'))
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()

describe.each(PLATFORMS)('in $platform', ({ primitives: { blake2b256, hmacSha256, sha256 } }) => {
  test('BLAKE2b-256, SHA-256 and HMAC-SHA256 give the published values', () => {
    expect(toHex(blake2b256(bytes(vectors.blake2b256.message)))).toBe(vectors.blake2b256.digest)
    expect(toHex(sha256(bytes(vectors.sha256.message)))).toBe(vectors.sha256.digest)
    const { key, message, code } = vectors.hmacSha256
    expect(toHex(hmacSha256(bytes(key))(bytes(message)))).toBe(code)
  })

  test('a hash over parts is the hash of the parts joined, as another library computes it', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 5 }), (parts) => {
        expect(toHex(blake2b256(...parts))).toBe(toHex(blake2b(concat(...parts), { dkLen: 32 })))
        expect(toHex(sha256(...parts))).toBe(toHex(sha256OfAnother(concat(...parts))))
      }),
    )
  })
})
