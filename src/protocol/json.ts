import { fromUtf8 } from '../base/bytes.ts'
import { ProtocolError } from './errors.ts'
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from './limits.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** Has no prototype, so a key such as `__proto__` is a key like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/**
 * JSON from bytes. A number that is not written as a plain integer, or that a double cannot hold exactly, becomes NaN,
 * which no integer check takes: signatures are over exact decimal text, so numbers must not be guessed.
 * @throws {ProtocolError} JSON_INVALID, FRAME_TOO_LARGE (too deep, or more than `valuesMax` values)
 */
export function parseJson(bytes: Uint8Array, valuesMax: number = JSON_VALUES_MAX): JsonValue {
  const text = fromUtf8(bytes)
  if (text === undefined) throw new ProtocolError('JSON_INVALID', 'invalid json: not UTF-8')
  return parseJsonText(text, valuesMax)
}

/** As parseJson, from text. */
export function parseJsonText(text: string, valuesMax: number = JSON_VALUES_MAX): JsonValue {
  const plainText = scan(text, valuesMax)
  try {
    return normalized(JSON.parse(plainText) as JsonValue)
  } catch (cause) {
    throw new ProtocolError('JSON_INVALID', 'invalid json', { cause })
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An integer that was written as one, and is exact. Other numbers are NaN, which is a number to `typeof`. */
export function isWhole(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value)
}

/** Takes the prototypes off all objects, in place, and makes infinite numbers NaN. Nesting has been bounded before. */
function normalized(value: JsonValue): JsonValue {
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN
  if (typeof value !== 'object' || value === null) return value
  if (isArray(value)) {
    for (let at = 0; at < value.length; at++) value[at] = normalized(value[at] ?? null)
    return value
  }
  const entries: Record<string, JsonValue> = Object.setPrototypeOf(value, null)
  for (const key of Object.keys(entries)) {
    const inner = entries[key] ?? null
    if (typeof inner === 'number' || typeof inner === 'object') entries[key] = normalized(inner)
  }
  return entries
}

function isArray(value: object): value is JsonValue[] {
  return Array.isArray(value)
}

/**
 * What must be done with a text before it is parsed: JSON.parse recurses, so nesting is counted here; it makes every value, so
 * values are counted; and it rounds numbers, so those that it may not are made infinite, a hundred times faster than it would
 * call back for each.
 */
function scan(text: string, valuesMax: number): string {
  let depth = 0
  let values = 1
  /** Strings and numbers: of JSON's values and keys, there are no more than twice as many. */
  let tokens = 0
  let plain = ''
  let copiedTo = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    // Most of a text without strings is blank, and megabytes of that are looked at too.
    if (char <= SPACE) continue
    if (char === QUOTE) {
      tokens++
      at = endOfString(text, at)
    } else if (char === COMMA) values++
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      values++
      if (++depth > JSON_DEPTH_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'invalid json: nested too deeply')
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--
    else if (isDigit(char)) {
      tokens++
      const start = at
      at = endOfNumber(text, start)
      if (isOdd(text, start, at)) {
        plain += text.slice(copiedTo, start) + INFINITE
        copiedTo = at + 1
      }
    }
    // In what is no JSON, millions of them may stand between two commas.
    if (values > valuesMax || tokens > 2 * valuesMax) {
      throw new ProtocolError('FRAME_TOO_LARGE', 'invalid json: too many values')
    }
  }
  return copiedTo === 0 ? text : plain + text.slice(copiedTo)
}

/** Index of the last character of the number that starts with the digit at `start`. What is no number of JSON ends before. */
function endOfNumber(text: string, start: number): number {
  let next = start + 1
  if (text.charCodeAt(start) !== DIGIT_0) next = endOfDigits(text, next)
  if (text.charCodeAt(next) === POINT && isDigit(text.charCodeAt(next + 1))) next = endOfDigits(text, next + 1)
  if (isExponent(text.charCodeAt(next))) {
    const digits = next + (isSign(text.charCodeAt(next + 1)) ? 2 : 1)
    if (isDigit(text.charCodeAt(digits))) next = endOfDigits(text, digits)
  }
  return next - 1
}

/** Index behind the digits from `start` on. */
function endOfDigits(text: string, start: number): number {
  let end = start
  while (isDigit(text.charCodeAt(end))) end++
  return end
}

/** Whether a number is not written as an integer, or is one that a double does not hold exactly. */
function isOdd(text: string, start: number, end: number): boolean {
  const length = end - start + 1
  if (length <= 2) return false
  for (let at = start; at <= end && at < start + SAFE_DIGITS; at++) if (!isDigit(text.charCodeAt(at))) return true
  if (length <= SAFE_DIGITS) return false
  const number = text.slice(start, end + 1)
  return length > SAFE_DIGITS + 1 || !/^\d+$/.test(number) || !Number.isSafeInteger(Number(number))
}

function isDigit(char: number): boolean {
  return char >= DIGIT_0 && char <= DIGIT_9
}

function isExponent(char: number): boolean {
  return char === UPPER_E || char === LOWER_E
}

function isSign(char: number): boolean {
  return char === PLUS || char === MINUS
}

/** Index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  const quote = text.indexOf('"', start + 1)
  if (quote === -1) return text.length
  if (text.charCodeAt(quote - 1) !== BACKSLASH) return quote
  // Rare, and then there may be millions of escaped quotes, each of which a search would stop at.
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === BACKSLASH) at++
    else if (char === QUOTE) return at
  }
  return text.length
}

/** Any integer of this many digits fits a double exactly. */
const SAFE_DIGITS = 15

/** JSON of a number that no double holds: it is read as infinite, whatever sign it has. */
const INFINITE = '1e999'

const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const UPPER_E = 0x45
const LOWER_E = 0x65
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
