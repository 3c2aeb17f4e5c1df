import { blake2b } from '@noble/hashes/blake2.js'
import { sha256 as sha256OfNoble } from '@noble/hashes/sha2.js'

// What hash.ts does, without native code.

const HASH_SIZE = 32

/** BLAKE2b with 32 bytes of output, unkeyed (RFC 7693), over the parts one after another. */
export function blake2b256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = blake2b.create({ dkLen: HASH_SIZE })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** SHA-256 over the parts one after another, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256OfNoble.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}
