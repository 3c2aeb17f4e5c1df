import { utf8 } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.ts'
import { FORWARDED_ANSWER_VALUES_MAX, FORWARDED_REQUEST_MAX_BYTES } from '../limits.ts'
import { isOperationStamp, type OperationStamp } from '../operation-stamp.ts'

// A client's request as the entry node passes it on to the other members of the swarm, and a member's answer.
// Both are UTF-8 JSON, because the client's own signed fields are JSON already:
//
//   request := {"method": text, "params": object, "receivedMs": integer, "stamp": integer}
//   answer  := {"status": integer, "body": object | text}

export interface ForwardedRequest {
  readonly method: string
  /** The client's own parameters, as they came. */
  readonly params: JsonObject
  /** When the entry node received it, by its clock. */
  readonly receivedMs: number
  /** Its place among all operations. */
  readonly stamp: OperationStamp
}

export interface ForwardedAnswer {
  /** HTTP status as a client would get it. */
  readonly status: number
  /** This member's own result for 200, else the error text. */
  readonly body: JsonValue
}

/** @throws {ProtocolError} FRAME_TOO_LARGE, for parameters that a client filled with what no method reads */
export function encodeForwardedRequest({ method, params, receivedMs, stamp }: ForwardedRequest): Uint8Array {
  const bytes = utf8(JSON.stringify({ method, params, receivedMs, stamp }))
  refuseLarge(bytes)
  return bytes
}

/** @throws {ProtocolError} FRAME_TOO_LARGE, JSON_INVALID */
export function decodeForwardedRequest(bytes: Uint8Array): ForwardedRequest {
  refuseLarge(bytes)
  const value = parseJson(bytes)
  if (
    !isJsonObject(value) ||
    typeof value['method'] !== 'string' ||
    !isJsonObject(value['params']) ||
    !Number.isInteger(value['receivedMs']) ||
    !isOperationStamp(value['stamp'])
  ) {
    throw new ProtocolError('JSON_INVALID', 'A forwarded request needs method, params, receivedMs and stamp')
  }
  const { method, params, receivedMs, stamp } = value
  return { method, params, receivedMs: receivedMs as number, stamp }
}

function refuseLarge({ length }: Uint8Array): void {
  if (length <= FORWARDED_REQUEST_MAX_BYTES) return
  throw new ProtocolError('FRAME_TOO_LARGE', 'invalid request: parameters too large')
}

export function encodeForwardedAnswer({ status, body }: ForwardedAnswer): Uint8Array {
  return utf8(JSON.stringify({ status, body }))
}

export function decodeForwardedAnswer(bytes: Uint8Array): ForwardedAnswer {
  const value = parseJson(bytes, FORWARDED_ANSWER_VALUES_MAX)
  if (!isJsonObject(value) || !Number.isInteger(value['status']) || value['body'] === undefined) {
    throw new ProtocolError('JSON_INVALID', 'An answer to a forwarded request needs status and body')
  }
  return { status: value['status'] as number, body: value['body'] }
}
