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
  const { hasOddNumbers } = scan(text, valuesMax)
  try {
    // Reviving costs several times the parsing, and nearly no request needs it.
    const value: unknown = hasOddNumbers ? JSON.parse(text, reviveNumber) : JSON.parse(text)
    return withoutPrototypes(value as JsonValue)
  } catch (cause) {
    throw new ProtocolError('JSON_INVALID', 'invalid json', { cause })
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reviveNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value
  return context?.source !== undefined && /^-?\d+$/.test(context.source) && Number.isSafeInteger(value)
    ? value
    : Number.NaN
}

/** Takes the prototypes off all objects, in place. Nesting has been bounded before. */
function withoutPrototypes(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null)
  for (const inner of Object.values(value)) withoutPrototypes(inner)
  return value
}

/**
 * What must be known of a text before it is parsed: JSON.parse recurses, so nesting is counted here; it makes every value, so
 * values are counted; and whether it has numbers that are more than 15 digits.
 */
function scan(text: string, valuesMax: number): { hasOddNumbers: boolean } {
  let depth = 0
  let values = 1
  let hasOddNumbers = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) at = endOfString(text, at)
    else if (char === COMMA) values++
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      values++
      if (++depth > JSON_DEPTH_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'invalid json: nested too deeply')
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--
    else if (isDigit(char)) {
      const start = at
      while (isDigit(text.charCodeAt(at + 1))) at++
      hasOddNumbers ||= at - start >= SAFE_DIGITS || isOddEnd(text.charCodeAt(at + 1))
    }
    if (values > valuesMax) throw new ProtocolError('FRAME_TOO_LARGE', 'invalid json: too many values')
  }
  return { hasOddNumbers }
}

function isDigit(char: number): boolean {
  return char >= DIGIT_0 && char <= DIGIT_9
}

/** Whether a number goes on after its digits with a fraction or an exponent. */
function isOddEnd(char: number): boolean {
  return char === POINT || char === UPPER_E || char === LOWER_E
}

/** Index of the quote that closes the string opened at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

/** Any integer of this many digits fits a double exactly. */
const SAFE_DIGITS = 15

const QUOTE = 0x22
const COMMA = 0x2c
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
