import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../../../../src/base/bytes.ts'
import { REQUEST_MAX_BYTES } from '../../../../src/protocol/limits.ts'
import { encodeCombinedPayload } from '../../../../src/protocol/onion/combined-payload.ts'
import { openLayer } from '../../../../src/protocol/onion/layer.ts'
import { decodeOuterFrame, encodeOuterFrame } from '../../../../src/protocol/onion/outer-frame.ts'
import { bytes, encryptionVectors, onionVectors, protocolErrorOf, x25519Pair } from './vectors.ts'

const KEY = 'ab'.repeat(32)
const frame = (json: string) => concat(new Uint8Array([4, 0, 0, 0]), utf8(`blob${json}`))
const hopNumber = (value: string) => decodeOuterFrame(frame(`{"ephemeral_key":"${KEY}","hop_no":${value}}`)).hopNumber

describe('known answers', () => {
  const { server_pub, server_sec, plaintext, ...frames } = encryptionVectors.libsession_outer_frame
  const whole = onionVectors.upstream_test_values.whole_request

  test.each([
    ['aes-gcm', frames.aes_gcm_frame, server_pub, server_sec],
    ['xchacha20', frames.xchacha20_frame, server_pub, server_sec],
    ['aes-gcm', whole.aes_gcm, whole.B, whole.b],
    ['xchacha20', whole.xchacha20, whole.B, whole.b],
  ])('a frame of libsession-util under %s is read and opened', (encryption, hex, publicKey, secretKey) => {
    const layer = decodeOuterFrame(bytes(hex))
    expect(layer).toMatchObject({ encryption, hopNumber: 0 })
    expect(openLayer(layer, x25519Pair(publicKey, secretKey)).plaintext).toEqual(utf8(plaintext))
  })
})

test('what is encoded is decoded', () => {
  const layer = decodeOuterFrame(frame(`{"enc_type":"gcm","ephemeral_key":"${KEY}"}`))
  expect(decodeOuterFrame(encodeOuterFrame(layer))).toEqual(layer)
  expect(encodeOuterFrame(layer)).toEqual(frame(`{"enc_type":"aes-gcm","ephemeral_key":"${KEY}"}`))
})

test('a hop number is 0 unless the client says more', () => {
  expect(decodeOuterFrame(frame(`{"ephemeral_key":"${KEY}"}`)).hopNumber).toBe(0)
  expect([hopNumber('0'), hopNumber('-3'), hopNumber('7'), hopNumber('99')]).toEqual([0, 0, 7, 99])
  for (const value of ['"1"', '1.5', '1e1', 'null', '9007199254740993']) {
    expect(protocolErrorOf(() => hopNumber(value))).toBe('JSON_INVALID')
  }
})

test('a frame cut at any length is refused', () => {
  const whole = frame(`{"ephemeral_key":"${KEY}"}`)
  for (let length = 0; length < whole.length; length++) {
    expect(protocolErrorOf(() => decodeOuterFrame(whole.subarray(0, length)))).toBeDefined()
  }
})

test('a frame larger than the protocol allows is refused', () => {
  const json = `{"ephemeral_key":"${KEY}"}`
  const sized = (size: number) =>
    encodeCombinedPayload({ blob: new Uint8Array(size - 4 - json.length), metadata: { ephemeral_key: KEY } })
  expect(decodeOuterFrame(sized(REQUEST_MAX_BYTES)).encryption).toBe('aes-gcm')
  expect(protocolErrorOf(() => decodeOuterFrame(sized(REQUEST_MAX_BYTES + 1)))).toBe('FRAME_TOO_LARGE')
})
