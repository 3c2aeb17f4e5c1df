import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, utf8 } from '../../../../src/base/bytes.ts'
import type { JsonObject } from '../../../../src/protocol/json.ts'
import { encodeCombinedPayload } from '../../../../src/protocol/onion/combined-payload.ts'
import { decodeLayerContent, encodeFinalContent } from '../../../../src/protocol/onion/layer-content.ts'
import { protocolErrorOf } from './vectors.ts'

const KEY = 'ab'.repeat(32)
const relay = { destination: KEY, ephemeral_key: KEY }
const server = { host: 'files.example', target: '/oxen/v4/lsrpc' }

const decode = (metadata: JsonObject) => decodeLayerContent(encodeCombinedPayload({ blob: utf8('blob'), metadata }))
const refusal = (metadata: JsonObject) => protocolErrorOf(() => decode(metadata))

test.each(['', {}, null, [], false, 1.5])('the key headers makes a node the final destination, be it %j', (headers) => {
  expect(decode({ ...relay, ...server, headers })).toMatchObject({
    role: 'final',
    reply: { json: false, base64: true },
  })
})

test('the key host makes a node ask a server, unless there are headers', () => {
  expect(decode({ ...relay, ...server })).toEqual({
    role: 'server',
    server: { ...server, port: 443, protocol: 'https' },
  })
  expect(decode({ ...server, protocol: 'http', port: 80, method: 'GET' })).toEqual({
    role: 'server',
    server: { ...server, port: 80, protocol: 'http' },
  })
})

test('any other layer is to be handed on, by default under aes-gcm', () => {
  expect(decode(relay)).toMatchObject({ role: 'relay', destination: KEY, layer: { encryption: 'aes-gcm' } })
  expect(decode({ ...relay, enc_type: 'xchacha20-poly1305' })).toMatchObject({ layer: { encryption: 'xchacha20' } })
  expect(decode({ ...relay, destination: KEY.toUpperCase() })).toMatchObject({ destination: KEY })
})

test('the reply is written as the client asks', () => {
  expect(decode({ headers: {}, json: true, base64: false })).toMatchObject({ reply: { json: true, base64: false } })
  for (const value of [1, 'true', null, {}]) {
    expect(refusal({ headers: {}, json: value })).toBe('JSON_INVALID')
    expect(refusal({ headers: {}, base64: value })).toBe('JSON_INVALID')
  }
})

test('a server address that is not well formed is refused', () => {
  for (const port of [0, 65_536, -1, 1.5, '80', null]) expect(refusal({ ...server, port })).toBe('JSON_INVALID')
  for (const value of [null, 1, {}]) {
    expect(refusal({ ...server, host: value })).toBe('JSON_INVALID')
    expect(refusal({ ...server, target: value })).toBe('JSON_INVALID')
    expect(refusal({ ...server, protocol: value })).toBe('JSON_INVALID')
  }
  expect(refusal({ host: 'files.example' })).toBe('JSON_INVALID')
})

test('a layer to be handed on needs a destination, a key and a cipher that is offered', () => {
  expect(refusal({})).toBe('JSON_INVALID')
  expect(refusal({ ephemeral_key: KEY })).toBe('JSON_INVALID')
  expect(refusal({ destination: KEY })).toBe('JSON_INVALID')
  for (const destination of [null, 1, '', KEY.slice(2), `${KEY}00`, `0x${KEY.slice(2)}`]) {
    expect(refusal({ ...relay, destination })).toBe('JSON_INVALID')
  }
  expect(refusal({ ...relay, enc_type: 'aes-cbc' })).toBe('CIPHER_UNKNOWN')
})

test('keys that JSON inherits elsewhere make no role', () => {
  const bytes = concat(new Uint8Array(4), utf8('{"__proto__":{"headers":""}}'))
  expect(protocolErrorOf(() => decodeLayerContent(bytes))).toBe('JSON_INVALID')
})

test('any bytes are decoded or refused', () => {
  const base = encodeFinalContent(utf8('{"method":"info","params":{}}'), { json: true, base64: false })
  const mutated = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = Buffer.from(base)
    for (const [at, value] of changes) bytes[at] = value
    return bytes
  })
  const odd = fc.object({ key: fc.constantFrom('headers', 'host', 'target', 'port', 'destination', 'json') })
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        odd.map((metadata) => encodeCombinedPayload({ blob: utf8(''), metadata: metadata as JsonObject })),
      ),
      (bytes) => {
        protocolErrorOf(() => decodeLayerContent(bytes))
      },
    ),
    { numRuns: 3000 },
  )
})
