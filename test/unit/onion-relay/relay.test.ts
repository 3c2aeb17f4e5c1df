import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { generateX25519KeyPair } from '../../../src/crypto/keys.ts'
import { encodeCombinedPayload } from '../../../src/protocol/onion/combined-payload.ts'
import { openLayer, sealLayer } from '../../../src/protocol/onion/layer.ts'
import { decodeOuterFrame, encodeOuterFrame } from '../../../src/protocol/onion/outer-frame.ts'
import { buildOnionRequest } from '../../../src/protocol/onion/request.ts'
import { openOnionReply, type ReplyKey } from '../../../src/protocol/onion/response.ts'
import { frameSize } from '../../../src/protocol/peer-api/frame.ts'
import {
  decodeHopAnswer,
  decodeHopRequest,
  encodeHopAnswer,
  encodeHopRequest,
  ONION_ANSWER_BODY_MAX_BYTES,
} from '../../../src/protocol/peer-api/onion-hop.ts'
import { PeerRequestError, type PeerRequestErrorCode } from '../../../src/protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { onionRequests, onionVectors } from '../protocol/onion/vectors.ts'
import { createRelayNetwork, neverAborted, type RelayNetwork, type RelayNode } from './relay-network.ts'

const PAYLOAD = '{"method":"info","params":{}}'
let network: RelayNetwork

beforeEach(async () => {
  network = await createRelayNetwork()
})
afterEach(() => network[Symbol.asyncDispose]())

/** A request through nodes 0, 1 and 2 to node 3. */
function build(options: { json?: boolean; base64?: boolean } = {}, encryption: 'aes-gcm' | 'xchacha20' = 'aes-gcm') {
  return buildOnionRequest({
    path: [0, 1, 2].map((index) => network.node(index).pathNode),
    destination: { kind: 'service-node', ...network.node(3).pathNode },
    payload: utf8(PAYLOAD),
    encryption,
    options,
  })
}

const post = async (body: Uint8Array, index = 0, signal = neverAborted()) => {
  const answer = await network.node(index).relay.handleClientRequest(body, signal)
  return { status: answer.status, text: fromUtf8(answer.body), body: answer.body, contentType: answer.contentType }
}

/** Seals `plaintext` for one node, as the only layer there is. */
function oneLayer(plaintext: Uint8Array, index = 0): { body: Uint8Array; replyKey: ReplyKey } {
  const { publicKey } = network.node(index).x25519
  const { layer, key } = sealLayer(plaintext, 'aes-gcm', publicKey, { ephemeral: generateX25519KeyPair() })
  return { body: encodeOuterFrame(layer), replyKey: { key, base64: true } }
}

const ask = (metadata: Record<string, unknown>, blob = '') =>
  oneLayer(encodeCombinedPayload({ blob: utf8(blob), metadata: metadata as Record<string, string> }))

describe('three hops and a destination', () => {
  test.each(['aes-gcm', 'xchacha20'] as const)(
    'carry a request there and its reply back under %s',
    async (encryption) => {
      const { body, replyKey } = build({}, encryption)
      const answer = await post(body)
      expect(answer).toMatchObject({ status: 200, contentType: 'application/octet-stream' })
      expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 200, body: `{"size":${PAYLOAD.length}}` })
      expect([0, 1, 2, 3].map((index) => network.node(index).asked)).toEqual([[], [], [], [PAYLOAD]])
    },
  )

  test('reply in the form that the client asks for', async () => {
    const { body, replyKey } = build({ json: true, base64: false })
    const answer = await post(body)
    expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 200, body: { size: PAYLOAD.length } })
  })

  test('each know the node before and the node after, and nothing else', async () => {
    await post(build().body)
    const keys = [0, 1, 2, 3].map((index) => network.node(index).key)
    expect(network.sent.map(({ from, to }) => [keys.indexOf(from), keys.indexOf(to)])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ])
    for (const [hop, { payload }] of network.sent.entries()) {
      const { plaintext } = openLayer(decodeHopRequest(payload), network.node(hop + 1).x25519)
      const seen = Buffer.from(plaintext).toString('latin1') + Buffer.from(payload).toString('latin1')
      const named = [0, 1, 2, 3].filter((index) => seen.includes(network.node(index).key))
      expect(named).toEqual(hop + 2 <= 3 ? [hop + 2] : [])
      expect(seen.includes(PAYLOAD)).toBe(hop === 2)
    }
  })

  test('hand the reply back unchanged, so only the client can read it', async () => {
    const answer = await post(build().body)
    for (const { answer: handed } of network.sent) {
      expect(decodeHopAnswer(handed as Uint8Array)).toEqual({ status: 200, body: answer.body })
    }
  })

  test('send frames of one size, which does not tell the hops apart', async () => {
    await post(build().body)
    expect(new Set(network.sent.map(({ payload }) => frameSize(payload.length))).size).toBe(1)
    expect(new Set(network.sent.map(({ answer }) => frameSize((answer as Uint8Array).length))).size).toBe(1)
  })

  test('count hops, and each waits a second less than the one before', async () => {
    await post(build().body)
    expect(network.sent.map(({ payload }) => decodeHopRequest(payload).hopNumber)).toEqual([1, 2, 3])
    expect(network.sent.map(({ timeoutMs }) => timeoutMs)).toEqual([30_000, 29_000, 28_000])
  })
})

