import { utf8 } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.ts'

// What a client sends, over HTTPS and as the payload of an onion request:
//
//   envelope := {"method": text, "params": object}      other keys, such as "jsonrpc" and "id", are ignored

export interface Envelope {
  readonly method: string
  readonly params: JsonObject
}

/**
 * @throws {ProtocolError} JSON_INVALID or FRAME_TOO_LARGE, whose message is the text for the client.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const value = parseJson(bytes)
  if (!isJsonObject(value)) throw new ProtocolError('JSON_INVALID', 'invalid json')
  const { method, params } = value
  if (typeof method !== 'string') throw new ProtocolError('JSON_INVALID', 'invalid json: no `method` field')
  if (!isJsonObject(params)) throw new ProtocolError('JSON_INVALID', 'invalid json: no `params` field')
  return { method, params }
}

export function encodeEnvelope({ method, params }: Envelope): Uint8Array {
  return utf8(JSON.stringify({ method, params }))
}

/**
 * A method's answer: text for most refusals, JSON for the rest. The bodies of the methods' files are type
 * aliases, not interfaces, because only those fit JsonObject.
 */
export interface ClientAnswer {
  readonly status: number
  readonly body: JsonValue
  /** What goes over HTTPS instead of `body`, which then is their base64. */
  readonly bytes?: Uint8Array
  /** For a refusal because of too many requests: when to come back. */
  readonly retryAfterSeconds?: number
  /** How many requests it answers, when it was a batch: over HTTPS they count as that many. */
  readonly requests?: number
}
