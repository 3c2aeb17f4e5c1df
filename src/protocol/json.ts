import { fromUtf8 } from '../base/bytes.ts'
import { ProtocolError } from './errors.ts'
import { JSON_DEPTH_MAX } from './limits.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** Has no prototype, so a key such as `__proto__` is a key like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/**
 * JSON from bytes. A number that is not written as a plain integer, or that a double cannot hold exactly, becomes NaN,
 * which no integer check takes: signatures are over exact decimal text, so numbers must not be guessed.
 * @throws {ProtocolError} JSON_INVALID, FRAME_TOO_LARGE (too deep)
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = fromUtf8(bytes)
  if (text === undefined) throw new ProtocolError('JSON_INVALID', 'invalid json: not UTF-8')
  return parseJsonText(text)
}

/** As parseJson, from text. */
export function parseJsonText(text: string): JsonValue {
  refuseDeepNesting(text)
  try {
    return JSON.parse(text, revive) as JsonValue
  } catch (cause) {
    throw new ProtocolError('JSON_INVALID', 'invalid json', { cause })
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function revive(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    return context?.source !== undefined && /^-?\d+$/.test(context.source) && Number.isSafeInteger(value)
      ? value
      : Number.NaN
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.setPrototypeOf(value, null)
  return value
}

/** JSON.parse recurses: nesting is counted on the text first. */
function refuseDeepNesting(text: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) at = endOfString(text, at)
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > JSON_DEPTH_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'invalid json: nested too deeply')
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--
  }
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

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
