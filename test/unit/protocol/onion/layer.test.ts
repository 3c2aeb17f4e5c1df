import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../../src/base/bytes.ts'
import { generateX25519KeyPair, x25519PublicKey, x25519SecretKey } from '../../../../src/crypto/keys.ts'
import {
  createLayerKey,
  type EncryptionType,
  parseEncryptionType,
  REPLAY_TAG_SIZE,
} from '../../../../src/protocol/onion/encryption.ts'
import { openLayer, readSealedLayer, type SealedLayer, sealLayer } from '../../../../src/protocol/onion/layer.ts'
import { bytes, encryptionVectors, onionVectors, protocolErrorOf, x25519Pair } from './vectors.ts'

const TYPES: readonly EncryptionType[] = ['aes-gcm', 'xchacha20']
const node = generateX25519KeyPair()

function aLayer(encryption: EncryptionType, plaintext: Uint8Array = utf8('Hello world')) {
  return sealLayer(plaintext, encryption, node.publicKey, { ephemeral: generateX25519KeyPair() })
}

describe('encryption types', () => {
  test('every alias leads to its canonical name, and none to the default', () => {
    expect(['aes-gcm', 'gcm', undefined].map(parseEncryptionType)).toEqual(['aes-gcm', 'aes-gcm', 'aes-gcm'])
    expect(['xchacha20', 'xchacha20-poly1305'].map(parseEncryptionType)).toEqual(['xchacha20', 'xchacha20'])
  })

  test.each(['aes-cbc', 'cbc', 'AES-GCM', '', '__proto__', 'constructor'])('"%s" is refused', (text) => {
    expect(protocolErrorOf(() => parseEncryptionType(text))).toBe('CIPHER_UNKNOWN')
  })
})

describe('known answers', () => {
  const channel = encryptionVectors.channel_encryption
  const alice = x25519Pair(channel.alice_pub, channel.alice_sec)
  const bob = x25519Pair(channel.bob_pub, channel.bob_sec)

  test.each([
    ['aes-gcm', 'gcm_iv_000102..0b', 12],
    ['xchacha20', 'xchacha_client_alice_nonce_000102..17', 24],
  ] as const)('%s seals and opens the channel encryption vector', (encryption, name, nonceSize) => {
    const expected = bytes(channel[name])
    const { layer } = sealLayer(utf8(channel.plaintext), encryption, bob.publicKey, {
      ephemeral: alice,
      nonce: expected.subarray(0, nonceSize),
    })
    expect(toHex(layer.ciphertext)).toBe(channel[name])
    expect(openLayer(layer, bob).plaintext).toEqual(utf8(channel.plaintext))
  })

  test.each([
    ['aes-gcm', 'gcm'],
    ['xchacha20', 'xchacha20'],
  ] as const)('%s opens the layer of libsession-util', (encryption, name) => {
    const { client_pub, server_pub, server_sec, plaintext, ...hop } = encryptionVectors.libsession_hop_encryption
    const layer = { ciphertext: bytes(hop[name]), ephemeralKey: x25519PublicKey(bytes(client_pub)), encryption }
    expect(openLayer(layer, x25519Pair(server_pub, server_sec)).plaintext).toEqual(utf8(plaintext))
  })

  test.each([
    ['aes-gcm', 'aes_gcm'],
    ['xchacha20', 'xchacha20'],
  ] as const)('%s opens the one-layer value of libsession-util with either secret', (encryption, name) => {
    const { A, a, B, b, plaintext, ...sealed } = onionVectors.upstream_test_values.one_layer
    const keys = { clientPublic: x25519PublicKey(bytes(A)), nodePublic: x25519PublicKey(bytes(B)) }
    const ofNode = createLayerKey(encryption, { own: x25519SecretKey(bytes(b)), peer: keys.clientPublic, ...keys })
    const ofClient = createLayerKey(encryption, { own: x25519SecretKey(bytes(a)), peer: keys.nodePublic, ...keys })
    expect(ofNode.open(bytes(sealed[name]))).toEqual(utf8(plaintext))
    expect(ofClient.open(bytes(sealed[name]))).toEqual(utf8(plaintext))
  })
})

describe.each(TYPES)('a layer of %s', (encryption) => {
  test('is opened by its node, whose reply the client opens with the same key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (plaintext) => {
        const { layer, key } = aLayer(encryption, plaintext)
        const opened = openLayer(layer, node)
        expect(Buffer.from(opened.plaintext).equals(plaintext)).toBe(true)
        expect(key.open(opened.key.seal(utf8('reply')))).toEqual(utf8('reply'))
      }),
      { numRuns: 30 },
    )
  })

  test('does not open after any change of one bit, any cut, or for another node', () => {
    const { layer } = aLayer(encryption)
    for (let bit = 0; bit < layer.ciphertext.length * 8; bit++) {
      const ciphertext = Buffer.from(layer.ciphertext)
      ciphertext.writeUInt8(ciphertext.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(protocolErrorOf(() => openLayer({ ...layer, ciphertext }, node))).toBe('LAYER_UNDECRYPTABLE')
    }
    for (let length = 0; length < layer.ciphertext.length; length++) {
      const ciphertext = layer.ciphertext.subarray(0, length)
      expect(protocolErrorOf(() => openLayer({ ...layer, ciphertext }, node))).toBe('LAYER_UNDECRYPTABLE')
    }
    expect(protocolErrorOf(() => openLayer(layer, generateX25519KeyPair()))).toBe('LAYER_UNDECRYPTABLE')
  })

  test('does not open under the other cipher or with a low-order key', () => {
    const { layer } = aLayer(encryption)
    const other = TYPES.find((type) => type !== encryption) as EncryptionType
    const lowOrder: SealedLayer = { ...layer, ephemeralKey: x25519PublicKey(new Uint8Array(32)) }
    expect(protocolErrorOf(() => openLayer({ ...layer, encryption: other }, node))).toBe('LAYER_UNDECRYPTABLE')
    expect(protocolErrorOf(() => openLayer(lowOrder, node))).toBe('LAYER_UNDECRYPTABLE')
  })

  test('has a replay tag of its own, always the same, which who made the layer cannot compute', () => {
    const { layer, key } = aLayer(encryption)
    const tag = openLayer(layer, node).key.replayTag()
    expect(tag.length).toBe(REPLAY_TAG_SIZE)
    expect(tag).toEqual(openLayer(layer, node).key.replayTag())
    expect(tag).not.toEqual(key.replayTag())
    expect(tag).not.toEqual(openLayer(aLayer(encryption).layer, node).key.replayTag())
  })
})

// X25519 ignores the top bit of a public key, so a replayed layer could otherwise be dressed up as a new one.
test('an ephemeral key written in another way has the same replay tag', () => {
  const { layer } = aLayer('aes-gcm')
  const rewritten = Buffer.from(layer.ephemeralKey)
  rewritten.writeUInt8(rewritten.readUInt8(31) ^ 0x80, 31)
  const again = openLayer({ ...layer, ephemeralKey: x25519PublicKey(rewritten) }, node)
  expect(again.key.replayTag()).toEqual(openLayer(layer, node).key.replayTag())
})

test.each([
  {},
  { ephemeral_key: null },
  { ephemeral_key: 'ab' },
  { ephemeral_key: 5 },
  { ephemeral_key: '00'.repeat(32), enc_type: null },
  { ephemeral_key: '00'.repeat(32), enc_type: 1 },
])('the fields %j make no sealed layer', (fields) => {
  expect(protocolErrorOf(() => readSealedLayer(new Uint8Array(), fields))).toBe('JSON_INVALID')
})
