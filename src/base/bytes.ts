import { areEqual, base64Of, bytesOfBase64, bytesOfHex, bytesOfText, hexOf, joined } from './byte-forms.ts'

export { asBuffer } from './buffer.ts'

const BASE64_DIGIT = /[A-Za-z0-9+/]/

/** Lower-case hex of bytes. */
export function toHex(bytes: Uint8Array): string {
  return hexOf(bytes)
}

/** The integer that one or more bytes are, the most significant first. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${hexOf(bytes)}`)
}

/** Bytes of hex in either case, or undefined when the text is not whole bytes of hex. */
export function fromHex(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return undefined
  return bytesOfHex(hex)
}

/** Standard-alphabet base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return base64Of(bytes)
}

/** Standard-alphabet base64 without padding, as message hashes are written. */
export function toBase64Unpadded(bytes: Uint8Array): string {
  return toBase64(bytes).replace(/=+$/, '')
}

/**
 * Bytes of standard-alphabet base64, or undefined. Padding is optional and trailing bits may be non-zero
 * (the clients' dialect, docs/protocol/client-rpc.md); the URL-safe alphabet, white space and stray characters are not taken.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length
  if (digits % 4 === 1) return undefined
  if (digits !== text.length && text.length % 4 !== 0) return undefined
  const bytes = bytesOfBase64(text)
  return isWrittenAs(bytes, text, digits) ? bytes : undefined
}

/**
 * Whether these bytes are all that the text says, and not what was left of it after strange characters were skipped. Writing them again
 * takes a fiftieth of what a regular expression does with a message of the largest size. In the last digit, bits may have been lost.
 */
function isWrittenAs(bytes: Uint8Array, text: string, digits: number): boolean {
  if (bytes.length !== Math.floor((digits * 3) / 4)) return false
  if (digits === 0) return true
  const last = digits - 1
  return BASE64_DIGIT.test(text.charAt(last)) && base64Of(bytes).slice(0, last) === text.slice(0, last)
}

export function utf8(text: string): Uint8Array {
  return bytesOfText(text)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of UTF-8 bytes, or undefined when they are not valid UTF-8. A byte order mark stays: it may have been signed. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return joined(parts)
}

/** Whether two byte strings are equal. Not constant in time: for public values only. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return areEqual(a, b)
}
