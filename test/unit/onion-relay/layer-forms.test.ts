// Every form in which clients may write layers, through whole paths.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { generateX25519KeyPair } from '../../../src/crypto/keys.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { encodeCombinedPayload } from '../../../src/protocol/onion/combined-payload.ts'
import { parseEncryptionType } from '../../../src/protocol/onion/encryption.ts'
import { sealLayer } from '../../../src/protocol/onion/layer.ts'
import { openOnionReply, type ReplyKey } from '../../../src/protocol/onion/response.ts'
import { decodeHopRequest, encodeHopRequest } from '../../../src/protocol/peer-api/onion-hop.ts'
import { createRelayNetwork, neverAborted, type RelayNetwork } from './relay-network.ts'

const PAYLOAD = '{"method":"info","params":{}}'
const NAMES = ['aes-gcm', 'gcm', undefined, 'xchacha20', 'xchacha20-poly1305'] as const
const NODES = 4

let network: RelayNetwork
beforeAll(async () => {
  network = await createRelayNetwork({ rpc: { handleOnionRpc: async () => ({ status: 200, body: { ok: true } }) } })
})
afterAll(() => network[Symbol.asyncDispose]())

/** A request through all nodes, with the name of a cipher for each layer, and what stands beside the last and the first one. */
function build(names: readonly (string | undefined)[], final: JsonObject, outer: JsonObject = {}) {
  let content = encodeCombinedPayload({ blob: utf8(PAYLOAD), metadata: final })
  let replyKey: ReplyKey | undefined
  for (let at = NODES - 1; at >= 0; at--) {
    const node = network.node(at)
    const name = names[at]
    const { layer, key } = sealLayer(content, parseEncryptionType(name), node.x25519.publicKey, {
      ephemeral: generateX25519KeyPair(),
    })
    replyKey ??= { key, base64: final['base64'] !== false }
    const beside = at === 0 ? outer : { destination: node.key }
    const cipher = name === undefined ? {} : { enc_type: name }
    const metadata = { ...beside, ...cipher, ephemeral_key: toHex(layer.ephemeralKey) }
    content = encodeCombinedPayload({ blob: layer.ciphertext, metadata })
  }
  return { body: content, replyKey: replyKey as ReplyKey }
}

async function post(body: Uint8Array) {
  const before = network.sent.length
  const answer = await network.node(0).relay.handleClientRequest(body, neverAborted())
  return { ...answer, hopNumbers: network.sent.slice(before).map(({ payload }) => decodeHopRequest(payload).hopNumber) }
}

test.each(NAMES.map((name, at) => [name, at] as const))(
  'each layer may have a cipher of its own, by any of its names: %s outermost',
  async (_name, shift) => {
    const names = Array.from({ length: NODES }, (_, at) => NAMES[(at + shift) % NAMES.length])
    const { body, replyKey } = build(names, { headers: {} })
    const answer = await post(body)
    expect(answer.status).toBe(200)
    expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 200, body: '{"ok":true}' })
  },
)

test.each(['aes-cbc', 'cbc', 'AES-GCM', '', 'xchacha'])('the name %j is no cipher', async (name) => {
  const { layer } = sealLayer(utf8(''), 'aes-gcm', network.node(0).x25519.publicKey, {
    ephemeral: generateX25519KeyPair(),
  })
  const metadata = { ephemeral_key: toHex(layer.ephemeralKey), enc_type: name }
  const answer = await post(encodeCombinedPayload({ blob: layer.ciphertext, metadata }))
  expect([answer.status, fromUtf8(answer.body)]).toEqual([400, 'Error parsing onion request: unknown encryption type'])
})

test.each([
  [{}, '{"ok":true}', true],
  [{ json: false }, '{"ok":true}', true],
  [{ json: true }, { ok: true }, true],
  [{ base64: true }, '{"ok":true}', true],
  [{ base64: false }, '{"ok":true}', false],
  [{ json: true, base64: false }, { ok: true }, false],
])('%j beside the request is how the reply is written', async (options, body, isText) => {
  for (const headers of ['', {}, { 'Content-Type': 'application/json' }, 0, false]) {
    const { body: request, replyKey } = build(['gcm', 'gcm', 'gcm', 'gcm'], { headers, ...options })
    const answer = await post(request)
    expect(/^[A-Za-z0-9+/]+=*$/.test(Buffer.from(answer.body).toString('latin1'))).toBe(isText)
    expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 200, body })
  }
})

test.each([
  [undefined, [1, 2, 3]],
  [0, [1, 2, 3]],
  [-1, [1, 2, 3]],
  [-4_000_000_000, [1, 2, 3]],
  [12, [13, 14, 15]],
])('a client’s hop number of %s counts on as it should', async (number, hopNumbers) => {
  const outer = number === undefined ? {} : { hop_no: number }
  const { body } = build(['gcm', 'gcm', 'gcm', 'gcm'], { headers: {} }, outer)
  expect(await post(body)).toMatchObject({ status: 200, hopNumbers })
})

test.each([
  [13, 3],
  [14, 2],
  [15, 1],
  [16, 0],
  [Number.MAX_SAFE_INTEGER, 0],
])('a path that begins at hop %i ends after fifteen', async (number, hops) => {
  const { body } = build(['gcm', 'gcm', 'gcm', 'gcm'], { headers: {} }, { hop_no: number })
  const { status, body: text, hopNumbers } = await post(body)
  expect([status, fromUtf8(text)]).toEqual([400, 'onion request max path length exceeded'])
  expect(hopNumbers).toHaveLength(hops)
})

test.each([1.5, '1', null, true, []])('a hop number of %j is none', async (number) => {
  const { body } = build(['gcm', 'gcm', 'gcm', 'gcm'], { headers: {} }, { hop_no: number })
  const { status, body: text } = await post(body)
  expect([status, fromUtf8(text)]).toEqual([400, "Error parsing onion request: 'hop_no' must be an integer"])
})

test('a node cannot pass for a client by the hop number 0', async () => {
  const { layer } = sealLayer(
    encodeCombinedPayload({
      blob: utf8('x'),
      metadata: { destination: network.node(2).key, ephemeral_key: 'ab'.repeat(32) },
    }),
    'aes-gcm',
    network.node(1).x25519.publicKey,
    { ephemeral: generateX25519KeyPair() },
  )
  const before = network.sent.length
  await network
    .node(1)
    .relay.handleHop(network.node(0).key, encodeHopRequest({ ...layer, hopNumber: 0 }), neverAborted())
  expect(network.sent.slice(before).map(({ payload }) => decodeHopRequest(payload).hopNumber)).toEqual([2])
})