describe('requests of existing clients', () => {
  test.each(onionRequests)('$name is relayed', async ({ request_b64, path, target, final_payload }) => {
    const seeds = onionVectors.nodes.map((node: { ed25519_seed: string }) => fromHex(node.ed25519_seed))
    await using vectorNetwork = await createRelayNetwork({ seeds })
    const indexOf = (name: string) => Number(name.slice(1))
    const guard = vectorNetwork.node(indexOf(path[0] ?? ''))
    const answer = await guard.relay.handleClientRequest(Buffer.from(request_b64, 'base64'), neverAborted())
    expect(answer.status).toBe(200)
    expect(vectorNetwork.sent.length).toBe(target === 'server' ? path.length - 1 : path.length)
    if (target !== 'server') expect(vectorNetwork.node(indexOf(target)).asked).toEqual([final_payload])
  })
})

describe('a layer that does not open', () => {
  const INVALID = { status: 400, text: 'Invalid ciphertext', contentType: 'text/plain' }

  test('is answered in the same way whichever bit was changed', async () => {
    const { body } = build()
    const layer = decodeOuterFrame(body)
    const { length } = layer.ciphertext
    for (let sample = 0; sample < 64; sample++) {
      const bit = Math.floor((sample * (length * 8 - 1)) / 63)
      const ciphertext = Buffer.from(layer.ciphertext)
      ciphertext.writeUInt8(ciphertext.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(await post(encodeOuterFrame({ ...layer, ciphertext }))).toMatchObject(INVALID)
    }
    expect(network.sent).toEqual([])
  })

  test.each([1, 2, 3])('is refused at node %i, and nothing is handed on from there', async (at) => {
    const { body } = build()
    await using changed = await createRelayNetwork({
      intercept: ({ to, payload }) => {
        if (to !== changed.node(at).key) return undefined
        const layer = decodeHopRequest(payload)
        const ciphertext = Buffer.from(layer.ciphertext)
        ciphertext.writeUInt8(ciphertext.readUInt8(at * 7) ^ 1, at * 7)
        const { from } = changed.sent.at(-1) as { from: ServiceNodeKey }
        return changed.node(at).relay.handleHop(from, encodeHopRequest({ ...layer, ciphertext }), neverAborted())
      },
    })
    const answer = await changed.node(0).relay.handleClientRequest(body, neverAborted())
    expect({ status: answer.status, text: fromUtf8(answer.body) }).toMatchObject({
      status: 400,
      text: 'Invalid ciphertext',
    })
    expect(changed.sent.length).toBe(at)
    expect(changed.node(3).asked).toEqual([])
  })

  test('gets the same answer when it was sealed for another, is cut, is empty, or has a low-order key', async () => {
    const layer = decodeOuterFrame(build().body)
    const others = [
      { ...layer, ephemeralKey: generateX25519KeyPair().publicKey },
      { ...layer, ciphertext: layer.ciphertext.subarray(1) },
      { ...layer, ciphertext: new Uint8Array() },
      { ...layer, encryption: 'xchacha20' as const },
      { ...layer, ephemeralKey: Buffer.alloc(32) as Uint8Array as typeof layer.ephemeralKey },
    ]
    for (const other of others) expect(await post(encodeOuterFrame(other))).toMatchObject(INVALID)
    expect(await post(build().body, 1)).toMatchObject(INVALID)
  })

  test('gets the same answer when it is a replay', async () => {
    const { body } = build()
    const layer = decodeOuterFrame(body)
    const rewritten = Buffer.from(layer.ephemeralKey)
    rewritten.writeUInt8(rewritten.readUInt8(31) ^ 0x80, 31)
    expect((await post(body)).status).toBe(200)
    expect(await post(body)).toMatchObject(INVALID)
    expect(
      await post(encodeOuterFrame({ ...layer, ephemeralKey: rewritten as Uint8Array as typeof layer.ephemeralKey })),
    ).toMatchObject(INVALID)
    expect(network.sent.length).toBe(3)
    expect(network.node(3).asked.length).toBe(1)
  })

  test('gets the same answer when it is a replay of one hop to the next', async () => {
    await post(build().body)
    const { from, payload } = network.sent[1] as { from: ServiceNodeKey; payload: Uint8Array }
    const answer = decodeHopAnswer(await network.node(2).relay.handleHop(from, payload, neverAborted()))
    expect([answer.status, fromUtf8(answer.body)]).toEqual([400, 'Invalid ciphertext'])
    expect(network.sent.length).toBe(3)
  })
})

describe('the plain answers', () => {
  const OTHER = 'ab'.repeat(32)
  const key = (index: number) => network.node(index).key
  const relayTo = (destination: string) => ask({ destination, ephemeral_key: OTHER }).body

  test('say what is wrong with the frame', async () => {
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(2), 'Unexpected payload size; expected ciphertext size'],
      [Buffer.from([9, 0, 0, 0, 1]), 'Unexpected payload size 1, expected >= 9'],
      [Buffer.from([0, 0, 0, 0, 0x7b]), 'invalid json'],
      [encodeCombinedPayload({ blob: utf8(''), metadata: {} }), "'ephemeral_key' must be 64 hex digits"],
      [
        encodeCombinedPayload({ blob: utf8(''), metadata: { ephemeral_key: OTHER, enc_type: 'aes-cbc' } }),
        'unknown encryption type',
      ],
    ]
    for (const [body, detail] of cases) {
      const text = `Error parsing onion request: ${detail}`
      expect(await post(body)).toMatchObject({ status: 400, text, contentType: 'text/plain' })
    }
  })

  test('name the node that is not ready', async () => {
    network.notReady.add(key(2))
    expect(await post(build().body)).toMatchObject({ status: 503, text: `Snode not ready: ${key(2)}` })
    network.notReady.add(key(0))
    expect(await post(build().body)).toMatchObject({ status: 503, text: `Snode not ready: ${key(0)}` })
  })

  test('name the next node that is not a member', async () => {
    expect(await post(relayTo(OTHER.toUpperCase()))).toMatchObject({
      status: 502,
      text: `Next node not found: ${OTHER}`,
    })
  })

  test('name the next node that cannot be reached, and reach no one for a node that names itself', async () => {
    network.unreachable.add(key(3))
    expect(await post(build().body)).toMatchObject({
      status: 502,
      text: `Next node is currently unreachable: ${key(3)}`,
    })
    expect(await post(relayTo(key(0)))).toMatchObject({
      status: 502,
      text: `Next node is currently unreachable: ${key(0)}`,
    })
  })

  test.each([
    ['PEER_UNKNOWN', 502, 'Next node is currently unreachable: <next>'],
    ['PEER_UNREACHABLE', 502, 'Next node is currently unreachable: <next>'],
    ['PEER_TIMEOUT', 504, 'Request time out'],
    ['PEER_BUSY', 503, 'Server busy, try again later'],
    ['PEER_FAILED', 500, 'Invalid response from snode'],
  ] as const satisfies readonly (readonly [PeerRequestErrorCode, number, string])[])(
    'tell what %s means to the client',
    async (code, status, text) => {
      await using failing = await createRelayNetwork({
        intercept: () => Promise.reject(new PeerRequestError(code, 'as the test wants it')),
      })
      const answer = await failing.node(0).relay.handleClientRequest(build().body, neverAborted())
      const expected = text.replace('<next>', failing.node(1).key)
      expect([answer.status, fromUtf8(answer.body)]).toEqual([status, expected])
    },
  )

  test.each([new Uint8Array(), Buffer.alloc(1024), Buffer.alloc(1024, 0xff), utf8('200 OK')])(
    'refuse an answer that is none',
    async (bytes) => {
      await using odd = await createRelayNetwork({ intercept: async () => bytes })
      const answer = await odd.node(0).relay.handleClientRequest(build().body, neverAborted())
      expect([answer.status, fromUtf8(answer.body)]).toEqual([500, 'Invalid response from snode'])
    },
  )

  test.each([
    [429, 'Too Many Requests'],
    [413, 'Request body too large'],
    [401, 'Unauthorized'],
    [201, 'Created'],
    [503, 'Snode not ready: <own>'],
    [503, ' Snode not ready: <OWN>'],
    [502, 'Next node not found: <own>'],
    [500, 'x'.repeat(1025)],
  ])('do not let the next hop say %i "%s" in the name of this node', async (status, text) => {
    const own = key(0)
    const body = utf8(text.replace('<own>', own).replace('<OWN>', own.toUpperCase()))
    await using framing = await createRelayNetwork({ intercept: async () => encodeHopAnswer({ status, body }) })
    const answer = await framing.node(0).relay.handleClientRequest(build().body, neverAborted())
    expect([answer.status, fromUtf8(answer.body)]).toEqual([500, 'Invalid response from snode'])
    expect(await outcomes(framing.node(0))).toEqual(['role="relay",outcome="next_invalid"'])
  })

  test('refuse a path that is too long, at the first hop and further on', async () => {
    const layer = decodeOuterFrame(build().body)
    const numbered = (hopNumber: number) =>
      encodeCombinedPayload({
        blob: layer.ciphertext,
        metadata: { ephemeral_key: toHex(layer.ephemeralKey), hop_no: hopNumber },
      })
    const tooLong = { status: 400, text: 'onion request max path length exceeded' }
    expect(await post(numbered(16))).toMatchObject(tooLong)
    expect(network.sent.length).toBe(0)
    expect(await post(numbered(15))).toMatchObject(tooLong)
    expect(network.sent.length).toBe(1)
  })

  test('refuse a frame between nodes that breaks the protocol', async () => {
    const answer = decodeHopAnswer(await network.node(1).relay.handleHop(key(0), utf8('nonsense'), neverAborted()))
    expect([answer.status, fromUtf8(answer.body)]).toEqual([
      400,
      'Invalid internal onion request: frame shorter than its head',
    ])
  })

  test('refuse requests above the bound, and take them again when there is room', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<{ status: number; body: string }>()
    await using small = await createRelayNetwork({
      rpc: { handleOnionRpc: () => held },
      relay: { clientRequestsMax: 1 },
    })
    const first = small.node(0).relay.handleClientRequest(build().body, neverAborted())
    const second = await small.node(0).relay.handleClientRequest(build().body, neverAborted())
    expect([second.status, fromUtf8(second.body)]).toEqual([503, 'Server busy, try again later'])
    release({ status: 200, body: 'done' })
    expect((await first).status).toBe(200)
    expect((await small.node(0).relay.handleClientRequest(build().body, neverAborted())).status).toBe(200)
  })
})

