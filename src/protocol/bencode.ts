import { ProtocolError } from './errors.ts'
import { BENCODE_DEPTH_MAX, BENCODE_VALUES_MAX, REQUEST_MAX_BYTES } from './limits.ts'

// Bencode (BEP 3), as clients and file servers write it. A value has exactly one encoding:
//
//   value      := integer | string | list | dictionary
//   integer    := "i" ("0" | ["-"] nonzero digit*) "e"
//   string     := length ":" byte{length}                    length := "0" | nonzero digit*
//   list       := "l" value* "e"
//   dictionary := "d" (string value)* "e"                    keys ascending by their bytes, each once

/**
 * Strings are bytes. Integers are numbers that a double holds exactly: no field that we read needs more, and a larger one is
 * refused rather than rounded.
 */
export type BencodeValue = number | Uint8Array | readonly BencodeValue[] | BencodeDictionary

/** A key has a character for each of its bytes, 0 to 255, so that any key has a text and texts sort as keys do. */
export type BencodeDictionary = ReadonlyMap<string, BencodeValue>

/**
 * One value and nothing behind it. Byte strings are views of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_MALFORMED, FRAME_TOO_LARGE (too long, too deep, or too many values)
 */
export function decodeBencode(bytes: Uint8Array, bytesMax: number = REQUEST_MAX_BYTES): BencodeValue {
  if (bytes.length > bytesMax) throw tooLarge('too long')
  return new Decoder(bytes).whole()
}

/** @throws {RangeError} for a number that is not a safe integer, and a key with a character beyond one byte */
export function encodeBencode(value: BencodeValue): Uint8Array {
  const encoder = new Encoder()
  encoder.value(value)
  return encoder.whole()
}

export function isBencodeDictionary(value: BencodeValue | undefined): value is BencodeDictionary {
  return value instanceof Map
}

export function isBencodeList(value: BencodeValue | undefined): value is readonly BencodeValue[] {
  return Array.isArray(value)
}

export function isBencodeString(value: BencodeValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array
}

class Decoder {
  readonly #bytes: Uint8Array
  #at = 0
  #values = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  whole(): BencodeValue {
    const value = this.#value(0)
    if (this.#at !== this.#bytes.length) throw malformed('bytes behind the value')
    return value
  }

  #value(depth: number): BencodeValue {
    if (++this.#values > BENCODE_VALUES_MAX) throw tooLarge('too many values')
    const first = this.#peek()
    if (first === INTEGER) return this.#integer()
    if (first !== LIST && first !== DICTIONARY) return this.#string()
    if (depth >= BENCODE_DEPTH_MAX) throw tooLarge('nested too deeply')
    this.#at++
    return first === LIST ? this.#list(depth + 1) : this.#dictionary(depth + 1)
  }

  #integer(): number {
    this.#at++
    const isNegative = this.#peek() === MINUS
    if (isNegative) this.#at++
    const magnitude = this.#digits(END)
    if (isNegative && magnitude === 0) throw malformed('negative zero')
    return isNegative ? -magnitude : magnitude
  }

  #string(): Uint8Array {
    const length = this.#digits(COLON)
    if (length > this.#bytes.length - this.#at) throw truncated()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #list(depth: number): BencodeValue[] {
    const items: BencodeValue[] = []
    while (!this.#isEnd()) items.push(this.#value(depth))
    return items
  }

  #dictionary(depth: number): BencodeDictionary {
    const entries = new Map<string, BencodeValue>()
    let previous: string | undefined
    while (!this.#isEnd()) {
      const key = keyText(this.#string())
      if (previous !== undefined && key <= previous) throw malformed('keys not in ascending order')
      previous = key
      entries.set(key, this.#value(depth))
    }
    return entries
  }

  /** Whether the list or dictionary ends here; its end is passed over then. */
  #isEnd(): boolean {
    const isEnd = this.#peek() === END
    if (isEnd) this.#at++
    return isEnd
  }

  /** A number without sign and leading zeros, and the character that ends it. */
  #digits(end: number): number {
    const start = this.#at
    let value = 0
    for (let char = this.#peek(); char !== end || this.#at === start; char = this.#peek()) {
      if (char < DIGIT_0 || char > DIGIT_9) throw malformed('a digit was expected')
      if (this.#at > start && value === 0) throw malformed('leading zero')
      value = value * 10 + (char - DIGIT_0)
      if (!Number.isSafeInteger(value)) throw tooLarge('integer beyond 53 bits')
      this.#at++
    }
    this.#at++
    return value
  }

  #peek(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw truncated()
    return byte
  }
}

const ENCODED_MIN_BYTES = 256

/** Writes into one piece that grows: most of what is written is a few bytes long, and an array for each would cost more than the bytes. */
class Encoder {
  #bytes = new Uint8Array(ENCODED_MIN_BYTES)
  #length = 0

  whole(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  value(value: BencodeValue): void {
    if (typeof value === 'number') this.#integer(value)
    else if (isBencodeString(value)) this.#string(value)
    else if (isBencodeList(value)) this.#list(value)
    else this.#dictionary(value)
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError('Not a safe integer')
    // Negative zero has no encoding of its own.
    this.#characters(`i${value === 0 ? 0 : value}e`)
  }

  #string(bytes: Uint8Array): void {
    this.#characters(`${bytes.length}:`)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #list(items: readonly BencodeValue[]): void {
    this.#characters('l')
    for (const item of items) this.value(item)
    this.#characters('e')
  }

  #dictionary(dictionary: BencodeDictionary): void {
    this.#characters('d')
    for (const [key, value] of [...dictionary].sort(([a], [b]) => (a < b ? -1 : 1))) {
      this.#characters(`${key.length}:${key}`)
      this.value(value)
    }
    this.#characters('e')
  }

  #characters(text: string): void {
    this.#reserve(text.length)
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at)
      if (char > BYTE_MAX) throw new RangeError('A key has a character beyond one byte')
      this.#bytes[this.#length++] = char
    }
  }

  #reserve(bytes: number): void {
    const length = this.#length + bytes
    if (length <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

function keyText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function truncated(): ProtocolError {
  return new ProtocolError('FRAME_TRUNCATED', 'invalid bencode: ends early')
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('FRAME_MALFORMED', `invalid bencode: ${what}`)
}

function tooLarge(what: string): ProtocolError {
  return new ProtocolError('FRAME_TOO_LARGE', `invalid bencode: ${what}`)
}

const MINUS = 0x2d
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const COLON = 0x3a
const DICTIONARY = 0x64
const END = 0x65
const INTEGER = 0x69
const LIST = 0x6c
const BYTE_MAX = 0xff
