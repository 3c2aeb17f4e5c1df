import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../../../src/base/bytes.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import {
  decodeRecordExchangeRequest,
  decodeRecordList,
  encodeRecordExchangeRequest,
  encodeRecordList,
  RECORD_ENVELOPE_MAX_BYTES,
  type RecordExchangeRequest,
} from '../../../../src/protocol/peer-api/record-exchange.ts'
import type { ServiceNodeKey } from '../../../../src/protocol/service-node.ts'

const envelopes = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 })
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as ServiceNodeKey)
const held = fc.array(fc.record({ key, timestampMs: fc.maxSafeNat() }), { maxLength: 5 })
const anyRequest: fc.Arbitrary<RecordExchangeRequest> = fc.oneof(
  fc.record({ envelopes, held, inReturn: fc.boolean() }),
  fc.record({ envelopes, held: fc.constant(undefined), inReturn: fc.constant(false) }),
)
const plain = (list: readonly Uint8Array[]) => list.map((bytes) => Uint8Array.from(bytes))

test('a request is what it asks, its records and what it holds', () => {
  const request = {
    envelopes: [Uint8Array.of(1, 2)],
    held: [{ key: 'aa'.repeat(32) as ServiceNodeKey, timestampMs: 258 }],
  }
  expect(toHex(encodeRecordExchangeRequest({ ...request, inReturn: false }))).toBe(
    `01${'0001'}${'0002'}0102${'0001'}${'aa'.repeat(32)}0000000000000102`,
  )
})

test('requests and lists come back as they were', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      const decoded = decodeRecordExchangeRequest(encodeRecordExchangeRequest(request))
      expect({ ...decoded, envelopes: plain(decoded.envelopes) }).toEqual(request)
      expect(plain(decodeRecordList(encodeRecordList(request.envelopes)))).toEqual(request.envelopes)
    }),
  )
})

test('a request or list that is cut at any length, or has a byte more, is refused', () => {
  const envelopes = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]
  const request = encodeRecordExchangeRequest({
    envelopes,
    held: [{ key: 'bb'.repeat(32) as ServiceNodeKey, timestampMs: 1 }],
    inReturn: true,
  })
  const list = encodeRecordList(envelopes)
  for (let size = 0; size < request.length; size++) {
    expect(() => decodeRecordExchangeRequest(request.subarray(0, size))).toThrow(ProtocolError)
  }
  for (let size = 0; size < list.length; size++) {
    expect(() => decodeRecordList(list.subarray(0, size))).toThrow(ProtocolError)
  }
  expect(() => decodeRecordExchangeRequest(Buffer.concat([request, Buffer.of(0)]))).toThrow(ProtocolError)
  expect(() => decodeRecordList(Buffer.concat([list, Buffer.of(0)]))).toThrow(ProtocolError)
})

test('records beyond their size, more than there can be, and unknown wishes are refused', () => {
  const large = encodeRecordList([new Uint8Array(RECORD_ENVELOPE_MAX_BYTES + 1)])
  expect(() => decodeRecordList(large)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
  expect(() => decodeRecordList(Buffer.of(0xff, 0xff))).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
  expect(() => decodeRecordExchangeRequest(Buffer.of(3, 0, 0, 0, 0))).toThrow(ProtocolError)
  const holdsButDoesNotAsk = Buffer.concat([Buffer.of(0, 0, 0, 0, 1), Buffer.alloc(40)])
  expect(() => decodeRecordExchangeRequest(holdsButDoesNotAsk)).toThrow(ProtocolError)
})

test('random and changed bytes give a request or a ProtocolError, nothing else', () => {
  const decodeOrRefuse = (bytes: Uint8Array) => {
    for (const decode of [decodeRecordExchangeRequest, decodeRecordList]) {
      try {
        decode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeOrRefuse), { numRuns: 2000 })
  fc.assert(
    fc.property(anyRequest, fc.nat(), fc.nat(255), (request, at, value) => {
      const bytes = Uint8Array.from(encodeRecordExchangeRequest(request))
      bytes[at % bytes.length] = value
      decodeOrRefuse(bytes)
    }),
    { numRuns: 2000 },
  )
})
