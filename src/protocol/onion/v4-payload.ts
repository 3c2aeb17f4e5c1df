import { utf8 } from '../../base/bytes.ts'
import { type BencodeValue, decodeBencode, encodeBencode, isBencodeList, isBencodeString } from '../bencode.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.ts'
import { JSON_ANSWER_VALUES_MAX } from '../limits.ts'

// What a client says to an outside server, and what the server says back (docs/protocol/onion-requests.md, "Outside servers").
// Each is sealed as a whole, the reply with the key of the request. Both are bencoded lists of one or two byte strings:
//
//   request := [ {"method": text, "endpoint": text, "headers": object of texts}, body? ]
//   reply   := [ {"code": integer, "headers"?: object of texts}, body? ]                      JSON, then bytes as they are

export type Headers = Readonly<Record<string, string>>

export interface V4Request {
  readonly method: string
  /** Path on the server, from the first slash on, query and all. */
  readonly endpoint: string
  readonly headers?: Headers
  readonly body?: Uint8Array
}

export interface V4Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A file of the largest size that servers take, and what belongs to it. */
export const V4_REPLY_MAX_BYTES = 16 * 1024 * 1024

export function encodeV4Request({ method, endpoint, headers = {}, body }: V4Request): Uint8Array {
  return encodeParts(JSON.stringify({ method, endpoint, headers }), body)
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_MALFORMED, FRAME_TOO_LARGE, JSON_INVALID */
export function decodeV4Request(bytes: Uint8Array): V4Request {
  const { metadata, body } = decodeParts(bytes)
  const { method, endpoint, headers } = metadata
  if (typeof method !== 'string' || typeof endpoint !== 'string') throw malformed('it has no method or no endpoint')
  return { method, endpoint, headers: headersIn(headers), ...(body !== undefined && { body }) }
}

export function encodeV4Reply({ status, headers, body }: V4Reply): Uint8Array {
  return encodeParts(JSON.stringify({ code: status, headers }), body)
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_MALFORMED, FRAME_TOO_LARGE, JSON_INVALID */
export function decodeV4Reply(bytes: Uint8Array): V4Reply {
  const { metadata, body = new Uint8Array() } = decodeParts(bytes)
  const { code, headers } = metadata
  if (typeof code !== 'number' || !Number.isInteger(code)) throw malformed('it has no code')
  const named = Object.entries(headersIn(headers)).map(([name, value]) => [name.toLowerCase(), value] as const)
  return { status: code, headers: Object.fromEntries(named), body }
}

function encodeParts(json: string, body: Uint8Array | undefined): Uint8Array {
  return encodeBencode(body === undefined ? [utf8(json)] : [utf8(json), body])
}

function decodeParts(bytes: Uint8Array): { metadata: JsonObject; body: Uint8Array | undefined } {
  const [json, body, ...rest] = listOf(decodeBencode(bytes, V4_REPLY_MAX_BYTES))
  if (!isBencodeString(json) || rest.length > 0) throw malformed('it is not one or two byte strings')
  if (body !== undefined && !isBencodeString(body)) throw malformed('its body is not bytes')
  const metadata = parseJson(json, JSON_ANSWER_VALUES_MAX)
  if (!isJsonObject(metadata)) throw malformed('its metadata is not an object')
  return { metadata, body }
}

function listOf(value: BencodeValue): readonly BencodeValue[] {
  if (!isBencodeList(value)) throw malformed('it is not a list')
  return value
}

/** Absent: none. */
function headersIn(value: JsonValue | undefined): Headers {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw malformed('its headers are not an object')
  const entries = Object.entries(value).map(([name, text]) => {
    if (typeof text !== 'string') throw malformed('a header is not text')
    return [name, text] as const
  })
  return Object.fromEntries(entries)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('FRAME_MALFORMED', `A v4 payload is malformed: ${what}`)
}
