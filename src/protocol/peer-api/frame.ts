import { asBuffer } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'

// What service nodes say to each other on one long-lived stream per protocol. The side that opened the stream asks
// (request, cancel), the other side answers (response, failure); any number of requests may be under way at once.
//
//   frame     := kind u8 | id u32 | argument u32 | size u32 | payload[size] | zeros
//   kind      := 1 request | 2 response | 3 failure | 4 cancel
//   argument  := request: milliseconds the asker waits; failure: 1 busy, 2 failed, 3 refused; else 0
//
// Integers are big-endian. Zeros fill the payload up to its size class, so what is seen between two nodes is one of a few
// sizes and does not tell at which hop of its path an onion request is. The receiver ignores what the zeros hold.

export const FRAME_HEADER_SIZE = 13

/** In the order of their numbers, from 1. */
const KINDS = ['request', 'response', 'failure', 'cancel'] as const
export type FrameKind = (typeof KINDS)[number]

/** Why a request was not answered with a response. */
export type FailureCode =
  /** Too much under way already: ask again later, or another node. */
  | 'busy'
  /** The handler could not answer. */
  | 'failed'
  /** The asker may not ask this, or nobody answers this protocol. */
  | 'refused'

/** In the order of their numbers, from 1. */
const FAILURES: readonly FailureCode[] = ['busy', 'failed', 'refused']

export type Frame =
  | { readonly kind: 'request'; readonly id: number; readonly timeoutMs: number; readonly payload: Uint8Array }
  | { readonly kind: 'response'; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: 'failure'; readonly id: number; readonly code: FailureCode }
  | { readonly kind: 'cancel'; readonly id: number }

export interface FrameHeader {
  readonly kind: FrameKind
  readonly id: number
  readonly argument: number
  /** Bytes of payload, without the padding. */
  readonly size: number
}

/** Answers to polls and most onion layers of a poll fit the smallest class, and so does everything without a payload. */
const SMALLEST_CLASS = 1024
/** Up to here classes are powers of two; above, four classes an octave, so that at most a quarter is wasted. */
const COARSE_MAX = 64 * 1024

/** Bytes that a payload of `size` bytes takes with its padding. */
export function sizeClass(size: number): number {
  if (size <= SMALLEST_CLASS) return SMALLEST_CLASS
  const octave = 2 ** (31 - Math.clz32(size - 1))
  if (size <= COARSE_MAX) return octave * 2
  const step = octave / 4
  return Math.ceil(size / step) * step
}

/** Bytes of a whole frame with a payload of `size` bytes. */
export function frameSize(size: number): number {
  return FRAME_HEADER_SIZE + sizeClass(size)
}

const EMPTY = new Uint8Array()

export function payloadOf(frame: Frame): Uint8Array {
  return frame.kind === 'request' || frame.kind === 'response' ? frame.payload : EMPTY
}

/** Writes the frame into `target` at `at`, where frameSize(payload) bytes must be free; returns where it ends. */
export function writeFrame(target: Buffer, at: number, frame: Frame): number {
  const payload = payloadOf(frame)
  writeHead(target, at, frame)
  target.set(payload, at + FRAME_HEADER_SIZE)
  const end = at + frameSize(payload.length)
  target.fill(0, at + FRAME_HEADER_SIZE + payload.length, end)
  return end
}

export function encodeFrame(frame: Frame): Uint8Array {
  const target = Buffer.allocUnsafe(frameSize(payloadOf(frame).length))
  writeFrame(target, 0, frame)
  return target
}

/** The frame in pieces of a size that a header fits, the last one shorter. Those within its payload are views of it: what is large is not copied. */
export function framePieces(frame: Frame, pieceSize: number): Uint8Array[] {
  const payload = payloadOf(frame)
  const size = frameSize(payload.length)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < size; at += pieceSize) {
    const [from, to] = [at - FRAME_HEADER_SIZE, Math.min(size, at + pieceSize) - FRAME_HEADER_SIZE]
    pieces.push(from >= 0 && to <= payload.length ? payload.subarray(from, to) : copiedPiece(frame, from, to))
  }
  return pieces
}

/** What has the header or padding in it; places count from where the payload begins. */
function copiedPiece(frame: Frame, from: number, to: number): Uint8Array {
  const piece = Buffer.alloc(to - from)
  if (from < 0) writeHead(piece, 0, frame)
  const start = Math.max(0, from)
  piece.set(payloadOf(frame).subarray(start, to), start - from)
  return piece
}

function writeHead(target: Buffer, at: number, frame: Frame): void {
  target.writeUInt8(KINDS.indexOf(frame.kind) + 1, at)
  target.writeUInt32BE(frame.id, at + 1)
  target.writeUInt32BE(argumentOf(frame), at + 5)
  target.writeUInt32BE(payloadOf(frame).length, at + 9)
}

function argumentOf(frame: Frame): number {
  if (frame.kind === 'request') return frame.timeoutMs
  return frame.kind === 'failure' ? FAILURES.indexOf(frame.code) + 1 : 0
}

export interface FrameDecoderOptions {
  /** A larger payload breaks the protocol. */
  readonly sizeMax: number
  /** The kinds that this side of the stream may hear. */
  readonly kinds: readonly FrameKind[]
}

