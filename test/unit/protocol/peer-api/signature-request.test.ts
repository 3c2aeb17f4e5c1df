import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import {
  decodeSignatureAnswer,
  decodeSignatureRequest,
  encodeSignatureAnswer,
  encodeSignatureRequest,
  SIGNATURE_EXCHANGE_MAX_BYTES,
  SIGNATURE_REFUSALS,
  type SignatureAnswer,
  type SignatureRequest,
} from '../../../../src/protocol/peer-api/signature-request.ts'
import { protocolErrorOf } from '../onion/vectors.ts'

interface Vector {
  readonly name: string
  readonly hex: string
}
type RequestVector = Vector & Record<string, unknown>
type AnswerVector = Vector & { readonly signature?: string; readonly refusal?: (typeof SIGNATURE_REFUSALS)[number] }

const vectors = JSON.parse(readFileSync('test/vectors/signature-request.json', 'utf8')) as {
  requests: readonly RequestVector[]
  answers: readonly AnswerVector[]
}
const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()

function requestOf({ name: _, hex: __, ...fields }: RequestVector): SignatureRequest {
  const total = fields['totalAtomic']
  return { ...fields, ...(typeof total === 'string' ? { totalAtomic: BigInt(total) } : {}) } as SignatureRequest
}

describe('requests', () => {
  test.each(vectors.requests)('$name', (vector) => {
    const request = requestOf(vector)
    expect(toHex(encodeSignatureRequest(request))).toBe(vector.hex)
    expect(decodeSignatureRequest(bytes(vector.hex))).toEqual(request)
  })
})

describe('answers', () => {
  test.each(vectors.answers)('$name', ({ hex, signature, refusal }) => {
    const answer: SignatureAnswer =
      refusal === undefined ? { signature: Buffer.from(bytes(signature ?? '')) } : { refusal }
    expect(toHex(encodeSignatureAnswer(answer))).toBe(hex)
    expect(decodeSignatureAnswer(bytes(hex))).toEqual(answer)
  })
})

const hexOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(toHex)
const requests: fc.Arbitrary<SignatureRequest> = fc.oneof(
  fc.record({ kind: fc.constantFrom('exit', 'liquidate'), bls: hexOf(64), timestampS: fc.maxSafeNat() }),
  fc.record({
    kind: fc.constant('reward' as const),
    recipient: hexOf(20).map((hex): `0x${string}` => `0x${hex}`),
    index: fc.maxSafeNat(),
    totalAtomic: fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
  }),
)

test('what is encoded is decoded, and fits what the network carries', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const encoded = encodeSignatureRequest(request)
      expect(decodeSignatureRequest(encoded)).toEqual(request)
      expect(encoded.length).toBeLessThanOrEqual(SIGNATURE_EXCHANGE_MAX_BYTES)
    }),
  )
  for (const refusal of SIGNATURE_REFUSALS) {
    expect(decodeSignatureAnswer(encodeSignatureAnswer({ refusal }))).toEqual({ refusal })
  }
})

test('a request or an answer that is cut or has more behind it is refused', () => {
  for (const [vectorsOf, decode] of [
    [vectors.requests, decodeSignatureRequest],
    [vectors.answers, decodeSignatureAnswer],
  ] as const) {
    for (const { hex } of vectorsOf) {
      const whole = bytes(hex)
      for (let length = 0; length < whole.length; length++) {
        expect(protocolErrorOf(() => decode(whole.subarray(0, length)))).toBe('FRAME_TRUNCATED')
      }
      expect(protocolErrorOf(() => decode(Buffer.concat([whole, Buffer.of(0)])))).toBe('FRAME_TOO_LARGE')
    }
  }
})

test('unknown kinds and reasons, and numbers that no double holds, are refused', () => {
  const exit = Buffer.from(bytes(vectors.requests[0]?.hex ?? ''))
  const kind = Buffer.from(exit)
  kind[0] = 3
  expect(protocolErrorOf(() => decodeSignatureRequest(kind))).toBe('FRAME_MALFORMED')
  const late = Buffer.from(exit)
  late.writeBigUInt64BE(1n << 53n, 65)
  expect(protocolErrorOf(() => decodeSignatureRequest(late))).toBe('FRAME_MALFORMED')
  const unknown = Buffer.of(SIGNATURE_REFUSALS.length + 1)
  expect(protocolErrorOf(() => decodeSignatureAnswer(unknown))).toBe('FRAME_MALFORMED')
})

test('any bytes are decoded or refused', () => {
  const seeds = vectors.requests.map(({ hex }) => bytes(hex))
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(60), fc.nat(255))
    .map(([seed, at, value]) => Buffer.from(seed).fill(value, at, at + 1))
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (input) => {
      protocolErrorOf(() => decodeSignatureRequest(input))
      protocolErrorOf(() => decodeSignatureAnswer(input))
    }),
    { numRuns: 3000 },
  )
})
