import type { TimestampMs } from '../../base/clock.ts'
import { type AccountId, parseAccountId } from '../account.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { HASHES_MAX } from '../limits.ts'
import { type MessageHash, parseMessageHash } from '../message.ts'
import { isNamespace, type Namespace } from '../namespace.ts'

// Readers of one typed parameter each, as docs/protocol/client-rpc.md "Parameter types" has them. JSON `null` counts as
// absent. The texts are compared byte for byte by existing clients' test suites.

/** A timestamp below this was meant in seconds. The guard catches little; its text is part of the protocol. */
const TIMESTAMP_MIN_MS = 1_000_000_000

/** Some texts repeat what the client sent. That much of it tells what was wrong, and megabytes are not sent back. */
const TEXT_MAX = 500

/** What parsers throw: the message is the whole text that the client gets with status 400. */
export function invalidRequest(text: string): ProtocolError {
  return new ProtocolError('PARAMETER_INVALID', `invalid request: ${text.slice(0, TEXT_MAX)}`)
}

function wrongType(field: string, expected: string): ProtocolError {
  return invalidRequest(`Invalid value given for '${field}': expected ${expected}`)
}

/** The value, unless it is absent or null. */
function given(params: JsonObject, field: string): Exclude<JsonValue, null> | undefined {
  return params[field] ?? undefined
}

export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw invalidRequest(`Required field '${field}' missing`)
  return value
}

export function booleanField(params: JsonObject, field: string): boolean | undefined {
  const value = given(params, field)
  if (value !== undefined && typeof value !== 'boolean') throw wrongType(field, 'boolean')
  return value
}

export function stringField(params: JsonObject, field: string): string | undefined {
  const value = given(params, field)
  if (value !== undefined && typeof value !== 'string') throw wrongType(field, 'string')
  return value
}

/** The string under either name; both at once are refused. */
export function aliasedStringField(params: JsonObject, field: string, alias: string): string | undefined {
  const [value, aliased] = [stringField(params, field), stringField(params, alias)]
  if (value !== undefined && aliased !== undefined) throw exclusive(field, alias)
  return value ?? aliased
}

export function exclusive(a: string, b: string): ProtocolError {
  return invalidRequest(`Cannot specify both '${a}' and '${b}'`)
}

export function integerField(params: JsonObject, field: string): number | undefined {
  const value = given(params, field)
  if (value !== undefined && !isInteger(value)) throw wrongType(field, 'integer')
  return value
}

/** A list of integers, or one bare integer. */
export function integersField(params: JsonObject, field: string): readonly number[] | undefined {
  const value = given(params, field)
  if (value === undefined) return undefined
  if (isInteger(value)) return [value]
  if (!isArrayOf(value, isInteger)) throw wrongType(field, 'integer array')
  return value
}

export function namespaceField(params: JsonObject): Namespace | undefined {
  const value = given(params, 'namespace')
  if (value === undefined) return undefined
  if (!isInteger(value)) throw wrongType('namespace', '16-bit integer')
  return namespaceInRange(value)
}

/** For the methods that may act on all of an account's namespaces at once. */
export function namespaceOrAllField(params: JsonObject): Namespace | 'all' | undefined {
  const value = given(params, 'namespace')
  if (value === undefined || value === 'all') return value
  if (!isInteger(value)) throw wrongType('namespace', 'integer or "all"')
  return namespaceInRange(value)
}

function namespaceInRange(value: number): Namespace {
  if (!isNamespace(value)) throw invalidRequest("Invalid value given for 'namespace': value out of range")
  return value
}

export function timestampField(params: JsonObject, field: string): TimestampMs | undefined {
  const value = given(params, field)
  return value === undefined ? undefined : timestamp(value, field)
}

function timestamp(value: JsonValue, field: string): TimestampMs {
  if (!isTimestamp(value)) throw wrongType(field, 'integer timestamp (in milliseconds)')
  if (value < TIMESTAMP_MIN_MS) {
    throw invalidRequest(`Invalid timestamp for '${field}': timestamp must be in milliseconds`)
  }
  return value
}

/** As timestampField, but a string that holds an integer is taken too (old clients' `store`). */
export function timestampOrTextField(params: JsonObject, field: string): TimestampMs | undefined {
  const value = given(params, field)
  if (value === undefined) return undefined
  return timestamp(typeof value === 'string' ? integerText(value, field) : value, field)
}

/** A non-negative integer, or a string that holds one (old clients' `store`). */
export function countOrTextField(params: JsonObject, field: string): number | undefined {
  const value = given(params, field)
  if (value === undefined) return undefined
  const count = typeof value === 'string' ? integerText(value, field) : value
  if (!isTimestamp(count)) throw wrongType(field, 'positive integer')
  return count
}

function integerText(text: string, field: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw invalidRequest(`Invalid value given for '${field}': ${JSON.stringify(text)}`)
  return value
}

/** A list of timestamps, or one bare timestamp. */
export function timestampsField(params: JsonObject, field: string): readonly TimestampMs[] | undefined {
  const value = given(params, field)
  if (value === undefined) return undefined
  if (isTimestamp(value)) return [timestamp(value, field)]
  if (!isArrayOf(value, isTimestamp)) throw wrongType(field, 'timestamp array')
  return value
}

/** A list of strings, or one bare string. */
export function stringsField(params: JsonObject, field: string): readonly string[] | undefined {
  const value = given(params, field)
  if (value === undefined) return undefined
  if (typeof value === 'string') return [value]
  if (!isArrayOf(value, (item) => typeof item === 'string')) throw wrongType(field, 'string array')
  return value
}

/** `messages`, one hash at least, each as it came: hashes are signed as text. */
export function hashTexts(texts: readonly string[] | undefined): readonly string[] {
  const hashes = required(texts, 'messages')
  if (hashes.length === 0) throw invalidRequest('messages does not contain any message hashes')
  if (hashes.length > HASHES_MAX) throw invalidRequest(`messages contains more than ${HASHES_MAX} message hashes`)
  return hashes
}

export function messageHashes(texts: readonly string[] | undefined): readonly MessageHash[] {
  return hashTexts(texts).map((text) => {
    const hash = parseMessageHash(text)
    if (hash === undefined) throw invalidRequest(`invalid message hash: ${text}`)
    return hash
  })
}

export function accountField(text: string | undefined): AccountId {
  const account = parseAccountId(required(text, 'pubkey'))
  if (account === undefined) throw invalidRequest('Pubkey must be 66 hex digits (33 bytes) long')
  return account
}

export function objectField(params: JsonObject, field: string): JsonObject | undefined {
  const value = given(params, field)
  return isJsonObject(value) ? value : undefined
}

function isInteger(value: JsonValue): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

function isTimestamp(value: JsonValue): value is number {
  return isInteger(value) && value >= 0
}

function isArrayOf<T extends JsonValue>(
  value: JsonValue,
  isItem: (item: JsonValue) => item is T,
): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem)
}
