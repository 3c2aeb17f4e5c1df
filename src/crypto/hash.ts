import { createHash, hash as hashAtOnce } from 'node:crypto'
import sodium from 'sodium-native'
import { asBuffer } from '../base/bytes.ts'

const HASH_SIZE = 32

/** BLAKE2b with 32 bytes of output, unkeyed (RFC 7693), over the parts one after another. */
export function blake2b256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = Buffer.allocUnsafe(HASH_SIZE)
  const [only] = parts
  // The sums over what is held take millions of short ones, for which a list costs as much as the hash.
  if (parts.length === 1 && only !== undefined) sodium.crypto_generichash(hash, asBuffer(only))
  else sodium.crypto_generichash_batch(hash, parts.map(asBuffer))
  return hash
}

/** SHA-256 over the parts one after another, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  // Half the time of a hash object for short input.
  if (parts.length === 1 && only !== undefined) return hashAtOnce('sha256', only, 'buffer')
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
