import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { PLATFORMS } from './platforms.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()
const channel = read('encryption').channel_encryption

describe.each(PLATFORMS)('in $platform', ({ primitives: { aes256Gcm, xchacha20Poly1305 } }) => {
  test('AES-256-GCM gives the published ciphertext and tag', () => {
    const { key, nonce, plaintext, ciphertext, tag } = read('primitives').aes256Gcm
    const sealed = aes256Gcm(bytes(key)).seal(bytes(plaintext), bytes(nonce))
    expect(toHex(sealed)).toBe(nonce + ciphertext + tag)
  })

  test('AES-256-GCM seals and opens the channel encryption vector', () => {
    const aead = aes256Gcm(bytes(channel.aes_gcm_key))
    const sealed = bytes(channel['gcm_iv_000102..0b'])
    expect(toHex(aead.seal(utf8(channel.plaintext), sealed.subarray(0, 12)))).toBe(toHex(sealed))
    expect(fromUtf8(aead.open(sealed) ?? new Uint8Array())).toBe(channel.plaintext)
  })

  test('XChaCha20-Poly1305 seals and opens the channel encryption vector', () => {
    const aead = xchacha20Poly1305(bytes(channel.xchacha_key_client_alice_server_bob))
    const sealed = bytes(channel['xchacha_client_alice_nonce_000102..17'])
    expect(toHex(aead.seal(utf8(channel.plaintext), sealed.subarray(0, 24)))).toBe(toHex(sealed))
    expect(fromUtf8(aead.open(sealed) ?? new Uint8Array())).toBe(channel.plaintext)
  })

  describe.each([
    { name: 'AES-256-GCM', create: aes256Gcm, overhead: 28 },
    { name: 'XChaCha20-Poly1305', create: xchacha20Poly1305, overhead: 40 },
  ])('$name', ({ create, overhead }) => {
    const aead = create(Buffer.alloc(32, 7))

    test('opens what it sealed, and adds its overhead', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (plaintext) => {
          const sealed = aead.seal(plaintext)
          expect(sealed.length).toBe(plaintext.length + overhead)
          expect(aead.overhead).toBe(overhead)
          expect(Buffer.from(aead.open(sealed) ?? [1]).equals(plaintext)).toBe(true)
        }),
      )
    })

    test('takes a fresh nonce each time', () => {
      expect(aead.seal(utf8('a'))).not.toEqual(aead.seal(utf8('a')))
    })

    test('refuses every changed bit, every cut and another key', () => {
      const sealed = Buffer.from(aead.seal(utf8('Grumpy cat says no!')))
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const changed = Buffer.from(sealed)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(aead.open(changed)).toBeUndefined()
      }
      for (let length = 0; length < sealed.length; length++) {
        expect(aead.open(sealed.subarray(0, length))).toBeUndefined()
      }
      expect(create(Buffer.alloc(32, 8)).open(sealed)).toBeUndefined()
    })
  })
})