describe('the sealed answers', () => {
  const reply = async ({ body, replyKey }: { body: Uint8Array; replyKey: ReplyKey }) => {
    const answer = await post(body)
    expect(answer.status).toBe(200)
    return openOnionReply(replyKey, answer.body)
  }

  test('tell the client alone that its layer is not understood', async () => {
    const invalid = { status: 400, body: 'Invalid json' }
    expect(await reply(ask({}))).toEqual(invalid)
    expect(await reply(ask({ destination: 'nobody', ephemeral_key: 'ab'.repeat(32) }))).toEqual(invalid)
    expect(await reply(ask({ destination: 'ab'.repeat(32), ephemeral_key: 'ab'.repeat(32), enc_type: 'cbc' }))).toEqual(
      invalid,
    )
    expect(await reply(ask({ host: 'files.example' }))).toEqual(invalid)
    expect(await reply(oneLayer(utf8('not a payload')))).toEqual(invalid)
  })

  test('refuse every outside server when the operator has named none', async () => {
    const refused = { status: 403, body: 'Server not allowed' }
    for (const host of ['files.example', '127.0.0.1', '[::1]', '169.254.169.254']) {
      expect(await reply(ask({ host, target: '/oxen/v4/lsrpc' }))).toEqual(refused)
    }
    expect(network.sent).toEqual([])
  })

  test('hand the RPC its payload and its status to the client, whatever it is', async () => {
    await using strict = await createRelayNetwork({
      rpc: { handleOnionRpc: async () => ({ status: 421, body: { snodes: [] } }) },
    })
    const { body, replyKey } = build()
    const answer = await strict.node(0).relay.handleClientRequest(body, neverAborted())
    expect(answer.status).toBe(200)
    expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 421, body: '{"snodes":[]}' })
  })

  test('say so when the reply does not fit an answer', async () => {
    await using wordy = await createRelayNetwork({
      rpc: { handleOnionRpc: async () => ({ status: 200, body: 'x'.repeat(ONION_ANSWER_BODY_MAX_BYTES) }) },
    })
    const { body, replyKey } = build()
    const answer = await wordy.node(0).relay.handleClientRequest(body, neverAborted())
    expect(openOnionReply(replyKey, answer.body)).toEqual({
      status: 500,
      body: 'Response too large for an onion request',
    })
  })

  test('say so when the RPC takes too long, and its signal aborts', async () => {
    let aborted = false
    await using slow = await createRelayNetwork({
      relay: { hopTimeoutMs: 20, hopMarginMs: 1 },
      rpc: {
        handleOnionRpc: (_payload, signal) => {
          signal.addEventListener('abort', () => {
            aborted = true
          })
          return new Promise(() => {})
        },
      },
    })
    const { body, replyKey } = build()
    const answer = await slow.node(0).relay.handleClientRequest(body, neverAborted())
    expect(openOnionReply(replyKey, answer.body)).toEqual({ status: 504, body: 'Request time out' })
    expect(aborted).toBe(true)
  })
})

