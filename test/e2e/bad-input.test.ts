// Whatever comes in at whichever entry, the same process goes on and keeps what it holds.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodesThatHold } from '../../devnet/copies.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { callNode, listFrom } from '../../devnet/node-request.ts'
import type { Operator } from '../../devnet/stakes.ts'
import { networkOf } from '../../devnet/swarms.ts'
import { catalogue } from '../../scripts/monitoring/catalogue.ts'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { createClient, type MessageHash, storeRequest } from '../../src/client/index.ts'
import { generateEd25519KeyPair, generateX25519KeyPair, type X25519PublicKey } from '../../src/crypto/keys.ts'
import { encodeCombinedPayload } from '../../src/protocol/onion/combined-payload.ts'
import { sealLayer } from '../../src/protocol/onion/layer.ts'
import { encodeOuterFrame } from '../../src/protocol/onion/outer-frame.ts'
import { openOnionReply } from '../../src/protocol/onion/response.ts'
import { encodeFrame } from '../../src/protocol/peer-api/frame.ts'
import { serviceNodeKey } from '../../src/protocol/service-node.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { layerKeysOf } from '../support/node-keys.ts'
import { readMetrics, readReadiness } from '../support/node-metrics.ts'
import { newAccount } from '../support/people.ts'
import { requestRaw, sendTcp, sendTls } from '../support/raw-connection.ts'
import { Stranger } from '../support/stranger.ts'
import { type Behaviour, type RpcProxy, startRpcProxy } from '../unit/staking/rpc-proxy.ts'

const NODES = 4
const MESSAGES = 5
const MEBIBYTE = 1024 * 1024
/** A node at rest has some 150 MiB; rubbish of ten times as much must not stay. */
const GROWTH_MAX_BYTES = 300 * MEBIBYTE

/** Far from what Prometheus minds, and from what a label with a value for each client or node would make of it. */
const SERIES_MAX = 1_000
const HISTOGRAM_PARTS = ['_bucket', '_sum', '_count']

let devnet: Devnet & { folder: string }
let target: DevnetNode
let targetKey: X25519PublicKey
let chain: RpcProxy
let operator: Operator
let pid: number
let residentBytes: number
const bob = newAccount()
const hashes: MessageHash[] = []

beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, epochLengthS: 2, logLevel: 'debug' })
  target = devnet.nodes[1] as DevnetNode
  targetKey = (await layerKeysOf([target])).get(target.key)?.publicKey as X25519PublicKey
  operator = await devnet.createOperator(NODES + 1)
  await devnet.chain.register(operator)
  chain = await startRpcProxy(devnet.chain.anvil.rpcUrl)
  await restartBehind(chain.url)
  pid = target.runner.pid as number
  residentBytes = residentBytesOf(pid)
  await using client = createClient({ seeds: [devnet.seed], account: newAccount() })
  for (let at = 0; at < MESSAGES; at++) hashes.push((await client.sendMessage(bob.id, `Message ${at}`)).hash)
})

