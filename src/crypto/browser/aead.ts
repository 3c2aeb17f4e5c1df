import { gcm } from '@noble/ciphers/aes.js'
import { xchacha20poly1305 as xchachaOfNoble } from '@noble/ciphers/chacha.js'
import { concat } from '../../base/bytes.ts'
import type { Aead } from '../aead.ts'
import { secureRandomBytes } from '../random-bytes.ts'

// What aead.ts does, without native code. WebCrypto has AES-GCM but answers only later, and no XChaCha20.

const TAG_SIZE = 16
const GCM_NONCE_SIZE = 12
const XCHACHA_NONCE_SIZE = 24

interface Cipher {
  encrypt(plaintext: Uint8Array): Uint8Array
  decrypt(ciphertext: Uint8Array): Uint8Array
}

/** AES-256-GCM (NIST SP 800-38D) with a 12-byte nonce. */
export function aes256Gcm(key: Uint8Array): Aead {
  return aead(key, GCM_NONCE_SIZE, gcm)
}

/** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a 24-byte nonce. */
export function xchacha20Poly1305(key: Uint8Array): Aead {
  return aead(key, XCHACHA_NONCE_SIZE, xchachaOfNoble)
}

function aead(key: Uint8Array, nonceSize: number, cipher: (key: Uint8Array, nonce: Uint8Array) => Cipher): Aead {
  const secret = Uint8Array.from(key)
  const overhead = nonceSize + TAG_SIZE
  return {
    nonceSize,
    overhead,
    seal: (plaintext, nonce = secureRandomBytes(nonceSize)) => concat(nonce, cipher(secret, nonce).encrypt(plaintext)),
    open(sealed) {
      if (sealed.length < overhead) return undefined
      try {
        return cipher(secret, sealed.subarray(0, nonceSize)).decrypt(sealed.subarray(nonceSize))
      } catch {
        return undefined
      }
    },
  }
}
