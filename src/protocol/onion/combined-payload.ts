import { concat, utf8 } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../json.ts'

// What a node finds in an HTTP body or in an opened layer (docs/protocol/onion-requests.md, "Combined payload"):
//
//   payload :=
//     size:     uint32 little-endian   // of blob
//     blob:     uint8[size]
//     metadata: uint8[]                // a JSON object in UTF-8, up to the end

const SIZE_FIELD_SIZE = 4

/** Metadata is a handful of short fields; the rest is room for the `headers` that clients send and nobody reads. */
export const METADATA_MAX_BYTES = 8192

export interface CombinedPayload {
  readonly blob: Uint8Array
  readonly metadata: JsonObject
}

/** Writes the metadata's keys in the order in which the object has them, without spaces. */
export function encodeCombinedPayload({ blob, metadata }: CombinedPayload): Uint8Array {
  const size = new DataView(new ArrayBuffer(SIZE_FIELD_SIZE))
  size.setUint32(0, blob.length, true)
  return concat(new Uint8Array(size.buffer), blob, utf8(JSON.stringify(metadata)))
}

/**
 * The blob is a view of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE (metadata), JSON_INVALID
 */
export function decodeCombinedPayload(bytes: Uint8Array): CombinedPayload {
  const available = bytes.length - SIZE_FIELD_SIZE
  if (available < 0) {
    throw new ProtocolError('FRAME_TRUNCATED', 'Unexpected payload size; expected ciphertext size')
  }
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  if (size > available) {
    throw new ProtocolError('FRAME_TRUNCATED', `Unexpected payload size ${available}, expected >= ${size}`)
  }
  if (available - size > METADATA_MAX_BYTES) {
    throw new ProtocolError('FRAME_TOO_LARGE', `Unexpected metadata size, expected <= ${METADATA_MAX_BYTES}`)
  }
  const end = SIZE_FIELD_SIZE + size
  const metadata = parseJson(bytes.subarray(end))
  if (!isJsonObject(metadata)) throw new ProtocolError('JSON_INVALID', 'invalid json: expected an object')
  return { blob: bytes.subarray(SIZE_FIELD_SIZE, end), metadata }
}
