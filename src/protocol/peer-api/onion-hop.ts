import { asBuffer } from '../../base/bytes.ts'
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
//     size:         uint32        // of ciphertext
//     ciphertext:   uint8[size]
//     padding:      uint8[]       // zeros, up to the size class
//
//   answer :=
//     status:       uint16        // 200..599
//     size:         uint32        // of body
//     body:         uint8[size]
//     padding:      uint8[]       // zeros, up to the size class
//
// A layer is some 220 bytes shorter than the one around it. Padding keeps somebody who watches the wire from reading a
// hop's place in the path, or a small message's size, off the length of a frame.

const REQUEST_HEAD_SIZE = 38
const ANSWER_HEAD_SIZE = 6

/** Classes double from the first to the last, and from there on are its multiples: padding never costs much. */
const FIRST_SIZE_CLASS = 1024
const LAST_DOUBLED_SIZE_CLASS = 65_536

/** The longest frame: what clients may send, in its size class. */
export const ONION_HOP_MAX_BYTES = REQUEST_MAX_BYTES + LAST_DOUBLED_SIZE_CLASS
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
}

export function encodeHopRequest({ ciphertext, ephemeralKey, encryption, hopNumber }: NumberedLayer): Uint8Array {
  const frame = allocateFrame(REQUEST_HEAD_SIZE, ciphertext)
  frame.writeUInt8(ENCRYPTION_CODES[encryption], 0)
  frame.writeUInt8(hopNumber, 1)
  frame.set(ephemeralKey, 2)
  return frame
}

/**
 * The ciphertext is a view of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED, CIPHER_UNKNOWN
 */
export function decodeHopRequest(bytes: Uint8Array): NumberedLayer {
  const frame = asBuffer(bytes)
  const ciphertext = readFrame(frame, REQUEST_HEAD_SIZE)
  const encryption = ENCRYPTION_TYPES[frame.readUInt8(0)]
  if (encryption === undefined) throw new ProtocolError('CIPHER_UNKNOWN', 'unknown encryption type')
  return {
    ciphertext,
    ephemeralKey: x25519PublicKey(bytes.subarray(2, 34)),
    encryption,
    // Only a client's own frame is the zeroth; a node that says otherwise gains no hop by it.
    hopNumber: Math.max(1, frame.readUInt8(1)),
  }
}

export function encodeHopAnswer({ status, body }: HopAnswer): Uint8Array {
  const frame = allocateFrame(ANSWER_HEAD_SIZE, body)
  frame.writeUInt16BE(status, 0)
  return frame
}

/**
 * The body is a view of `bytes`.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED
 */
export function decodeHopAnswer(bytes: Uint8Array): HopAnswer {
  const frame = asBuffer(bytes)
  const body = readFrame(frame, ANSWER_HEAD_SIZE)
  const status = frame.readUInt16BE(0)
  if (status < STATUS_MIN || status > STATUS_MAX) {
    throw new ProtocolError('FRAME_MALFORMED', 'status out of range', { details: { status } })
  }
  return { status, body }
}

/** A padded frame with `body` and its size in place; the rest of the head is the caller's. */
function allocateFrame(headSize: number, body: Uint8Array): Buffer {
  const size = sizeClassOf(headSize + body.length)
  const frame = Buffer.allocUnsafe(size)
  frame.writeUInt32BE(body.length, headSize - 4)
  frame.set(body, headSize)
  frame.fill(0, headSize + body.length)
  return frame
}

/** The body of a frame, after its lengths have been checked. */
function readFrame(frame: Buffer, headSize: number): Uint8Array {
  if (frame.length < headSize) throw new ProtocolError('FRAME_TRUNCATED', 'frame shorter than its head')
  if (frame.length > ONION_HOP_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'frame too large')
  const end = headSize + frame.readUInt32BE(headSize - 4)
  const size = sizeClassOf(end)
  if (frame.length < size) throw new ProtocolError('FRAME_TRUNCATED', 'frame shorter than its size field says')
  if (frame.length > size) throw new ProtocolError('FRAME_MALFORMED', 'frame longer than its size class')
  return frame.subarray(headSize, end)
}

function sizeClassOf(size: number): number {
  if (size > LAST_DOUBLED_SIZE_CLASS) return Math.ceil(size / LAST_DOUBLED_SIZE_CLASS) * LAST_DOUBLED_SIZE_CLASS
  let sizeClass = FIRST_SIZE_CLASS
  while (sizeClass < size) sizeClass *= 2
  return sizeClass
}