afterAll(async () => {
  await devnet?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

describe('HTTPS bodies', () => {
  const RPC = '/storage_rpc/v1'
  const text = (value: string) => [utf8(value)]
  const account = bob.id

  test.each<readonly [string, readonly Uint8Array[], Readonly<Record<string, string>>, number]>([
    ['nothing', [], {}, 400],
    ['random bytes', [randomBytes(1000)], {}, 400],
    ['torn JSON', text('{"method":"info","params":{'), {}, 400],
    ['100,000 brackets', text('['.repeat(100_000)), {}, 400],
    ['objects in objects', text(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), {}, 400],
    ['60,000 values', text(`{"method":"info","params":{"a":[${'1,'.repeat(60_000)}1]}}`), {}, 400],
    ['a number for the method', text('{"method":1,"params":{}}'), {}, 400],
    ['a list for the parameters', text('{"method":"store","params":[]}'), {}, 400],
    ['an unknown method', text('{"method":"__proto__","params":{}}'), {}, 400],
    ['a number for the account', text('{"method":"store","params":{"pubkey":5}}'), {}, 400],
    ['half an account', text('{"method":"get_swarm","params":{"pubkey":"05ab"}}'), {}, 400],
    ['words for numbers', text(`{"method":"retrieve","params":{"pubkey":"${account}","namespace":"x"}}`), {}, 400],
    ['a batch in a batch', text('{"method":"batch","params":{"requests":[{"method":"batch","params":{}}]}}'), {}, 400],
    ['11 MiB', [Buffer.alloc(11 * MEBIBYTE)], { 'Content-Length': String(11 * MEBIBYTE) }, 413],
    ['11 MiB in chunks', Array.from({ length: 11 }, () => Buffer.alloc(MEBIBYTE)), {}, 413],
    ['compressed', text('{"method":"info","params":{}}'), { 'Content-Encoding': 'gzip' }, 415],
  ])('of %s are refused', async (_what, body, headers, status) => {
    const answer = await requestRaw(target, { path: RPC, headers, body })
    // A node that refuses a body before its end may be gone before its answer has been read.
    expect([status, ...(status === 413 ? [0] : [])]).toContain(answer.status)
    await expectAlive()
  })

  test.each([RPC, '/json_rpc', '/onion_req/v2'])(
    'of any bytes get an answer that blames the client at %s',
    async (path) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (body) => {
          expect((await requestRaw(target, { path, body: [body] })).status).toBeOneOf([200, 400])
        }),
        { numRuns: 60 },
      )
    },
  )

  test('that were valid before a byte changed are answered, and never as a fault of the node', async () => {
    const data = utf8('Some bytes to store')
    const request = storeRequest({ account, namespace: 0, data, timestampMs: Date.now(), ttlMs: 60_000 }, undefined)
    const valid = utf8(JSON.stringify(request))
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.nat(255), async (at, byte) => {
        const { status } = await requestRaw(target, { path: RPC, body: [valid.with(at, byte)] })
        expect(status).toBeOneOf([200, 400, 401, 403, 406, 421])
      }),
      { numRuns: 100 },
    )
  })

  test.each(['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd', `${RPC}/../../etc/passwd`, '/*', '/?a'])(
    'and the path %s lead nowhere',
    async (path) => {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const { status, text: said } = await requestRaw(target, { method, path })
        expect(status).toBe(404)
        expect(said).not.toContain('root:')
      }
    },
  )

  test.each([
    ['no HTTP', 'BOGUS\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'two lengths',
      `POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      `POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    ['endless headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ])('in requests of %s are refused', async (_what, bytes, says) => {
    expect(await sendTls(target, utf8(bytes))).toMatch(says)
    await expectAlive()
  })
})

describe('onion frames', () => {
  const post = (body: Uint8Array) => requestRaw(target, { path: '/onion_req/v2', body: [body] })
  const sealed = (plaintext: Uint8Array) =>
    sealLayer(plaintext, 'aes-gcm', targetKey, { ephemeral: generateX25519KeyPair() })

  test('torn at any place are refused', async () => {
    const frame = encodeOuterFrame(sealed(encodeCombinedPayload({ blob: utf8('x'), metadata: { headers: {} } })).layer)
    for (let length = 0; length < frame.length; length += 3) {
      expect((await post(frame.subarray(0, length))).status).toBe(400)
    }
  })

  test.each([
    ['a length beyond all bounds', Buffer.concat([Buffer.alloc(4, 0xff), Buffer.alloc(100)])],
    ['no metadata', Buffer.from('00000000', 'hex')],
    ['metadata that is a list', Buffer.from(`00000000${toHex(utf8('[]'))}`, 'hex')],
    ['metadata that is too deep', Buffer.from(`00000000${toHex(utf8('['.repeat(5000)))}`, 'hex')],
    ['too much metadata', Buffer.concat([Buffer.alloc(4), Buffer.alloc(9000, 0x20)])],
    ['an ephemeral key that gives everybody’s secret', withMetadata({ ephemeral_key: '00'.repeat(32) })],
    ['an ephemeral key of another kind', withMetadata({ ephemeral_key: 5 })],
    ['an unknown cipher', withMetadata({ ephemeral_key: '11'.repeat(32), enc_type: 'aes-cbc' })],
    ['too many hops', withMetadata({ ephemeral_key: '11'.repeat(32), hop_no: 1e9 })],
  ])('with %s are refused', async (_what, body) => {
    expect((await post(body)).status).toBe(400)
    await expectAlive()
  })

  test('whose opened layer is rubbish are refused under the client’s own key', async () => {
    const rubbish = [randomBytes(200), Buffer.alloc(0), withMetadata({}), withMetadata({ destination: 'nobody' })]
    for (const plaintext of rubbish) {
      const { layer, key } = sealed(plaintext)
      const { status, text: said } = await post(encodeOuterFrame(layer))
      expect(status).toBe(200)
      expect(openOnionReply({ key, base64: true }, utf8(said)).status).toBe(400)
    }
  })

  test('that ask for another server are refused, whatever the server', async () => {
    const { layer, key } = sealed(withMetadata({ host: '127.0.0.1', target: '/', port: 1, protocol: 'http' }))
    const { text: said } = await post(encodeOuterFrame(layer))
    expect(openOnionReply({ key, base64: true }, utf8(said)).body).toBe('Invalid url')
  })
})

