import { describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../../../src/base/bytes.ts'
import { aes256Gcm } from '../../../../src/crypto/aead.ts'
import { generateX25519KeyPair, x25519KeyPairFromSecretKey, x25519SecretKey } from '../../../../src/crypto/keys.ts'
import { createLayerKey, type EncryptionType, type LayerKey } from '../../../../src/protocol/onion/encryption.ts'
import { DEFAULT_REPLY_FORMAT, type ReplyFormat } from '../../../../src/protocol/onion/layer-content.ts'
import { type OnionReply, openOnionReply, sealOnionReply } from '../../../../src/protocol/onion/response.ts'
import { bytes, encryptionVectors, protocolErrorOf, x25519Pair } from './vectors.ts'

const node = generateX25519KeyPair()
const client = generateX25519KeyPair()

function aKey(encryption: EncryptionType = 'aes-gcm'): LayerKey {
  const keys = { clientPublic: client.publicKey, nodePublic: node.publicKey }
  return createLayerKey(encryption, { own: client.secretKey, peer: node.publicKey, ...keys })
}

const key = aKey()
const plain = (reply: OnionReply, format: ReplyFormat) =>
  fromUtf8(key.open(sealOnionReply(key, reply, { ...format, base64: false })) ?? new Uint8Array())

describe('known answers', () => {
  const { nodes, ephemeral_seckeys, response_example } = encryptionVectors.onion_3hop
  const destination = x25519Pair(nodes[3].xpk, nodes[3].xsk)
  const ephemeral = x25519KeyPairFromSecretKey(x25519SecretKey(bytes(ephemeral_seckeys[3])))

  test.each([
    ['aes-gcm', 'aes_gcm_iv_all_09_b64'],
    ['xchacha20', 'xchacha_nonce_all_09_b64'],
  ] as const)('a client opens the reply under %s, and the node seals the same bytes', (encryption, name) => {
    const keys = { clientPublic: ephemeral.publicKey, nodePublic: destination.publicKey }
    const ofClient = createLayerKey(encryption, { own: ephemeral.secretKey, peer: destination.publicKey, ...keys })
    const ofNode = createLayerKey(encryption, { own: destination.secretKey, peer: ephemeral.publicKey, ...keys })
    const replyKey = { key: ofClient, base64: true }
    expect(openOnionReply(replyKey, utf8(response_example[name]))).toEqual({ status: 200, body: '{"t":1}' })
    const sealed = ofNode.seal(utf8(response_example.plaintext), Buffer.alloc(ofNode.nonceSize, 9))
    expect(Buffer.from(sealed).toString('base64')).toBe(response_example[name])
  })
})

describe('the plaintext of a reply', () => {
  test('has body and status in this order, without spaces', () => {
    expect(plain({ status: 406, body: 'clock' }, DEFAULT_REPLY_FORMAT)).toBe('{"body":"clock","status":406}')
  })

  test('holds a JSON body as a string that contains JSON, or embedded if asked for', () => {
    const reply = { status: 200, body: { t: 1, hf: [19, 6] } }
    expect(plain(reply, DEFAULT_REPLY_FORMAT)).toBe('{"body":"{\\"t\\":1,\\"hf\\":[19,6]}","status":200}')
    expect(plain(reply, { json: true, base64: false })).toBe('{"body":{"t":1,"hf":[19,6]},"status":200}')
  })

  test('holds a text body as a string in both forms', () => {
    expect(plain({ status: 400, body: 'no' }, { json: true, base64: true })).toBe('{"body":"no","status":400}')
  })
})

test.each(['aes-gcm', 'xchacha20'] as const)(
  'the client opens what the node sealed under %s, in every format',
  (type) => {
    const key = aKey(type)
    for (const base64 of [true, false]) {
      for (const json of [true, false]) {
        const sealed = sealOnionReply(key, { status: 421, body: { snodes: [] } }, { json, base64 })
        const body = json ? { snodes: [] } : '{"snodes":[]}'
        expect(openOnionReply({ key, base64 }, sealed)).toEqual({ status: 421, body })
        if (base64) expect(fromUtf8(sealed)).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
      }
    }
  },
)

test('a reply that is not base64, not sealed with the key, cut, or of another shape is refused', () => {
  const open = (body: Uint8Array, base64 = false) => protocolErrorOf(() => openOnionReply({ key, base64 }, body))
  const sealed = sealOnionReply(key, { status: 200, body: 'yes' }, { json: false, base64: false })
  expect(open(utf8('not base64!'), true)).toBe('FRAME_MALFORMED')
  expect(open(new Uint8Array([0xff, 0xfe]), true)).toBe('FRAME_MALFORMED')
  expect(open(aes256Gcm(Buffer.alloc(32)).seal(utf8('{}')))).toBe('LAYER_UNDECRYPTABLE')
  for (let length = 0; length < sealed.length; length++) {
    expect(open(sealed.subarray(0, length))).toBe('LAYER_UNDECRYPTABLE')
  }
  for (const text of [
    '',
    '[]',
    '{}',
    '{"status":200}',
    '{"body":""}',
    '{"body":"","status":"200"}',
    '{"body":"","status":99}',
  ]) {
    expect(open(key.seal(utf8(text)))).toBe('JSON_INVALID')
  }
})
