import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, utf8 } from '../../../../src/base/bytes.ts'
import {
  decodeCombinedPayload,
  encodeCombinedPayload,
  METADATA_MAX_BYTES,
} from '../../../../src/protocol/onion/combined-payload.ts'
import { protocolErrorOf } from './vectors.ts'

const example = encodeCombinedPayload({ blob: utf8('ciphertext'), metadata: { headers: '' } })

test('a combined payload is a little-endian size, the blob and JSON', () => {
  expect(example).toEqual(concat(new Uint8Array([10, 0, 0, 0]), utf8('ciphertext{"headers":""}')))
})

test('what is encoded is decoded', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.dictionary(text, text, { noNullPrototype: false }),
      (blob, metadata) => {
        const decoded = decodeCombinedPayload(encodeCombinedPayload({ blob, metadata }))
        expect(Buffer.from(decoded.blob).equals(blob)).toBe(true)
        expect(JSON.stringify(decoded.metadata)).toBe(JSON.stringify(metadata))
      },
    ),
  )
})

test('the blob is a view, not a copy', () => {
  expect(decodeCombinedPayload(example).blob.buffer).toBe(example.buffer)
})

test('a payload cut at any length is refused', () => {
  for (let length = 0; length < example.length; length++) {
    expect(protocolErrorOf(() => decodeCombinedPayload(example.subarray(0, length)))).toBe(
      length < 14 ? 'FRAME_TRUNCATED' : 'JSON_INVALID',
    )
  }
})

test('the messages for wrong sizes are those that clients know', () => {
  expect(() => decodeCombinedPayload(new Uint8Array(3))).toThrow('Unexpected payload size; expected ciphertext size')
  expect(() => decodeCombinedPayload(example.subarray(0, 9))).toThrow('Unexpected payload size 5, expected >= 10')
})

test('a size of 2^32 - 1 is refused', () => {
  const bytes = Buffer.from(example)
  bytes.fill(0xff, 0, 4)
  expect(protocolErrorOf(() => decodeCombinedPayload(bytes))).toBe('FRAME_TRUNCATED')
})

test.each(['[]', '"text"', '1', 'null', '{}{}', '{"a":1'])('metadata %s is refused', (json) => {
  expect(protocolErrorOf(() => decodeCombinedPayload(concat(new Uint8Array(4), utf8(json))))).toBe('JSON_INVALID')
})

test('metadata that is too long or too deep is refused before it is parsed', () => {
  const padded = (length: number) => concat(new Uint8Array(4), utf8(`{"headers":"${'x'.repeat(length - 14)}"}`))
  expect(protocolErrorOf(() => decodeCombinedPayload(padded(METADATA_MAX_BYTES)))).toBeUndefined()
  expect(protocolErrorOf(() => decodeCombinedPayload(padded(METADATA_MAX_BYTES + 1)))).toBe('FRAME_TOO_LARGE')
  const deep = concat(new Uint8Array(4), utf8(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`))
  expect(protocolErrorOf(() => decodeCombinedPayload(deep))).toBe('FRAME_TOO_LARGE')
})

test('any bytes are decoded or refused, and pollute no prototype', () => {
  const mutated = fc.tuple(fc.nat(example.length - 1), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(example)
    bytes[at] = value
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
      protocolErrorOf(() => decodeCombinedPayload(bytes))
    }),
    { numRuns: 3000 },
  )
  const { metadata } = decodeCombinedPayload(concat(new Uint8Array(4), utf8('{"__proto__":{"polluted":true}}')))
  expect(Object.hasOwn(metadata, '__proto__')).toBe(true)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