describe('the HTTPS port', () => {
  test('ends connections that bring no TLS, or half of a handshake', async () => {
    const halfHello = Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), randomBytes(40)])
    const rubbish = [
      randomBytes(2000),
      utf8('GET / HTTP/1.1\r\n\r\n'),
      halfHello,
      halfHello.subarray(0, 5),
      Buffer.alloc(0),
    ]
    const many = Array.from({ length: 10 }, () => rubbish).flat()
    await Promise.all(many.map((bytes) => sendTcp(target.ip, target.httpsPort, [bytes])))
    await expectAlive()
    expect((await readMetrics(target)).sum('starling_rpc_rejected_total', { reason: 'tls' })).toBeGreaterThan(0)
  })
})

describe('the port for other nodes', () => {
  const port = () => Number(target.multiaddr.split('/')[4])

  test('ends connections that bring no handshake, or half of one', async () => {
    const multistream = Buffer.concat([Buffer.from([19]), utf8('/multistream/1.0.0\n')])
    const noise = Buffer.concat([multistream, Buffer.from([7]), utf8('/noise\n')])
    const rubbish: Uint8Array[][] = [
      [randomBytes(2000)],
      [multistream, randomBytes(500)],
      [multistream, Buffer.alloc(10, 0xff)],
      [noise, Buffer.from('ffff', 'hex'), randomBytes(3000)],
      [noise, Buffer.from('0020', 'hex'), randomBytes(32)],
      [noise],
      [],
    ]
    // The node waits for most of them until its patience ends, and takes only so many connections a second from one address.
    await Promise.all(rubbish.map((chunks, at) => sendTcp(target.ip, port(), chunks, `127.9.8.${at + 1}`)))
    await expectAlive()
  })

  test('refuses whoever has no stake', async () => {
    await using stranger = await Stranger.create(generateEd25519KeyPair(), networkOf(devnet.chain))
    expect(await stranger.ask(target.multiaddr, 'onion', new Uint8Array(8))).toBeUndefined()
  })

  test('ends streams on which a member breaks the protocol, and hears the same member again', async () => {
    const { ed25519 } = operator.keys
    await eventually('the member is on the list', async () =>
      (await listFrom(target)).find(({ key }) => key === serviceNodeKey(ed25519.publicKey)),
    )
    await using member = await Stranger.create(ed25519, networkOf(devnet.chain))
    const huge = Buffer.from(encodeFrame({ kind: 'request', id: 1, timeoutMs: 1000, payload: new Uint8Array(8) }))
    huge.writeUInt32BE(0xffffffff, 9)
    const wrongSide = encodeFrame({ kind: 'response', id: 1, payload: new Uint8Array(8) })
    const broken = [[huge], [Buffer.alloc(100, 0xff)], [wrongSide], [Buffer.alloc(13)]]
    for (const chunks of broken) {
      const before = (await readMetrics(target)).sum('starling_network_broken_streams_total', { reason: 'protocol' })
      expect(await member.sendRaw(target.multiaddr, 'onion', chunks)).toBeUndefined()
      const after = (await readMetrics(target)).sum('starling_network_broken_streams_total', { reason: 'protocol' })
      expect(after).toBe(before + 1)
    }
    for (const protocol of ['onion', 'forward', 'records']) {
      // A node takes only so many connections a second from one address, and drops the rest unheard.
      await eventually(`the node answers ${protocol}`, () => member.ask(target.multiaddr, protocol, randomBytes(300)))
    }
    await expectAlive()
  })
})

