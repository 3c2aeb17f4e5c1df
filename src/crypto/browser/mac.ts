import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

// What mac.ts does, without native code.

/** HMAC-SHA256 (RFC 2104) under one key; the returned function gives the 32-byte code of a message. */
export function hmacSha256(key: Uint8Array): (message: Uint8Array) => Uint8Array {
  const secret = Uint8Array.from(key)
  return (message) => hmac(sha256, secret, message)
}
