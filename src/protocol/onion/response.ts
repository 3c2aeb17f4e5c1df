import { fromBase64, fromUtf8, toBase64, utf8 } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonValue, parseJson } from '../json.ts'
import { JSON_ANSWER_VALUES_MAX } from '../limits.ts'
import type { LayerKey } from './encryption.ts'
import type { ReplyFormat } from './layer-content.ts'

// The final destination's reply, sealed once with its own layer's key; no hop in between touches it:
//
//   reply     := {"body": text | JSON, "status": integer}   // UTF-8, keys in this order, no spaces
//   HTTP body := base64(seal(reply))                        // or the sealed bytes, when base64 is false

export interface OnionReply {
  readonly status: number
  /** Text as it is; a JSON body as a string that contains JSON, unless the request asked for embedded JSON. */
  readonly body: JsonValue
}

/** What a client keeps to open the reply to its request. */
export interface ReplyKey {
  readonly key: LayerKey
  readonly base64: boolean
}

export function sealOnionReply(key: LayerKey, { status, body }: OnionReply, format: ReplyFormat): Uint8Array {
  const written = typeof body === 'string' || format.json ? body : JSON.stringify(body)
  const sealed = key.seal(utf8(JSON.stringify({ body: written, status })))
  return format.base64 ? utf8(toBase64(sealed)) : sealed
}

/**
 * The reply of a service node, from the HTTP body of an answer with status 200.
 * @throws {ProtocolError} FRAME_MALFORMED (not base64), LAYER_UNDECRYPTABLE, JSON_INVALID, FRAME_TOO_LARGE (too deep)
 */
export function openOnionReply(replyKey: ReplyKey, httpBody: Uint8Array): OnionReply {
  const reply = parseJson(openSealedReply(replyKey, httpBody), JSON_ANSWER_VALUES_MAX)
  if (!isJsonObject(reply) || !isStatus(reply['status']) || reply['body'] === undefined) {
    throw new ProtocolError('JSON_INVALID', 'An onion reply needs body and status')
  }
  return { status: reply['status'], body: reply['body'] }
}

/**
 * The bytes of a reply. Outside servers do not use the JSON form above, so this is all there is to do for them here.
 * @throws {ProtocolError} FRAME_MALFORMED (not base64), LAYER_UNDECRYPTABLE
 */
export function openSealedReply({ key, base64 }: ReplyKey, httpBody: Uint8Array): Uint8Array {
  const sealed = base64 ? decodeBase64(httpBody) : httpBody
  const reply = key.open(sealed)
  if (reply === undefined) throw new ProtocolError('LAYER_UNDECRYPTABLE', 'The reply was not sealed with this key')
  return reply
}

function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = fromUtf8(bytes)
  const decoded = text === undefined ? undefined : fromBase64(text)
  if (decoded === undefined) throw new ProtocolError('FRAME_MALFORMED', 'The reply is not base64')
  return decoded
}

function isStatus(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 999
}
