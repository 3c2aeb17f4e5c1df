import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex, utf8 } from '../../../../src/base/bytes.ts'
import { x25519PublicKey } from '../../../../src/crypto/keys.ts'
import { REQUEST_MAX_BYTES } from '../../../../src/protocol/limits.ts'
import type { NumberedLayer } from '../../../../src/protocol/onion/outer-frame.ts'
import {
  decodeHopAnswer,
  decodeHopRequest,
  encodeHopAnswer,
  encodeHopRequest,
  ONION_ANSWER_BODY_MAX_BYTES,
  ONION_HOP_MAX_BYTES,
} from '../../../../src/protocol/peer-api/onion-hop.ts'
import { protocolErrorOf } from '../onion/vectors.ts'

const layer: NumberedLayer = {
  ciphertext: utf8('ciphertext'),
  ephemeralKey: x25519PublicKey(Buffer.alloc(32, 0xab)),
  encryption: 'xchacha20',
  hopNumber: 3,
}
const request = encodeHopRequest(layer)
const answer = encodeHopAnswer({ status: 502, body: utf8('no') })

test('a request is cipher, hop number, ephemeral key and ciphertext', () => {
  expect(toHex(request)).toBe(`0103${'ab'.repeat(32)}${toHex(utf8('ciphertext'))}`)
  expect(decodeHopRequest(request)).toEqual(layer)
})

test('an answer is status and body', () => {
  expect(toHex(answer)).toBe('01f66e6f')
  expect(decodeHopAnswer(answer)).toEqual({ status: 502, body: utf8('no') })
})

test('what is encoded is decoded', () => {
  const bytes = fc.uint8Array({ maxLength: 3000 })
  fc.assert(
    fc.property(
      bytes,
      fc.constantFrom('aes-gcm', 'xchacha20'),
      fc.integer({ min: 1, max: 255 }),
      (ciphertext, encryption, hopNumber) => {
        const decoded = decodeHopRequest(encodeHopRequest({ ...layer, ciphertext, encryption, hopNumber }))
        expect(Buffer.from(decoded.ciphertext).equals(ciphertext)).toBe(true)
        expect(decoded).toMatchObject({ encryption, hopNumber })
      },
    ),
  )
  fc.assert(
    fc.property(bytes, fc.integer({ min: 200, max: 599 }), (body, status) => {
      const decoded = decodeHopAnswer(encodeHopAnswer({ status, body }))
      expect(Buffer.from(decoded.body).equals(body)).toBe(true)
      expect(decoded.status).toBe(status)
    }),
  )
})

test('the largest request of a client fits, and an answer of the same size', () => {
  const ciphertext = Buffer.alloc(REQUEST_MAX_BYTES)
  expect(decodeHopRequest(encodeHopRequest({ ...layer, ciphertext })).ciphertext.length).toBe(REQUEST_MAX_BYTES)
  const body = Buffer.alloc(ONION_ANSWER_BODY_MAX_BYTES)
  expect(decodeHopAnswer(encodeHopAnswer({ status: 200, body })).body.length).toBe(body.length)
  const larger = encodeHopAnswer({ status: 200, body: Buffer.alloc(ONION_ANSWER_BODY_MAX_BYTES + 1) })
  expect(protocolErrorOf(() => decodeHopAnswer(larger))).toBe('FRAME_TOO_LARGE')
})

test('a frame cut within its head is refused, and so is one that is too large', () => {
  for (let length = 0; length < 34; length++) {
    expect(protocolErrorOf(() => decodeHopRequest(request.subarray(0, length)))).toBe('FRAME_TRUNCATED')
  }
  for (let length = 0; length < 2; length++) {
    expect(protocolErrorOf(() => decodeHopAnswer(answer.subarray(0, length)))).toBe('FRAME_TRUNCATED')
  }
  expect(protocolErrorOf(() => decodeHopRequest(Buffer.alloc(ONION_HOP_MAX_BYTES + 1)))).toBe('FRAME_TOO_LARGE')
})

test('another node cannot make itself the first hop', () => {
  expect(decodeHopRequest(encodeHopRequest({ ...layer, hopNumber: 0 })).hopNumber).toBe(1)
})

test('an unknown cipher and an odd status are refused', () => {
  const changed = (frame: Uint8Array, at: number, value: number) => {
    const bytes = Buffer.from(frame)
    bytes[at] = value
    return bytes
  }
  for (const code of [2, 255]) {
    expect(protocolErrorOf(() => decodeHopRequest(changed(request, 0, code)))).toBe('CIPHER_UNKNOWN')
  }
  for (const status of [0, 100, 199, 600, 65_535]) {
    expect(protocolErrorOf(() => decodeHopAnswer(encodeHopAnswer({ status, body: utf8('') })))).toBe('FRAME_MALFORMED')
  }
})

test('any bytes are decoded or refused', () => {
  const mutated = fc.array(fc.tuple(fc.nat(43), fc.nat(255)), { maxLength: 3 }).map((changes) => {
    const bytes = Buffer.from(request)
    for (const [at, value] of changes) bytes[at] = value
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 1500 })), (bytes) => {
      protocolErrorOf(() => decodeHopRequest(bytes))
      protocolErrorOf(() => decodeHopAnswer(bytes))
    }),
    { numRuns: 3000 },
  )
})
