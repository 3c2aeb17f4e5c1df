import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { concat, fromHex, toHex } from '../src/base/bytes.ts'

// Ed25519 by OpenSSL, and not by the node's own code, so that a mistake in one of them shows.

/** What stands before the 32 bytes of a seed and of a public key in DER (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export interface SigningKey {
  /** 64 hex digits. */
  readonly publicHex: string
  sign(bytes: Uint8Array): Uint8Array
}

export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  const key = createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicHex: toHex(spki.subarray(SPKI_PREFIX.length)),
    sign: (bytes) => sign(null, bytes, key),
  }
}

export function verifies(publicHex: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, verifyingKey(publicHex), signature)
}

function verifyingKey(publicHex: string): KeyObject {
  const der = Buffer.from(concat(SPKI_PREFIX, fromHex(publicHex) ?? new Uint8Array()))
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

/** The X25519 image of an Ed25519 public key, both as hex. */
export function x25519ImageOf(publicHex: string): string {
  return toHex(ed25519.utils.toMontgomery(fromHex(publicHex) ?? new Uint8Array()))
}