/** What becomes of the frames of one stream. */
export interface FrameSink {
  /** Whether to keep the payload. Called as soon as the header is there; what is not kept is skipped, not delivered. */
  accept(header: FrameHeader): boolean
  deliver(frame: Frame): void
}

/**
 * Cuts a stream of bytes into frames. Memory for a payload is taken only after `accept` said yes, so the caller can
 * bound it. Payloads that lie whole in one chunk and fill most of it are views of it, not copies.
 */
export class FrameDecoder {
  readonly #sink: FrameSink
  readonly #options: FrameDecoderOptions
  readonly #head = Buffer.alloc(FRAME_HEADER_SIZE)
  #headFilled = 0
  #header: FrameHeader | undefined
  /** The payload as far as it has come; undefined while skipping. */
  #payload: Buffer | undefined
  #payloadFilled = 0
  /** Bytes of this frame's body, padding included, that are still to come. */
  #bodyLeft = 0
  /** Frames that have come to their end, delivered or skipped. */
  completed = 0

  constructor(sink: FrameSink, options: FrameDecoderOptions) {
    this.#sink = sink
    this.#options = options
  }

  /** Whether a frame has begun and not ended. */
  get midFrame(): boolean {
    return this.#headFilled > 0
  }

  /** @throws {ProtocolError} after which the stream cannot be read any further. */
  push(chunk: Uint8Array): void {
    const bytes = asBuffer(chunk)
    for (let at = 0; at < bytes.length; ) {
      at = this.#header === undefined ? this.#readHead(bytes, at) : this.#readBody(bytes, at, this.#header)
    }
  }

  /** To be called when the stream has ended. @throws {ProtocolError} FRAME_TRUNCATED */
  end(): void {
    if (this.midFrame) throw new ProtocolError('FRAME_TRUNCATED', 'The stream ends within a frame')
  }

  #readHead(bytes: Buffer, at: number): number {
    const taken = Math.min(FRAME_HEADER_SIZE - this.#headFilled, bytes.length - at)
    bytes.copy(this.#head, this.#headFilled, at, at + taken)
    this.#headFilled += taken
    if (this.#headFilled < FRAME_HEADER_SIZE) return at + taken

    const header = parseHeader(this.#head, this.#options)
    this.#header = header
    this.#bodyLeft = sizeClass(header.size)
    this.#payloadFilled = 0
    const whole = bytes.length - at - taken >= header.size
    if (!this.#sink.accept(header)) this.#payload = undefined
    else this.#payload = whole ? EMPTY_BUFFER : Buffer.allocUnsafeSlow(header.size)
    return at + taken
  }

  #readBody(bytes: Buffer, at: number, header: FrameHeader): number {
    const taken = Math.min(this.#bodyLeft, bytes.length - at)
    if (this.#payload !== undefined && this.#payloadFilled < header.size) this.#keep(bytes, at, at + taken, header.size)
    this.#bodyLeft -= taken
    if (this.#bodyLeft === 0) this.#finish(header)
    return at + taken
  }

  #keep(bytes: Buffer, from: number, to: number, size: number): void {
    const part = bytes.subarray(from, Math.min(to, from + size - this.#payloadFilled))
    if (this.#payloadFilled === 0 && part.length === size) this.#payload = detached(part)
    else if (this.#payload !== undefined) part.copy(this.#payload, this.#payloadFilled)
    this.#payloadFilled += part.length
  }

  #finish(header: FrameHeader): void {
    const payload = this.#payload
    this.#header = undefined
    this.#payload = undefined
    this.#headFilled = 0
    this.completed++
    if (payload !== undefined) this.#sink.deliver(frameOf(header, payload))
  }
}

const EMPTY_BUFFER = Buffer.alloc(0)

/** A view keeps its whole chunk in memory, which nobody counts: a small part of a large one is copied. */
function detached(part: Buffer): Buffer {
  return part.length * 2 < part.buffer.byteLength ? Buffer.from(part) : part
}

function parseHeader(bytes: Buffer, { sizeMax, kinds }: FrameDecoderOptions): FrameHeader {
  const kind = KINDS[bytes.readUInt8(0) - 1]
  if (kind === undefined || !kinds.includes(kind)) {
    throw new ProtocolError('FRAME_MALFORMED', 'A frame of a kind that this side does not take')
  }
  const header = { kind, id: bytes.readUInt32BE(1), argument: bytes.readUInt32BE(5), size: bytes.readUInt32BE(9) }
  if (header.size > sizeMax) throw new ProtocolError('FRAME_TOO_LARGE', 'A frame is larger than its protocol allows')
  if (!isArgumentValid(header)) throw new ProtocolError('FRAME_MALFORMED', 'A frame whose fields contradict its kind')
  return header
}

function isArgumentValid({ kind, argument, size }: FrameHeader): boolean {
  if (kind === 'request') return argument > 0
  if (kind === 'response') return argument === 0
  return size === 0 && (kind === 'cancel' ? argument === 0 : FAILURES[argument - 1] !== undefined)
}

function frameOf({ kind, id, argument }: FrameHeader, payload: Uint8Array): Frame {
  switch (kind) {
    case 'request':
      return { kind, id, timeoutMs: argument, payload }
    case 'response':
      return { kind, id, payload }
    case 'failure':
      return { kind, id, code: FAILURES[argument - 1] ?? 'failed' }
    case 'cancel':
      return { kind, id }
  }
}
