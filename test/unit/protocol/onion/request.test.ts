import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../../src/base/bytes.ts'
import { type Aead, aes256Gcm } from '../../../../src/crypto/aead.ts'
import {
  generateX25519KeyPair,
  type X25519KeyPair,
  type X25519PublicKey,
  x25519KeyPairFromSecretKey,
  x25519PublicKey,
  x25519SecretKey,
} from '../../../../src/crypto/keys.ts'
import { createLayerKey } from '../../../../src/protocol/onion/encryption.ts'
import { openLayer, type SealedLayer } from '../../../../src/protocol/onion/layer.ts'
import { decodeLayerContent, type LayerContent } from '../../../../src/protocol/onion/layer-content.ts'
import { decodeOuterFrame } from '../../../../src/protocol/onion/outer-frame.ts'
import { buildOnionRequest, type OnionPathNode } from '../../../../src/protocol/onion/request.ts'
import { openSealedReply } from '../../../../src/protocol/onion/response.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../../src/protocol/service-node.ts'
import {
  bytes,
  encryptionVectors,
  type OnionRequestVector,
  onionRequests,
  onionVectors,
  x25519Pair,
} from './vectors.ts'

const key = (hex: string) => parseServiceNodeKey(hex) as ServiceNodeKey
const nodes = new Map<string, X25519KeyPair>(
  [...onionVectors.nodes, { ...onionVectors.server, name: 'server' }].map((node) => [
    node.name,
    x25519Pair(node.pubkey_x25519, node.seckey_x25519),
  ]),
)

/** Opens a layer for each of `names`, and gives what the last one finds. */
function openAlong(body: Uint8Array, names: readonly string[]): LayerContent {
  let layer: SealedLayer = decodeOuterFrame(body)
  let content: LayerContent | undefined
  for (const name of names) {
    content = decodeLayerContent(openLayer(layer, nodes.get(name) as X25519KeyPair).plaintext)
    if (content.role === 'relay') layer = content.layer
  }
  return content as LayerContent
}

/** What a server finds: it gets the whole opened layer of the last hop and reads it as an outer frame. */
function openAtServer(body: Uint8Array, path: readonly string[]): Uint8Array {
  let layer: SealedLayer = decodeOuterFrame(body)
  for (const name of path) {
    const { plaintext } = openLayer(layer, nodes.get(name) as X25519KeyPair)
    layer = decodeOuterFrame(plaintext)
  }
  return openLayer(layer, nodes.get('server') as X25519KeyPair).plaintext
}

