import { utf8 } from '../base/bytes.ts'
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
  const parts: Uint8Array[] = []
  write(value, parts)
  return joined(parts)
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

function write(value: BencodeValue, parts: Uint8Array[]): void {
  if (typeof value === 'number') parts.push(integerBytes(value))
  else if (isBencodeString(value)) writeString(value, parts)
  else if (isBencodeList(value)) {
    parts.push(LIST_OPENING)
    for (const item of value) write(item, parts)
    parts.push(CLOSING)
  } else writeDictionary(value, parts)
}

/** As many parts as there may be, which are too many for arguments of a function. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function writeDictionary(dictionary: BencodeDictionary, parts: Uint8Array[]): void {
  parts.push(DICTIONARY_OPENING)
  for (const [key, value] of [...dictionary].sort(([a], [b]) => (a < b ? -1 : 1))) {
    writeString(keyBytes(key), parts)
    write(value, parts)
  }
  parts.push(CLOSING)
}

function writeString(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(utf8(`${bytes.length}:`), bytes)
}

function integerBytes(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError('Not a safe integer')
  // Negative zero has no encoding of its own.
  return utf8(`i${value === 0 ? 0 : value}e`)
}

function keyText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function keyBytes(key: string): Uint8Array {
  if (!/^[\0-\xff]*$/.test(key)) throw new RangeError('A key has a character beyond one byte')
  return Uint8Array.from(key, (char) => char.charCodeAt(0))
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
const DICTIONARY_OPENING = Uint8Array.of(DICTIONARY)
const LIST_OPENING = Uint8Array.of(LIST)
const CLOSING = Uint8Array.of(END)
