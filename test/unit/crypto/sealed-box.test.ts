import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { generateX25519KeyPair } from '../../../src/crypto/keys.ts'
import { PLATFORMS } from './platforms.ts'

const owner = generateX25519KeyPair()

describe.each(PLATFORMS)('in $platform', ({ primitives: { openSealedBox, sealToPublicKey } }) => {
  test('the owner of the key opens what was sealed to it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (plaintext) => {
        const opened = openSealedBox(sealToPublicKey(plaintext, owner.publicKey), owner)
        expect(Buffer.from(opened ?? [1]).equals(plaintext)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('nobody else opens it', () => {
    expect(openSealedBox(sealToPublicKey(utf8('hello'), owner.publicKey), generateX25519KeyPair())).toBeUndefined()
  })

  test('the same plaintext is sealed differently each time', () => {
    expect(sealToPublicKey(utf8('hello'), owner.publicKey)).not.toEqual(sealToPublicKey(utf8('hello'), owner.publicKey))
  })

  test('a changed byte or a cut makes it unreadable', () => {
    const sealed = sealToPublicKey(utf8('hello'), owner.publicKey)
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      // The top bit of an X25519 key is ignored, but the box hashes the key into its nonce.
      expect(openSealedBox(changed, owner)).toBeUndefined()
      expect(openSealedBox(sealed.subarray(0, at), owner)).toBeUndefined()
    }
  })
})
