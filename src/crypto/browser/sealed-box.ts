import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { concat } from '../../base/bytes.ts'
import { generateX25519KeyPair, type X25519KeyPair, type X25519PublicKey, x25519PublicKey } from '../keys.ts'
import { agreeOnSecret } from './key-agreement.ts'

// What sealed-box.ts does, without native code:
//
//   sealed = ephemeral public key 32 | XSalsa20-Poly1305 (tag first) of the plaintext
//   nonce  = BLAKE2b, 24 bytes, over ephemeral public key | recipient's public key
//   key    = HSalsa20 of the X25519 secret of both, with an input of zeros

const KEY_SIZE = 32
const NONCE_SIZE = 24
const TAG_SIZE = 16
const OVERHEAD = KEY_SIZE + TAG_SIZE
/** "expand 32-byte k", as Salsa20's matrix holds it. */
const SALSA_CONSTANTS = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)

/** Seals to a public key so that only its owner can open, and not even the sender again (libsodium's crypto_box_seal). */
export function sealToPublicKey(plaintext: Uint8Array, publicKey: X25519PublicKey): Uint8Array {
  const ephemeral = generateX25519KeyPair()
  const secret = agreeOnSecret(ephemeral.secretKey, publicKey)
  if (secret === undefined) throw new Error('Nothing can be sealed to a low-order key')
  return concat(ephemeral.publicKey, boxOf(secret, ephemeral.publicKey, publicKey).encrypt(plaintext))
}

/** The plaintext, or undefined when the bytes were not sealed to this key. */
export function openSealedBox(sealed: Uint8Array, { publicKey, secretKey }: X25519KeyPair): Uint8Array | undefined {
  if (sealed.length < OVERHEAD) return undefined
  const ephemeral = x25519PublicKey(sealed.subarray(0, KEY_SIZE))
  const secret = agreeOnSecret(secretKey, ephemeral)
  if (secret === undefined) return undefined
  try {
    return boxOf(secret, ephemeral, publicKey).decrypt(sealed.subarray(KEY_SIZE))
  } catch {
    return undefined
  }
}

function boxOf(secret: Uint8Array, ephemeral: X25519PublicKey, recipient: X25519PublicKey) {
  const nonce = blake2b.create({ dkLen: NONCE_SIZE }).update(ephemeral).update(recipient).digest()
  return xsalsa20poly1305(boxKey(secret), nonce)
}

function boxKey(secret: Uint8Array): Uint8Array {
  const key = new Uint32Array(KEY_SIZE / 4)
  hsalsa(SALSA_CONSTANTS, words(secret), new Uint32Array(4), key)
  return new Uint8Array(key.buffer)
}

/** The words of a copy, since a view may begin anywhere. Every machine that runs browsers is little-endian. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}
