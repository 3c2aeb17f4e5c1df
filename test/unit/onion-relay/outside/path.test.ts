// Requests to outside servers through whole paths: what the server is given, and what comes back to the client.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../../../src/base/bytes.ts'
import { HOUR } from '../../../../src/base/clock.ts'
import { generateX25519KeyPair, type X25519PublicKey } from '../../../../src/crypto/keys.ts'
import type { OnionRelayOptions, OutsideServerOptions } from '../../../../src/onion-relay/options.ts'
import { REQUEST_MAX_BYTES } from '../../../../src/protocol/limits.ts'
import type { EncryptionType } from '../../../../src/protocol/onion/encryption.ts'
import { sealLayer } from '../../../../src/protocol/onion/layer.ts'
import { encodeServerContent } from '../../../../src/protocol/onion/layer-content.ts'
import { encodeOuterFrame } from '../../../../src/protocol/onion/outer-frame.ts'
import { buildOnionRequest } from '../../../../src/protocol/onion/request.ts'
import { openOnionReply, openSealedReply } from '../../../../src/protocol/onion/response.ts'
import { FILE_MAX_BYTES, startFileServer, versionFour } from '../../../support/file-server.ts'
import { startWebServer } from '../../../support/web-server.ts'
import { createRelayNetwork, neverAborted, type RelayNetwork } from '../relay-network.ts'
import { localOptions, startSink, TARGET } from './servers.ts'

const someServer = generateX25519KeyPair().publicKey

let network: RelayNetwork
beforeAll(async () => {
  network = await exits()
})
afterAll(() => network[Symbol.asyncDispose]())

const exits = (outside: Partial<OutsideServerOptions> = {}, relay: Partial<OnionRelayOptions> = {}) =>
  createRelayNetwork({ relay: { outside: { ...localOptions, ...outside }, ...relay } })

interface Wanted {
  readonly port: number
  readonly payload?: Uint8Array
  readonly encryption?: EncryptionType
  readonly hops?: number
  readonly target?: string
  readonly x25519?: X25519PublicKey
}

function build(
  { port, payload = utf8('hello'), encryption = 'aes-gcm', hops = 3, target = TARGET, x25519 = someServer }: Wanted,
  on = network,
) {
  return buildOnionRequest({
    path: Array.from({ length: hops }, (_, index) => on.node(index).pathNode),
    destination: { kind: 'server', host: '127.0.0.1', port, protocol: 'http', target, x25519 },
    payload,
    encryption,
  })
}

const post = (body: Uint8Array, on = network) => on.node(0).relay.handleClientRequest(body, neverAborted())

async function ask(wanted: Wanted, on = network) {
  const { status, body } = await post(build(wanted, on).body, on)
  return [status, fromUtf8(body)]
}

describe('through three hops', () => {
  test.each(['aes-gcm', 'xchacha20'] as const)(
    'a request with NUL bytes gets to the server unchanged under %s, and so does the answer',
    async (encryption) => {
      const payload = versionFour('{"method":"POST","endpoint":"/file"}', Buffer.from([0, 0, 1, 0, 255, 0]))
      const reply = versionFour('{"code":200}', Buffer.from([0, 7, 0]))
      await using files = await startFileServer(reply)
      const { body, replyKey } = build({ port: files.port, x25519: files.x25519, payload, encryption })
      const answer = await post(body)
      expect(answer).toMatchObject({ status: 200, contentType: 'application/octet-stream' })
      expect(Buffer.from(openSealedReply(replyKey, answer.body)).equals(reply)).toBe(true)
      expect(files.opened.map((opened) => Buffer.from(opened).equals(payload))).toEqual([true])
      expect(files.requests[0]?.url).toBe(TARGET)
    },
  )

  test('the largest file goes up and comes down', async () => {
    const file = randomBytes(FILE_MAX_BYTES)
    const payload = versionFour('{"method":"POST","endpoint":"/file"}', file)
    const reply = versionFour('{"code":200}', file)
    await using files = await startFileServer(reply)
    const { body, replyKey } = build({ port: files.port, x25519: files.x25519, payload })
    expect(body.length).toBeLessThanOrEqual(REQUEST_MAX_BYTES)
    const answer = await post(body)
    expect(answer.status).toBe(200)
    expect(Buffer.from(openSealedReply(replyKey, answer.body)).equals(reply)).toBe(true)
    expect(files.opened.map((opened) => Buffer.from(opened).equals(payload))).toEqual([true])
  })

  test.each([
    [400, 'Bad frame', [400, 'Bad frame']],
    [502, 'nginx', [502, 'nginx']],
    // Between nodes, only statuses that nodes have are handed back.
    [404, 'Not here', [500, 'Invalid response from snode']],
    [302, '', [500, 'Invalid response from snode']],
    [503, 'x'.repeat(1_025), [500, 'Invalid response from snode']],
  ])('a status %i of the server comes back as far as hops may say it', async (status, text, expected) => {
    await using web = await startWebServer((_request, response) => response.writeHead(status).end(text))
    expect(await ask({ port: web.port })).toEqual(expected)
  })
})

