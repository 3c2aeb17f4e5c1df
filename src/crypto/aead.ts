import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'

/** A cipher bound to one key. Sealed bytes are nonce | ciphertext | tag, without associated data. */
export interface Aead {
  readonly nonceSize: number
  /** Bytes that sealing adds. */
  readonly overhead: number
  /** The nonce is random unless a test gives one. */
  seal(plaintext: Uint8Array, nonce?: Uint8Array): Uint8Array
  /** The plaintext, or undefined when the bytes are not authentic. */
  open(sealed: Uint8Array): Uint8Array | undefined
}

const TAG_SIZE = 16
const GCM_NONCE_SIZE = 12
const XCHACHA_NONCE_SIZE = 24

/** AES-256-GCM (NIST SP 800-38D) with a 12-byte nonce. */
export function aes256Gcm(key: Uint8Array): Aead {
  // A raw key makes createCipheriv several times slower from Node 24.18 on.
  const secret = createSecretKey(key)
  return {
    nonceSize: GCM_NONCE_SIZE,
    overhead: GCM_NONCE_SIZE + TAG_SIZE,
    seal(plaintext, nonce = randomBytes(GCM_NONCE_SIZE)) {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce)
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed) => openGcm(secret, sealed),
  }
}

function openGcm(secret: KeyObject, sealed: Uint8Array): Uint8Array | undefined {
  const end = sealed.length - TAG_SIZE
  if (end < GCM_NONCE_SIZE) return undefined
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, GCM_NONCE_SIZE))
  decipher.setAuthTag(sealed.subarray(end))
  try {
    const plaintext = decipher.update(sealed.subarray(GCM_NONCE_SIZE, end))
    decipher.final()
    return plaintext
  } catch {
    return undefined
  }
}

/** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a 24-byte nonce. */
export function xchacha20Poly1305(key: Uint8Array): Aead {
  const secret = asBuffer(key)
  return {
    nonceSize: XCHACHA_NONCE_SIZE,
    overhead: XCHACHA_NONCE_SIZE + TAG_SIZE,
    seal(plaintext, nonce = randomBytes(XCHACHA_NONCE_SIZE)) {
      const sealed = Buffer.allocUnsafe(XCHACHA_NONCE_SIZE + plaintext.length + TAG_SIZE)
      sealed.set(nonce)
      const body = sealed.subarray(XCHACHA_NONCE_SIZE)
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(body, asBuffer(plaintext), null, null, asBuffer(nonce), secret)
      return sealed
    },
    open(sealed) {
      const size = sealed.length - XCHACHA_NONCE_SIZE - TAG_SIZE
      if (size < 0) return undefined
      const plaintext = Buffer.allocUnsafe(size)
      const nonce = asBuffer(sealed.subarray(0, XCHACHA_NONCE_SIZE))
      const body = asBuffer(sealed.subarray(XCHACHA_NONCE_SIZE))
      try {
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, body, null, nonce, secret)
        return plaintext
      } catch {
        return undefined
      }
    },
  }
}
