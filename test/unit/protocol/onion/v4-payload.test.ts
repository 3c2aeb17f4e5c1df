import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../../src/base/bytes.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'
import {
  decodeV4Reply,
  decodeV4Request,
  encodeV4Reply,
  encodeV4Request,
} from '../../../../src/protocol/onion/v4-payload.ts'
import vectors from '../../../vectors/onion.json' with { type: 'json' }

const decoders = { request: decodeV4Request, reply: decodeV4Reply }
const header = fc.string().filter((name) => name !== '__proto__')
const headers = fc.dictionary(
  header.map((name) => name.toLowerCase()),
  fc.string(),
)
const body = fc.uint8Array({ maxLength: 300 })

test.each(vectors.requests.filter(({ name }) => /^v4-server/.test(name)))(
  '$name is written as by its builder',
  ({ final_payload = '' }) => {
    const request = {
      method: 'POST',
      endpoint: '/file',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: utf8('file-bytes'),
    }
    expect(Buffer.from(encodeV4Request(request)).toString()).toBe(final_payload)
    expect(decodeV4Request(utf8(final_payload))).toEqual(request)
  },
)

test('requests and replies come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.string(),
      headers,
      fc.option(body, { nil: undefined }),
      fc.nat(999),
      (text, fields, bytes, status) => {
        const part = bytes === undefined ? {} : { body: bytes }
        const request = { method: 'GET', endpoint: text, headers: fields, ...part }
        expect(decodeV4Request(Uint8Array.from(encodeV4Request(request)))).toEqual(request)
        const reply = { status, headers: fields, body: bytes ?? new Uint8Array() }
        expect(decodeV4Reply(Uint8Array.from(encodeV4Reply(reply)))).toEqual(reply)
      },
    ),
    { numRuns: 300 },
  )
})

test('a reply has its header names in lower case, and may have neither headers nor a body', () => {
  expect(decodeV4Reply(utf8('l34:{"code":200,"headers":{"A-B":"C"}}0:e'))).toMatchObject({ headers: { 'a-b': 'C' } })
  expect(decodeV4Reply(utf8('l12:{"code":200}e'))).toEqual({ status: 200, headers: {}, body: new Uint8Array() })
})

describe.each(['request', 'reply'] as const)('a %s', (kind) => {
  const decode = decoders[kind]
  const whole =
    kind === 'request'
      ? encodeV4Request({ method: 'GET', endpoint: '/', headers: { a: 'b' }, body: utf8('body') })
      : encodeV4Reply({ status: 200, headers: { a: 'b' }, body: utf8('body') })

  test('that ends early is refused, wherever it ends', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decode(whole.subarray(0, length))).toThrow(ProtocolError)
    }
  })

  test.each([
    'le',
    'i1e',
    'de',
    'l2:{}e',
    'l2:[]e',
    'l4:nulle',
    'li1ee',
    'l2:{}i1ee',
    'l26:{"code":"200","method":"G"}e',
    'l52:{"code":200,"method":"G","endpoint":"/","headers":[]}e',
    'l56:{"code":200,"method":"G","endpoint":"/","headers":{"a":1}}e',
    'l38:{"code":200,"method":"G","endpoint":""}1:a1:be',
  ])('is not read from %s', (text) => {
    expect(() => decode(utf8(text))).toThrow(ProtocolError)
  })

  test('of any bytes, or with any byte changed, is read or refused', () => {
    const changed = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => whole.with(at, byte))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), changed), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