test('a client that goes away frees its place, and the next hop is told', async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  await using slow = await createRelayNetwork({
    rpc: {
      handleOnionRpc: (_payload, signal) => {
        arrive()
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    },
  })
  const client = new AbortController()
  const answer = slow.node(0).relay.handleClientRequest(build().body, client.signal)
  await arrived
  client.abort()
  await answer
  expect(await outcomes(slow.node(3))).toContain('role="final",outcome="aborted"')
  expect(await slow.node(0).registry.expose()).toContain('starling_onion_relay_requests_in_flight 0')
})

test('a fault of the RPC is not hidden, and is counted', async () => {
  await using faulty = await createRelayNetwork({
    rpc: { handleOnionRpc: () => Promise.reject(new TypeError('a bug')) },
  })
  const { body } = ask({ headers: '' }, PAYLOAD)
  await expect(faulty.node(0).relay.handleClientRequest(body, neverAborted())).rejects.toThrow('a bug')
  expect(await outcomes(faulty.node(0))).toContain('role="unknown",outcome="failed"')
})

test('the metrics count each request by what became of it', async () => {
  const { body } = build()
  await post(body)
  await post(body)
  await post(new Uint8Array())
  expect(await outcomes(network.node(0))).toEqual([
    'role="relay",outcome="answered"',
    'role="unknown",outcome="replayed"',
    'role="unknown",outcome="malformed"',
  ])
  expect(await outcomes(network.node(3))).toEqual(['role="final",outcome="answered"'])
})

test('any bytes get a plain answer, from clients and from nodes', async () => {
  const { body } = build()
  const frame = encodeHopRequest({ ...decodeOuterFrame(body), hopNumber: 1 })
  const mutate = (bytes: Uint8Array) =>
    fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 })
      .map((changes) => {
        const copy = Buffer.from(bytes)
        for (const [at, mask] of changes) copy.writeUInt8(copy.readUInt8(at) ^ mask, at)
        return copy
      })
  const { relay } = network.node(0)
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutate(body), fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      expect((await relay.handleClientRequest(bytes, neverAborted())).status).toBeGreaterThanOrEqual(200)
    }),
    { numRuns: 1000 },
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutate(frame), fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      decodeHopAnswer(await relay.handleHop(network.node(1).key, bytes, neverAborted()))
    }),
    { numRuns: 1000 },
  )
})

/** Role and outcome of each counted request. */
async function outcomes({ registry }: RelayNode): Promise<string[]> {
  const text = await registry.expose()
  return [...text.matchAll(/^starling_onion_relay_requests_total\{(.*)\} [1-9]/gm)].map(([, labels]) => labels ?? '')
}
