import { blake2b } from '@noble/hashes/blake2.js'
import { concat, toBase64Unpadded, utf8 } from '../src/base/bytes.ts'

// Computed here and not by the node's own code, so that a mistake in one of them shows.

/** BLAKE2b-256 of prefix byte, key, namespace unless it is 0, and data, as unpadded base64. */
export function messageHashOf(accountId: string, namespace: number, data: Uint8Array): string {
  const parts = concat(Buffer.from(accountId, 'hex'), utf8(namespaceText(namespace)), data)
  return toBase64Unpadded(blake2b(parts, { dkLen: 32 }))
}

/** How a namespace is written in signed and hashed text. */
export function namespaceText(namespace: number | 'all'): string {
  return namespace === 0 ? '' : String(namespace)
}
