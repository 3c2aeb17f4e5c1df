import { asBuffer, concat } from '../../base/bytes.ts'
import { x25519PublicKey } from '../../crypto/keys.ts'
import { ProtocolError } from '../errors.ts'
import { REQUEST_MAX_BYTES } from '../limits.ts'
import type { EncryptionType } from '../onion/encryption.ts'
import type { NumberedLayer } from '../onion/outer-frame.ts'

// An onion request as one node hands it to the next, and the answer on its way back. Integers are big-endian.
//
//   request :=
//     encryption:   uint8         // 0 aes-gcm, 1 xchacha20
//     hopNumber:    uint8         // nodes that have handed the request on before; 0 is read as 1
//     ephemeralKey: uint8[32]     // X25519
//     ciphertext:   uint8[]       // up to the end
//
//   answer :=
//     status:       uint16        // 200..599
//     body:         uint8[]       // up to the end
//
// The frames that carry them (frame.ts) are padded, so that nobody who watches the wire reads a hop's place in the path off
// their length.

const REQUEST_HEAD_SIZE = 34
const ANSWER_HEAD_SIZE = 2

/** The longest request and answer: what clients may send, and room for the head. */
export const ONION_HOP_MAX_BYTES = REQUEST_MAX_BYTES + 64 * 1024
/** The longest body that an answer can carry. */
export const ONION_ANSWER_BODY_MAX_BYTES = ONION_HOP_MAX_BYTES - ANSWER_HEAD_SIZE

const STATUS_MIN = 200
const STATUS_MAX = 599

const ENCRYPTION_CODES = { 'aes-gcm': 0, xchacha20: 1 } as const satisfies Record<EncryptionType, number>
const ENCRYPTION_TYPES: readonly EncryptionType[] = ['aes-gcm', 'xchacha20']

/** What a client's first hop hands back as HTTP status and body. */
export interface HopAnswer {
  readonly status: number
  readonly body: Uint8Array
  /** How the next hop wrote this very answer: who hands it on copies nothing. */
  readonly encoded?: Uint8Array
}

export function encodeHopRequest({ ciphertext, ephemeralKey, encryption, hopNumber }: NumberedLayer): Uint8Array {
  return concat(Uint8Array.of(ENCRYPTION_CODES[encryption], hopNumber), ephemeralKey, ciphertext)
}

/**
 * The ciphertext is a view of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, CIPHER_UNKNOWN
 */
export function decodeHopRequest(bytes: Uint8Array): NumberedLayer {
  requireSize(bytes, REQUEST_HEAD_SIZE)
  const frame = asBuffer(bytes)
  const encryption = ENCRYPTION_TYPES[frame.readUInt8(0)]
  if (encryption === undefined) throw new ProtocolError('CIPHER_UNKNOWN', 'unknown encryption type')
  return {
    ciphertext: frame.subarray(REQUEST_HEAD_SIZE),
    ephemeralKey: x25519PublicKey(frame.subarray(2, REQUEST_HEAD_SIZE)),
    encryption,
    // Only a client's own frame is the zeroth; a node that says otherwise gains no hop by it.
    hopNumber: Math.max(1, frame.readUInt8(1)),
  }
}

export function encodeHopAnswer({ status, body, encoded }: HopAnswer): Uint8Array {
  return encoded ?? concat(Uint8Array.of(status >> 8, status & 0xff), body)
}

/**
 * The body is a view of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED
 */
export function decodeHopAnswer(bytes: Uint8Array): HopAnswer {
  requireSize(bytes, ANSWER_HEAD_SIZE)
  const frame = asBuffer(bytes)
  const status = frame.readUInt16BE(0)
  if (status < STATUS_MIN || status > STATUS_MAX) {
    throw new ProtocolError('FRAME_MALFORMED', 'status out of range', { details: { status } })
  }
  return { status, body: frame.subarray(ANSWER_HEAD_SIZE) }
}

function requireSize(bytes: Uint8Array, headSize: number): void {
  if (bytes.length < headSize) throw new ProtocolError('FRAME_TRUNCATED', 'frame shorter than its head')
  if (bytes.length > ONION_HOP_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'frame too large')
}