test.each([
  [404, 'Not here'],
  [302, ''],
  [500, 'x'.repeat(5_000)],
])('a first hop that is the exit hands the status %i back as it is', async (status, text) => {
  await using web = await startWebServer((_request, response) => response.writeHead(status).end(text))
  expect(await ask({ port: web.port, hops: 1 })).toEqual([status, text])
})

test.each(['Next node not found: <key>', 'Snode not ready: <key>', 'Next node is currently unreachable: <KEY>'])(
  'a server cannot say "%s" in the name of a node',
  async (text) => {
    const { key } = network.node(1)
    const said = text.replace('<key>', key).replace('<KEY>', key.toUpperCase())
    await using web = await startWebServer((_request, response) => response.writeHead(502).end(said))
    for (const hops of [1, 3]) {
      expect(await ask({ port: web.port, hops })).toEqual([502, 'Invalid response from outside server'])
    }
  },
)

test('what keeps the exit from the server is said in clear, without where and why', async () => {
  await using silent = await startSink(() => {})
  await using mute = await startSink()
  expect(await ask({ port: mute.port })).toEqual([502, 'Outside server cannot be reached'])

  await using hasty = await exits({ timeoutMs: 50 })
  expect(await ask({ port: silent.port }, hasty)).toEqual([504, 'Outside server did not answer in time'])
  await using narrow = await exits({ answerMaxBytes: 10 })
  await using wordy = await startWebServer((_request, response) => response.end('eleven bytes'))
  expect(await ask({ port: wordy.port }, narrow)).toEqual([502, 'Invalid response from outside server'])
  await using full = await exits({ requestsMax: 0 })
  expect(await ask({ port: wordy.port }, full)).toEqual([503, 'Server busy, try again later'])

  await using safe = await exits({ allowPrivateAddresses: false })
  expect(await ask({ port: wordy.port }, safe)).toEqual([502, 'Outside server cannot be reached'])
  const counted = await safe.node(2).registry.expose()
  expect(counted).toMatch(/requests_total\{role="server",outcome="server_address_refused"\} 1/)
})

test('a server gets no more time than the exit’s place on the path leaves', async () => {
  await using silent = await startSink(() => {})
  await using short = await exits({ timeoutMs: HOUR }, { hopTimeoutMs: 60, hopMarginMs: 20 })
  expect(await ask({ port: silent.port }, short)).toEqual([504, 'Outside server did not answer in time'])
})

test.each([
  ['the target', { target: '/etc/passwd' }, { status: 400, body: 'Invalid url' }],
  ['the protocol', { protocol: 'ftp' }, { status: 400, body: 'Invalid url' }],
  ['the host', { host: '0x7f.1' }, { status: 400, body: 'Invalid url' }],
  ['the list', { host: 'unlisted' }, { status: 403, body: 'Server not allowed' }],
])('that %s is not allowed is told to the client alone', async (_what, change, expected) => {
  const address = { host: '127.0.0.1', port: 80, protocol: 'http', target: TARGET, ...change }
  const forServer = sealLayer(utf8('x'), 'aes-gcm', someServer, { ephemeral: generateX25519KeyPair() })
  const { layer, key } = sealLayer(
    encodeServerContent(address, forServer.layer),
    'xchacha20',
    network.node(0).x25519.publicKey,
    { ephemeral: generateX25519KeyPair() },
  )
  const answer = await post(encodeOuterFrame(layer))
  expect(answer.status).toBe(200)
  expect(openOnionReply({ key, base64: true }, answer.body)).toEqual(expected)
})
