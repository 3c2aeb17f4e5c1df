import { isDeepStrictEqual } from 'node:util'
import type { JsonObject, JsonValue } from '../src/protocol/json.ts'
import type { Answer } from './transport.ts'

/** A node did something else than the protocol says. */
export class ExpectationFailed extends Error {
  override readonly name = 'ExpectationFailed'
  readonly what: string
  readonly expected: string
  readonly actual: string

  constructor(what: string, expected: unknown, actual: unknown) {
    super(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
    this.what = what
    this.expected = shown(expected)
    this.actual = shown(actual)
  }
}

/** A case does not apply to this network, for the reason given. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** An answer may hold megabytes; a line of the report may not. */
const SHOWN_MAX = 600

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'nothing')
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (${text.length} characters)` : text
}

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) throw new ExpectationFailed(what, expected, actual)
}

export function expectTrue(what: string, holds: boolean, actual: unknown): void {
  if (!holds) throw new ExpectationFailed(what, 'as said', actual)
}

/** The exact status and text of a refusal. */
export function expectRefusal({ status, body }: Answer, expectedStatus: number, text: string): void {
  expectEqual('status and text', [status, body], [expectedStatus, text])
}

/** A JSON object with status 200. */
export function expectOk(answer: Answer): JsonObject {
  if (answer.status !== 200) throw new ExpectationFailed('status', 200, [answer.status, answer.body])
  return expectObject('body', answer.body)
}

export function expectObject(what: string, value: JsonValue | undefined): JsonObject {
  if (!isObject(value)) throw new ExpectationFailed(what, 'a JSON object', value)
  return value
}

export function expectList(what: string, value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new ExpectationFailed(what, 'a list', value)
  return value
}

export function expectText(what: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new ExpectationFailed(what, 'a string', value)
  return value
}

export function expectInteger(what: string, value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new ExpectationFailed(what, 'an integer', value)
  return value
}

export function expectMatch(what: string, value: JsonValue | undefined, pattern: RegExp): string {
  const text = expectText(what, value)
  if (!pattern.test(text)) throw new ExpectationFailed(what, String(pattern), text)
  return text
}

export function expectWithin(what: string, value: JsonValue | undefined, from: number, to: number): number {
  const number = expectInteger(what, value)
  if (number < from || number > to) throw new ExpectationFailed(what, `from ${from} to ${to}`, number)
  return number
}

/** All of the needed keys, and none besides them and the allowed ones. */
export function expectKeys(
  what: string,
  value: JsonObject,
  needed: readonly string[],
  allowed: readonly string[] = [],
): void {
  const keys = Object.keys(value)
  const missing = needed.filter((key) => !keys.includes(key))
  const unknown = keys.filter((key) => !needed.includes(key) && !allowed.includes(key))
  if (missing.length + unknown.length > 0) throw new ExpectationFailed(`keys of ${what}`, needed, keys)
}

/** In ASCII order, each once. */
export function expectSorted(what: string, texts: readonly string[]): void {
  expectEqual(what, texts, asciiSorted(new Set(texts)))
}

/** As nodes sort hashes: `+` before `/`, digits, upper case, lower case. */
export function asciiSorted(texts: Iterable<string>): string[] {
  return [...texts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