describe('requests of existing clients', () => {
  const toNodes = onionRequests.filter(({ target }) => target !== 'server')
  const toServers = onionRequests.filter(({ target }) => target === 'server')

  test('there are sixteen, three of them to servers', () => {
    expect([toNodes.length, toServers.length]).toEqual([13, 3])
  })

  test.each(toNodes)('$name is opened hop by hop to its payload', ({ request_b64, path, target, final_payload }) => {
    const content = openAlong(Buffer.from(request_b64, 'base64'), [...path, target])
    expect(content).toMatchObject({ role: 'final', reply: { json: false, base64: true } })
    expect(content).toHaveProperty('payload', utf8(final_payload ?? ''))
  })

  test.each(toServers)(
    '$name names its server to the last hop',
    ({ request_b64, path, expect_relay, final_payload }) => {
      const body = Buffer.from(request_b64, 'base64')
      const { host, target, port, protocol } = expect_relay ?? {}
      expect(openAlong(body, path)).toEqual({ role: 'server', server: { host, target, port, protocol } })
      const payload = Buffer.from(openAtServer(body, path)).toString('latin1')
      expect(payload).toMatch(/^l\d+:\{.*e$/s)
      if (final_payload !== undefined) expect(payload).toBe(final_payload)
    },
  )

  test.each(onionRequests)('the client of $name opens what is sealed for its last layer', (request) => {
    let layer: SealedLayer = decodeOuterFrame(Buffer.from(request.request_b64, 'base64'))
    for (const name of request.path) {
      layer = decodeOuterFrame(openLayer(layer, nodes.get(name) as X25519KeyPair).plaintext)
    }
    const destination = nodes.get(request.target) as X25519KeyPair
    const sealed = openLayer(layer, destination).key.seal(utf8('reply'))
    expect(clientKey(request, layer, destination.publicKey).open(sealed)).toEqual(utf8('reply'))
  })

  /** What the client kept: the ephemeral key pair of its last layer, or the cipher's own key. */
  function clientKey({ reply_key }: OnionRequestVector, layer: SealedLayer, nodePublic: X25519PublicKey): Aead {
    if (reply_key.key !== undefined) return aes256Gcm(bytes(reply_key.key))
    const { publicKey, secretKey } = x25519Pair(reply_key.pub ?? '', reply_key.sec ?? '')
    return createLayerKey(layer.encryption, { own: secretKey, peer: nodePublic, clientPublic: publicKey, nodePublic })
  }
})

describe('a request that is built', () => {
  const vector = encryptionVectors.onion_3hop
  const path: OnionPathNode[] = vector.nodes.map(({ ed, xpk }: { ed: string; xpk: string }) => ({
    ed25519: key(ed),
    x25519: x25519PublicKey(bytes(xpk)),
  }))
  const [first, second, third, last] = path as [OnionPathNode, OnionPathNode, OnionPathNode, OnionPathNode]

  test.each([
    ['aes-gcm', 'aes_gcm_request_hex', 12],
    ['xchacha20', 'xchacha20_request_hex', 24],
  ] as const)('under %s has the bytes of the three-hop vector', (encryption, name, nonceSize) => {
    const { body } = buildOnionRequest(
      {
        path: [first, second, third],
        destination: { kind: 'service-node', ...last },
        payload: utf8(vector.payload),
        encryption,
      },
      (layer) => ({
        ephemeral: x25519KeyPairFromSecretKey(x25519SecretKey(bytes(vector.ephemeral_seckeys[layer]))),
        nonce: Buffer.alloc(nonceSize, layer + 1),
      }),
    )
    expect(toHex(body)).toBe(vector[name])
  })

  const ours = (name: string): OnionPathNode => {
    const node = onionVectors.nodes.find((candidate: { name: string }) => candidate.name === name)
    return { ed25519: key(node.pubkey_ed25519), x25519: (nodes.get(name) as X25519KeyPair).publicKey }
  }

  test.each([0, 1, 2, 3])('is opened along a path of %i hops', (hops) => {
    const names = ['n0', 'n1', 'n2'].slice(0, hops)
    const { body } = buildOnionRequest({
      path: names.map(ours),
      destination: { kind: 'service-node', ...ours('n3') },
      payload: utf8('payload'),
      encryption: 'xchacha20',
      options: { json: true, base64: false },
    })
    expect(openAlong(body, [...names, 'n3'])).toEqual({
      role: 'final',
      payload: utf8('payload'),
      reply: { json: true, base64: false },
    })
  })

  test('takes fresh keys for each layer and each request', () => {
    const build = () =>
      buildOnionRequest({
        path: [ours('n0')],
        destination: { kind: 'service-node', ...ours('n1') },
        payload: utf8('payload'),
        encryption: 'aes-gcm',
      }).body
    expect(toHex(decodeOuterFrame(build()).ephemeralKey)).not.toBe(toHex(decodeOuterFrame(build()).ephemeralKey))
    const layer = decodeOuterFrame(build())
    const inner = decodeLayerContent(openLayer(layer, nodes.get('n0') as X25519KeyPair).plaintext)
    expect(inner).toMatchObject({ role: 'relay', destination: ours('n1').ed25519 })
    expect(toHex((inner as LayerContent & { role: 'relay' }).layer.ephemeralKey)).not.toBe(toHex(layer.ephemeralKey))
  })

  test('reaches a server through the last hop, and opens its raw reply', () => {
    const server = nodes.get('server') as X25519KeyPair
    const { body, replyKey } = buildOnionRequest({
      path: [ours('n0'), ours('n1')],
      destination: { kind: 'server', host: 'files.example', target: '/oxen/v4/lsrpc', x25519: server.publicKey },
      payload: utf8('l2:{}e'),
      encryption: 'aes-gcm',
    })
    expect(openAlong(body, ['n0', 'n1'])).toEqual({
      role: 'server',
      server: { host: 'files.example', target: '/oxen/v4/lsrpc', port: 443, protocol: 'https' },
    })
    expect(openAtServer(body, ['n0', 'n1'])).toEqual(utf8('l2:{}e'))
    expect(openSealedReply(replyKey, replyKey.key.seal(utf8('l3:abce')))).toEqual(utf8('l3:abce'))
  })

  test('cannot be built for a path that no network takes', () => {
    const node = { ed25519: key('00'.repeat(32)), x25519: generateX25519KeyPair().publicKey }
    const request = { payload: new Uint8Array(), encryption: 'aes-gcm' } as const
    const server = { kind: 'server', host: 'files.example', target: '/x', x25519: node.x25519 } as const
    expect(() =>
      buildOnionRequest({ ...request, path: Array(16).fill(node), destination: { kind: 'service-node', ...node } }),
    ).toThrow('too many hops')
    expect(() => buildOnionRequest({ ...request, path: [], destination: server })).toThrow('Only a service node')
  })
})
