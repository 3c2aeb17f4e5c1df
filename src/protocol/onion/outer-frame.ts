import { toHex } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import { REQUEST_MAX_BYTES } from '../limits.ts'
import { decodeCombinedPayload, encodeCombinedPayload } from './combined-payload.ts'
import { readSealedLayer, type SealedLayer } from './layer.ts'

// The HTTP body that a client posts to its first hop: a combined payload whose blob is the first layer and whose
// metadata is {"enc_type"?: text, "ephemeral_key": 64 hex digits, "hop_no"?: integer}.

/** A layer and how many nodes have handed it on before. */
export interface NumberedLayer extends SealedLayer {
  /** 0 at the first hop. */
  readonly hopNumber: number
}

export function encodeOuterFrame({ ciphertext, ephemeralKey, encryption }: SealedLayer): Uint8Array {
  const metadata = { enc_type: encryption, ephemeral_key: toHex(ephemeralKey) }
  return encodeCombinedPayload({ blob: ciphertext, metadata })
}

/**
 * The messages are what clients get to read after "Error parsing onion request: ".
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, JSON_INVALID, CIPHER_UNKNOWN
 */
export function decodeOuterFrame(bytes: Uint8Array): NumberedLayer {
  if (bytes.length > REQUEST_MAX_BYTES) {
    throw new ProtocolError('FRAME_TOO_LARGE', `Unexpected payload size, expected <= ${REQUEST_MAX_BYTES}`)
  }
  const { blob, metadata } = decodeCombinedPayload(bytes)
  return { ...readSealedLayer(blob, metadata), hopNumber: readHopNumber(metadata['hop_no']) }
}

function readHopNumber(value: JsonValue | undefined): number {
  if (value === undefined) return 0
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError('JSON_INVALID', "'hop_no' must be an integer")
  }
  return Math.max(0, value)
}
