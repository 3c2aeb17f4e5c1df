import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import {
  encodeFrame,
  FRAME_HEADER_SIZE,
  type Frame,
  FrameDecoder,
  type FrameDecoderOptions,
  framePieces,
  frameSize,
  sizeClass,
} from '../../../../src/protocol/peer-api/frame.ts'

const everything: FrameDecoderOptions = { sizeMax: 1 << 20, kinds: ['request', 'response', 'failure', 'cancel'] }

function decoderInto(frames: Frame[], options = everything, accept = () => true): FrameDecoder {
  return new FrameDecoder({ accept, deliver: (frame) => void frames.push(frame) }, options)
}

/** Copies, for payloads are views of what was pushed. */
function decode(bytes: Uint8Array, cutAt: readonly number[] = []): Frame[] {
  const frames: Frame[] = []
  const decoder = decoderInto(frames)
  let from = 0
  for (const cut of [...cutAt, bytes.length]) {
    decoder.push(Uint8Array.from(bytes.subarray(from, cut)))
    from = cut
  }
  decoder.end()
  return frames.map(plain)
}

function plain(frame: Frame): Frame {
  return 'payload' in frame ? { ...frame, payload: Uint8Array.from(frame.payload) } : frame
}

const id = fc.nat(0xff_ff_ff_ff)
const payload = fc.uint8Array({ maxLength: 3000 })
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    id,
    timeoutMs: fc.integer({ min: 1, max: 0xff_ff_ff_ff }),
    payload,
  }),
  fc.record({ kind: fc.constant('response' as const), id, payload }),
  fc.record({ kind: fc.constant('failure' as const), id, code: fc.constantFrom('busy', 'failed', 'refused') }),
  fc.record({ kind: fc.constant('cancel' as const), id }),
)

test('a request is its kind, id, deadline and size, then the payload and zeros up to its class', () => {
  const bytes = encodeFrame({ kind: 'request', id: 0x01020304, timeoutMs: 5000, payload: Uint8Array.of(9, 8, 7) })
  expect(Buffer.from(bytes.subarray(0, 16)).toString('hex')).toBe('010102030400001388' + '00000003' + '090807')
  expect(bytes.length).toBe(FRAME_HEADER_SIZE + 1024)
  expect(bytes.subarray(16).every((byte) => byte === 0)).toBe(true)
})

test('a failure carries its code and no payload', () => {
  const bytes = encodeFrame({ kind: 'failure', id: 1, code: 'refused' })
  expect(Buffer.from(bytes.subarray(0, 13)).toString('hex')).toBe('03000000010000000300000000')
})

test('frames come back as they were sent, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 5 }), fc.array(fc.nat(20_000), { maxLength: 8 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(encodeFrame))
      const sorted = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
      expect(decode(bytes, sorted)).toEqual(frames.map(plain))
    }),
  )
})

test('a stream that ends within a frame is refused at every length', () => {
  const bytes = encodeFrame({ kind: 'response', id: 5, payload: Buffer.alloc(700, 1) })
  for (let size = 1; size < bytes.length; size++) {
    expect(() => decode(bytes.subarray(0, size)), `at ${size}`).toThrow(ProtocolError)
  }
  expect(decode(bytes)).toHaveLength(1)
})

