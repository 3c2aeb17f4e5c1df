// What byte-forms.ts does, with what browsers have.

/** Arguments that one call takes without filling the stack. */
const CHARACTERS_AT_ONCE = 8192

const encoder = new TextEncoder()
const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += HEX_OF_BYTE[byte]
  return hex
}

/** `hex` has an even number of digits and nothing else. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16))
}

export function base64Of(bytes: Uint8Array): string {
  let characters = ''
  for (let at = 0; at < bytes.length; at += CHARACTERS_AT_ONCE) {
    characters += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS_AT_ONCE))
  }
  return btoa(characters)
}

/** `text` is base64, with padding or without. Anything else has some other bytes: whoever writes them again sees that. */
export function bytesOfBase64(text: string): Uint8Array {
  const characters = charactersOfBase64(text)
  const bytes = new Uint8Array(characters.length)
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at)
  return bytes
}

function charactersOfBase64(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}

export function bytesOfText(text: string): Uint8Array {
  return encoder.encode(text)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
