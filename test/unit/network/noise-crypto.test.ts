// Our primitives give what the library's own pure JavaScript gives, for any input.
import { pureJsCrypto } from '@chainsafe/libp2p-noise'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noiseCrypto } from '../../../src/network/noise-crypto.ts'

const plain = (bytes: { subarray(): Uint8Array }) => Uint8Array.from(bytes.subarray())
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

test('hashes and derived keys are the same', () => {
  fc.assert(
    fc.property(bytesOf(32), fc.uint8Array({ maxLength: 64 }), (chainingKey, input) => {
      expect(plain(noiseCrypto.hashSHA256(input))).toEqual(plain(pureJsCrypto.hashSHA256(input)))
      expect(noiseCrypto.getHKDF(chainingKey, input).map(plain)).toEqual(
        pureJsCrypto.getHKDF(chainingKey, input).map(plain),
      )
    }),
  )
})

test('public keys and shared secrets are the same', () => {
  fc.assert(
    fc.property(bytesOf(32), bytesOf(32), (ours, theirs) => {
      const own = noiseCrypto.generateX25519KeyPairFromSeed(ours)
      const peer = pureJsCrypto.generateX25519KeyPairFromSeed(theirs)
      expect(plain(own.publicKey)).toEqual(plain(pureJsCrypto.generateX25519KeyPairFromSeed(ours).publicKey))
      expect(plain(noiseCrypto.generateX25519SharedKey(own.privateKey, peer.publicKey))).toEqual(
        plain(pureJsCrypto.generateX25519SharedKey(peer.privateKey, own.publicKey)),
      )
    }),
    { numRuns: 20 },
  )
})

test('a fresh key pair is one that agrees with its own private half', () => {
  const pair = noiseCrypto.generateX25519KeyPair()
  expect(plain(pureJsCrypto.generateX25519KeyPairFromSeed(pair.privateKey).publicKey)).toEqual(plain(pair.publicKey))
})

test('sealed bytes are the same and each side opens the other, whatever the size', () => {
  fc.assert(
    fc.property(
      bytesOf(32),
      bytesOf(12),
      fc.uint8Array({ maxLength: 32 }),
      fc.uint8Array({ maxLength: 3000 }),
      (key, nonce, associated, message) => {
        const sealed = plain(noiseCrypto.chaCha20Poly1305Encrypt(message, nonce, associated, key))
        expect(sealed).toEqual(plain(pureJsCrypto.chaCha20Poly1305Encrypt(message, nonce, associated, key)))
        expect(plain(noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, associated, key))).toEqual(message)
      },
    ),
  )
})

test('a message is opened in the memory that it came in, as the library asks', () => {
  const [key, nonce, associated] = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.alloc(8, 3)]
  const message = Buffer.alloc(3000, 'a message ')
  const sealed = plain(noiseCrypto.chaCha20Poly1305Encrypt(message, nonce, associated, key))
  const into = sealed.subarray(0, message.length)
  expect(plain(noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, associated, key, into))).toEqual(plain(message))
  expect(plain(into)).toEqual(plain(message))
})

test('bytes that were changed or cut, and low-order keys, are refused', () => {
  const [key, nonce, associated] = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.alloc(8, 3)]
  const sealed = plain(noiseCrypto.chaCha20Poly1305Encrypt(Buffer.from('message'), nonce, associated, key))
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(changed, nonce, associated, key)).toThrow()
    expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed.subarray(0, at), nonce, associated, key)).toThrow()
  }
  expect(() => noiseCrypto.generateX25519SharedKey(Buffer.alloc(32, 5), Buffer.alloc(32))).toThrow()
})