test('random bytes and changed frames give frames or a ProtocolError, nothing else', () => {
  const decodeOrRefuse = (bytes: Uint8Array) => {
    try {
      decoderInto([]).push(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeOrRefuse), { numRuns: 3000 })
  fc.assert(
    fc.property(anyFrame, fc.nat(FRAME_HEADER_SIZE - 1), fc.nat(255), (frame, at, value) => {
      const bytes = Uint8Array.from(encodeFrame(frame))
      bytes[at] = value
      decodeOrRefuse(bytes)
    }),
    { numRuns: 2000 },
  )
})

describe('a frame is refused', () => {
  const header = (kind: number, argument: number, size: number) => {
    const bytes = Buffer.alloc(FRAME_HEADER_SIZE)
    bytes.writeUInt8(kind, 0)
    bytes.writeUInt32BE(argument, 5)
    bytes.writeUInt32BE(size, 9)
    return bytes
  }

  test.each([
    ['of no known kind', header(0, 0, 0), 'FRAME_MALFORMED'],
    ['of a kind after the last', header(5, 0, 0), 'FRAME_MALFORMED'],
    ['larger than its protocol allows', header(2, 0, (1 << 20) + 1), 'FRAME_TOO_LARGE'],
    ['that asks without a deadline', header(1, 0, 0), 'FRAME_MALFORMED'],
    ['that answers with an argument', header(2, 1, 0), 'FRAME_MALFORMED'],
    ['that fails with an unknown code', header(3, 4, 0), 'FRAME_MALFORMED'],
    ['that fails with a payload', header(3, 1, 1), 'FRAME_MALFORMED'],
    ['that cancels with a payload', header(4, 0, 1), 'FRAME_MALFORMED'],
  ])('%s', (_what, bytes, code) => {
    expect(() => decoderInto([]).push(bytes)).toThrow(expect.objectContaining({ code }))
  })

  test('whose kind this side of the stream does not take', () => {
    const asker = decoderInto([], { sizeMax: 100, kinds: ['response', 'failure'] })
    expect(() => asker.push(encodeFrame({ kind: 'cancel', id: 1 }))).toThrow(ProtocolError)
  })
})

test('what is not accepted is skipped, and the next frame is read', () => {
  const frames: Frame[] = []
  let asked = 0
  const decoder = decoderInto(frames, everything, () => ++asked > 1)
  const bytes = Buffer.concat([1, 2].map((id) => encodeFrame({ kind: 'response', id, payload: Buffer.alloc(2000) })))
  for (const byte of bytes) decoder.push(Uint8Array.of(byte))
  expect(frames.map(({ id }) => id)).toEqual([2])
  expect(decoder.completed).toBe(2)
})

test('a small payload does not keep the large chunk in memory that it came in', () => {
  const frames: Frame[] = []
  const small: Frame = { kind: 'request', id: 1, timeoutMs: 1, payload: Buffer.alloc(100, 7) }
  const chunk = Buffer.concat([encodeFrame(small), encodeFrame({ ...small, payload: Buffer.alloc(60_000, 8) })])
  const owned = Uint8Array.from(chunk)
  decoderInto(frames).push(owned)
  const [first, second] = frames.map((frame) => ('payload' in frame ? frame.payload : Buffer.alloc(0)))
  expect(first?.buffer).not.toBe(owned.buffer)
  expect(second?.buffer).toBe(owned.buffer)
  expect(frames.map(plain)).toEqual([plain(small), plain({ ...small, payload: Buffer.alloc(60_000, 8) })])
})

test('the pieces of a frame are the frame', () => {
  fc.assert(
    fc.property(anyFrame, fc.integer({ min: FRAME_HEADER_SIZE, max: 5000 }), (frame, size) => {
      const pieces = framePieces(frame, size)
      expect(Buffer.concat(pieces)).toEqual(Buffer.from(encodeFrame(frame)))
      expect(pieces.slice(0, -1).every(({ length }) => length === size)).toBe(true)
    }),
  )
})

test('sizes fall into few classes that waste at most a quarter where sizes matter', () => {
  expect([0, 1, 1024, 1025, 2048, 65_536].map(sizeClass)).toEqual([1024, 1024, 1024, 2048, 2048, 65_536])
  expect([65_537, 81_920, 81_921, 131_072, 131_073].map(sizeClass)).toEqual([81_920, 81_920, 98_304, 131_072, 163_840])
  fc.assert(
    fc.property(fc.nat(11 * 1024 * 1024), (size) => {
      const padded = sizeClass(size)
      expect(padded).toBeGreaterThanOrEqual(size)
      expect(sizeClass(padded)).toBe(padded)
      if (size > 65_536) expect(padded).toBeLessThanOrEqual(size * 1.25)
      else expect(padded).toBeLessThanOrEqual(Math.max(1024, size * 2))
    }),
  )
  const classes = new Set(Array.from({ length: 11 * 1024 }, (_, kib) => sizeClass(kib * 1024)))
  expect(classes.size).toBeLessThanOrEqual(40)
  expect(frameSize(10)).toBe(1024 + FRAME_HEADER_SIZE)
})
