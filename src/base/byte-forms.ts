// Bytes in other forms, the fastest way that Node has. browser/byte-forms.ts stands for this file in a browser. Nothing is
// checked here: bytes.ts does that for both.

import { asBuffer } from './buffer.ts'

export function hexOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** `hex` has an even number of digits and nothing else. */
export function bytesOfHex(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}

export function base64Of(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/** `text` is base64, with padding or without. Anything else has some other bytes: whoever writes them again sees that. */
export function bytesOfBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

export function bytesOfText(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return asBuffer(a).equals(b)
}