describe('answers of the chain', () => {
  const garbled: readonly (readonly [string, Behaviour])[] = [
    ['no JSON', { kind: 'text', text: '<html>Bad gateway</html>' }],
    ['an error of the server', { kind: 'text', text: '', status: 502 }],
    ['a result of another kind', { kind: 'text', text: '{"jsonrpc":"2.0","id":1,"result":{"a":[1]}}' }],
    ['random bytes for results', { kind: 'lying', lie: () => `0x${randomBytes(96).toString('hex')}` }],
    ['no end', { kind: 'endless' }],
    ['a hang-up', { kind: 'down' }],
  ]

  test.each(garbled)('with %s leave the last list in force, until they make sense again', async (_what, behaviour) => {
    const list = await listFrom(target)
    expect(list).toHaveLength(NODES + 1)
    const asked = chain.methods.length
    chain.behaviour = behaviour
    await eventually('the node has asked the chain', () => (chain.methods.length > asked + 1 ? true : undefined))
    expect((await readReadiness(target)).status).toBe(200)
    expect((await listFrom(target)).map(({ key }) => key)).toEqual(list.map(({ key }) => key))
    const stored = await callNode(target, 'store', storeOf('While the chain tells nonsense').params)
    expect(stored.status).toBe(200)
    await expectAlive()

    const epoch = await epochOf(target)
    chain.behaviour = { kind: 'honest' }
    await eventually('a new epoch began', async () => ((await epochOf(target)) > epoch ? true : undefined))
  })
})

describe('after all of it', () => {
  test('the same process has all its messages, no fault of its own, and no more memory than it needs', async () => {
    await expectAlive()
    for (const hash of hashes) expect(await nodesThatHold(hash, bob, [target])).toEqual([target])
    expect((await readMetrics(target)).sum('starling_rpc_local_failures_total')).toBe(0)
    const log = readFileSync(target.logPath, 'utf8')
    expect(log).not.toMatch(/nobody foresaw|A fault of the program/)
    await eventually('connections are given back', async () =>
      (await readMetrics(target)).sum('starling_rpc_connections') <= 5 ? true : undefined,
    )
    expect(residentBytesOf(pid) - residentBytes).toBeLessThan(GROWTH_MAX_BYTES)
  })

  test('its metrics are those that are documented, in few series, none of which names anybody', async () => {
    const { text } = await readMetrics(target)
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(series.length).toBeGreaterThan(300)
    expect(series.length).toBeLessThan(SERIES_MAX)
    for (const line of series) {
      const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
      const metric = catalogue.find(
        (one) => one.name === name || HISTOGRAM_PARTS.some((part) => one.name + part === name),
      )
      const given = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== 'le')
      expect([line, given.map(([, label]) => label).toSorted()]).toEqual([line, metric?.labels.toSorted()])
      // Neither keys nor addresses nor hashes.
      expect(given.filter(([, , value = '']) => /[0-9a-f]{16}|\d+\.\d+\.\d+\.\d+|[\w+/-]{40}/i.test(value))).toEqual([])
    }
    const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    if (lint.error === undefined) expect(`${lint.stdout}${lint.stderr}`).toBe('')
    else console.warn('SKIPPED in part: promtool is not there (Debian: apt-get install prometheus)')
  })

  test('a message still goes the whole way', async () => {
    const alice = newAccount()
    await using sender = createClient({ seeds: [devnet.seed], account: alice })
    const { hash } = await sender.sendMessage(bob.id, 'After the storm')
    await using reader = createClient({ seeds: [devnet.seed], account: bob })
    const { messages } = await reader.receiveMessages()
    expect(messages.find((message) => message.hash === hash)).toMatchObject({ text: 'After the storm', from: alice.id })
    expect(await nodesThatHold(hash, bob, [target])).toEqual([target])
  })
})

/** Puts the proxy between the node and its chain, as an operator would: by its configuration. */
async function restartBehind(url: string): Promise<void> {
  await target.runner.stop('SIGTERM')
  const path = join(target.folder, 'starling.yml')
  const configuration = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...configuration, 'staking.rpcUrls': [url] }))
  await devnet.start(target)
}

async function expectAlive(): Promise<void> {
  expect(target.runner.pid).toBe(pid)
  expect(target.runner.running).toBe(true)
  expect((await callNode(target, 'info', {})).status).toBe(200)
}

async function epochOf(node: DevnetNode): Promise<number> {
  return (await readMetrics(node)).sum('starling_staking_epoch_index')
}

function storeOf(content: string) {
  const data = utf8(content)
  return storeRequest({ account: bob.id, namespace: 0, data, timestampMs: Date.now(), ttlMs: 60_000 }, undefined)
}

function withMetadata(metadata: Parameters<typeof encodeCombinedPayload>[0]['metadata']): Uint8Array {
  return encodeCombinedPayload({ blob: randomBytes(60), metadata })
}

function residentBytesOf(process: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}
