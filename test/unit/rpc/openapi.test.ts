// docs/protocol/openapi.yaml against nodes that run: what it says is what they answer, over real HTTPS, to requests that are right,
// wrong, and made up at random; and nothing it says goes unanswered.
import { once } from 'node:events'
import { Validator } from '@seriousme/openapi-schema-validator'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { toBase64 } from '../../../src/base/bytes.ts'
import { HOUR } from '../../../src/base/clock.ts'
import { CodedError } from '../../../src/base/coded-error.ts'
import type { Rate } from '../../../src/base/rate-limiter.ts'
import { PARSERS } from '../../../src/protocol/client-api/methods.ts'
import { SUBACCOUNT_READ, subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/protocol/json.ts'
import { buildOnionRequest, type OnionPathNode } from '../../../src/protocol/onion/request.ts'
import { openOnionReply } from '../../../src/protocol/onion/response.ts'
import { PeerRequestError } from '../../../src/protocol/peer-api/peer-request-error.ts'
import { REFUSAL_STATUS } from '../../../src/rpc/error-response.ts'
import { defaultMonitorOptions } from '../../../src/rpc/monitor/options.ts'
import type { RpcOptions } from '../../../src/rpc/options.ts'
import type { RpcComponents } from '../../../src/rpc/rpc-handler.ts'
import { createRelayNetwork } from '../onion-relay/relay-network.ts'
import { readToEnd, startTestServer, type TestServer } from './https-fixture.ts'
import { jsonForm, startMonitorNetwork, subscription } from './monitor-fixture.ts'
import { AnswerChecker, METHODS, OPENAPI, OPENAPI_TEXT, operations, schemaComplaint } from './openapi-document.ts'
import { changedRequests, isBeyondSchemas, misshapen } from './openapi-requests.ts'
import { EXAMPLES, type Example, SEED_REQUEST } from './protocol-examples.ts'
import {
  createProtocolNetwork,
  type MethodRequest,
  type ProtocolNetwork,
  type ProtocolReply,
  protocolReply,
} from './protocol-network.ts'
import { anAccount, NO_SWARMS, START_MS } from './rpc-fixture.ts'

const checker = new AnswerChecker()
const [alice, bob] = [anAccount(1), anAccount(2)]
const swarmMethods = ['delete', 'delete_all', 'delete_before', 'expire', 'expire_all', 'store'] as const
const revocationMethods = ['revoke_subaccount', 'unrevoke_subaccount'] as const
let protocol: ProtocolNetwork

beforeAll(async () => {
  protocol = await createProtocolNetwork({ rpc: unlimited() })
})

afterAll(() => protocol[Symbol.asyncDispose]())

describe('the document', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate(OPENAPI_TEXT)).toEqual({ valid: true })
  })

  test('has every method of the method table, its aliases, and no other', () => {
    expect(Object.keys(METHODS).toSorted()).toEqual(Object.keys(PARSERS).toSorted())
    const aliases = Object.values(METHODS).flatMap((method) => method.aliases ?? [])
    expect(aliases).toEqual(['get_snodes_for_pubkey'])
    const mapped = Object.keys(OPENAPI.components.schemas['Request']?.discriminator?.mapping ?? {})
    expect(mapped.toSorted()).toEqual([...Object.keys(PARSERS), ...aliases].toSorted())
  })

  test('has every status that a refusal can have, and no other but those of the entry itself', () => {
    const responses = OPENAPI.paths['/storage_rpc/v1']?.['post']?.responses ?? {}
    const ofRefusals = Object.values(REFUSAL_STATUS).map(String)
    // Done, nothing deleted, long polling, compressed, another swarm, headers too large.
    const ofTheEntry = ['200', '404', '410', '415', '421', '431']
    expect(Object.keys(responses)).toEqual([...new Set([...ofRefusals, ...ofTheEntry])].toSorted())
  })
})

describe('requests', () => {
  test.each(EXAMPLES)('the example $name fits, and so does its answer', async ({ asked, method, params }) => {
    expect(schemaComplaint('Request', { method, params })).toBeUndefined()
    const reply = await protocol.call({ method, params }, asked)
    expect(checker.methodComplaint(method, reply)).toBeUndefined()
  })

  test('the examples in the document are answered', async () => {
    for (const request of OPENAPI.components.schemas['Request']?.examples ?? []) {
      expect(schemaComplaint('Request', request)).toBeUndefined()
      const { method, params } = request as MethodRequest
      const reply = await protocol.call({ method, params })
      expect([reply.status, checker.methodComplaint(method, reply)]).toEqual([200, undefined])
    }
    const nodes = await protocol.call({ method: 'active_nodes_bin', params: {} })
    expect(checker.methodComplaint('active_nodes_bin', nodes)).toBeUndefined()
    expect(nodes).toMatchObject({ status: 200, contentType: 'application/octet-stream' })
  })

  test('whatever a request is changed to, its answer fits, and the node takes it if the schema does', async () => {
    await fc.assert(
      fc.asyncProperty(changedRequests, async ({ asked, method, params }) => {
        const reply = await protocol.call({ method, params }, asked)
        expect(checker.methodComplaint(method, reply)).toBeUndefined()
        const isRefused = reply.status === 400 && !isBeyondSchemas(String(reply.body))
        const misfit = schemaComplaint('Request', JSON.parse(JSON.stringify({ method, params })))
        if (isRefused) expect(misfit, String(reply.body)).toBeDefined()
        if (reply.status !== 400) expect(misfit).toBeUndefined()
      }),
      { numRuns: 600 },
    )
  })

  test('a part of a batch is answered as its method would be', async () => {
    for (const { method, params } of EXAMPLES.filter((example) => example.method === 'batch')) {
      const { body } = await protocol.call({ method, params })
      const { requests } = params as { requests: readonly MethodRequest[] }
      const { results } = body as { results: readonly { code: number; body: JsonValue }[] }
      for (const [at, { body: part, code }] of results.entries()) {
        const of = requests[at]?.method ?? ''
        // Over HTTPS it would be bytes.
        if (of === 'active_nodes_bin') continue
        const contentType = typeof part === 'string' ? 'text/plain' : 'application/json'
        expect(checker.methodComplaint(of, { status: code, contentType, headers: {}, body: part })).toBeUndefined()
      }
      expect(results).toHaveLength(requests.length)
    }
  })

  test('an answer with a field more, less or renamed does not fit', async () => {
    for (const { asked, method, params } of EXAMPLES) {
      const reply = await protocol.call({ method, params }, asked)
      if (!isJsonObject(reply.body)) continue
      for (const body of misshapen(method, reply.body)) {
        expect(checker.methodComplaint(method, { ...reply, body }), JSON.stringify(body)).toBeDefined()
      }
    }
  })
})

describe('answers that take more to come by', () => {
  test('the account of another swarm, a past moment and a wrong signature, for every method that has them', async () => {
    for (const example of EXAMPLES.filter(({ params }) => 'pubkey' in params)) {
      const { method, params } = example
      const elsewhere = await protocol.call({ method, params }, 'outsider')
      expect(checker.methodComplaint(method, elsewhere)).toBeUndefined()
      for (const change of [
        { signature: 'A'.repeat(86) },
        { timestamp: START_MS - HOUR },
        { expiry: START_MS - HOUR },
        { before: START_MS + HOUR },
        { ttl: 1 },
      ]) {
        const [field = ''] = Object.keys(change)
        if (!(field in params)) continue
        const reply = await protocol.call({ method, params: { ...params, ...change } })
        expect(checker.methodComplaint(method, reply)).toBeUndefined()
      }
    }
    const { params } = namedExample('monitor')
    for (const change of [{ s: 'A'.repeat(86) }, { t: 0 }]) {
      const reply = await protocol.call({ method: 'monitor', params: { ...params, ...change } })
      expect(checker.methodComplaint('monitor', reply)).toBeUndefined()
    }
    const elsewhere = await protocol.call({ method: 'monitor', params }, 'outsider')
    expect(checker.methodComplaint('monitor', elsewhere)).toBeUndefined()
    const late = { ...namedExample('store, signed').params, sig_timestamp: START_MS - HOUR }
    expect(checker.methodComplaint('store', await protocol.call({ method: 'store', params: late }))).toBeUndefined()
  })

  test.each([
    [new Error('Broken'), 500],
    [new CodedError('BUSY', 'Queue of 4096'), 503],
  ])('%s, on every member and on one alone', async (error, status) => {
    await using broken = await createProtocolNetwork({ components: failing(error) })
    for (const method of [...swarmMethods, ...revocationMethods]) {
      const reply = await broken.call(anExampleOf(method))
      expect([reply.status, checker.methodComplaint(method, reply)]).toEqual([status, undefined])
    }
    const reply = await broken.call(namedExample('retrieve'))
    expect([reply.status, checker.methodComplaint('retrieve', reply)]).toEqual([status, undefined])
  })

  test('members that fail in each way stand beside one that does not', async () => {
    await using partly = await createProtocolNetwork()
    for (const fault of ['timeout', 'unreachable', Buffer.from('not json')] as const) {
      for (const { key } of partly.network.nodes) partly.network.faults.set(key, fault)
      const reply = await partly.call(namedExample('store'))
      expect([reply.status, checker.methodComplaint('store', reply)]).toEqual([200, undefined])
    }
  })

  test('storage that is full', async () => {
    await using full = await createProtocolNetwork({ storage: { accountMessagesMax: 0, revocationListsMax: 0 } })
    for (const method of ['store', 'revoke_subaccount']) {
      const reply = await full.call(anExampleOf(method))
      expect([reply.status, checker.methodComplaint(method, reply)]).toEqual([507, undefined])
    }
  })

  test('more requests than one account may make', async () => {
    await using limited = await createProtocolNetwork({ rpc: rates({ burst: 0, perSecond: 1 }) })
    const reading = ['retrieve', 'get_expiries', 'monitor', 'revoked_subaccounts'] as const
    const methods = [...swarmMethods, ...revocationMethods, ...reading]
    for (const method of methods) {
      const reply = await limited.call(anExampleOf(method))
      expect([reply.status, checker.methodComplaint(method, reply)]).toEqual([429, undefined])
    }
  })

  test('a node that is not ready, and one that knows no swarms', async () => {
    await using starting = await createProtocolNetwork()
    starting.network.reasons.push('not in any swarm')
    const reply = await starting.call({ method: 'info', params: {} })
    expect([reply.status, checker.methodComplaint('info', reply)]).toEqual([503, undefined])

    await using lost = await createProtocolNetwork({ components: { swarm: NO_SWARMS } })
    for (const method of ['get_swarm', 'active_nodes_bin', 'oxend_request']) {
      const unknown = await lost.call(anExampleOf(method))
      expect([unknown.body, checker.methodComplaint(method, unknown)]).toEqual(['No swarms known!', undefined])
    }
    expectFits('/json_rpc', 'post', 200, await lost.post('/json_rpc', JSON.stringify(SEED_REQUEST)))
  })

  test('a seed answers and refuses with 200', async () => {
    expect(schemaComplaint('JsonRpcRequest', SEED_REQUEST)).toBeUndefined()
    for (const body of [JSON.stringify(SEED_REQUEST), '', '[]', '{"method":"get_info"}', '{"method":"sign_reward"}']) {
      expectFits('/json_rpc', 'post', 200, await protocol.post('/json_rpc', body))
    }
  })

  test('a browser that asks whether a page may send something', async () => {
    const headers = { origin: 'https://example.org', 'access-control-request-method': 'POST' }
    await using limited = await startTestServer({ rateBurst: 0 })
    for (const route of ['/storage_rpc/v1', '/onion_req/v2', '/json_rpc']) {
      const options = { method: 'OPTIONS', headers }
      expectFits(route, 'options', 200, await protocol.post(route, '', options))
      expectFits(route, 'options', 429, protocolReply(await limited.post(route, '', options)))
    }
  })

  test('a subscription over a WebSocket, told of a message and ended', async () => {
    await using net = await startMonitorNetwork()
    const socket = new WebSocket(`wss://127.0.0.1:${net.server.port}/monitor/v1`, { rejectUnauthorized: false })
    const [{ statusCode }] = await once(socket, 'upgrade')
    expectFits('/monitor/v1', 'get', 101, { status: statusCode, contentType: '', headers: {}, body: '' })
    socket.terminate()

    const token = subaccountToken(3, SUBACCOUNT_READ, bob.pair.publicKey)
    const subscriber = await net.connect()
    const asked = [
      { request: subscription(alice, { wantsData: true }), success: true },
      {
        request: subscription(alice, { isGroup: true, namespaces: [11], subaccount: { member: bob, token } }),
        success: true,
      },
      { request: { ...subscription(alice), t: 0 }, success: false },
    ]
    for (const { request, success } of asked) {
      expect(schemaComplaint('MonitorClientFrame', jsonForm(request))).toBeUndefined()
      const answer = await subscriber.ask('json', request)
      expect([schemaComplaint('MonitorNodeFrame', answer), Object.keys(answer as object)]).toEqual([
        undefined,
        success ? ['success'] : ['errcode', 'error'],
      ])
    }
    const list = asked.map(({ request }) => request)
    expect(schemaComplaint('MonitorNodeFrame', await subscriber.ask('json', list))).toBeUndefined()
    await net.store()
    const { value: told } = await subscriber.next()
    expect([schemaComplaint('MonitorNotification', told), schemaComplaint('MonitorNodeFrame', told)]).toEqual([
      undefined,
      undefined,
    ])
    const revocation = Buffer.concat([Buffer.from(`revoke_subaccount${START_MS}`), token])
    const revoke = { revoke: [toBase64(token)], timestamp: START_MS, signature: alice.sign(revocation) }
    await net.network.first.call('revoke_subaccount', { pubkey: alice.groupId, ...revoke })
    const { value: ended } = await subscriber.next()
    expect([schemaComplaint('MonitorEnded', ended), schemaComplaint('MonitorNodeFrame', ended)]).toEqual([
      undefined,
      undefined,
    ])
    for (const wrong of misshapen('monitor', told as JsonObject))
      expect(schemaComplaint('MonitorNodeFrame', wrong)).toBeDefined()
  })

  test('a WebSocket that is not asked for, or not opened', async () => {
    expectFits('/monitor/v1', 'get', 404, await protocol.post('/monitor/v1', '', { method: 'GET' }))
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
    const upgrade = `GET /monitor/v1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`
    await using limited = await startTestServer({ rateBurst: 0 })
    expectFits('/monitor/v1', 'get', 429, await sendRaw(limited, upgrade))
    await using starting = await startMonitorNetwork()
    starting.network.reasons.push('Starting')
    expectFits('/monitor/v1', 'get', 503, await sendRaw(starting.server, upgrade))
  })

  test('probes', async () => {
    expectFits('/ping_test/v1', 'post', 200, await protocol.post('/ping_test/v1', ''))
    expectFits('/get_stats/v1', 'get', 200, await protocol.post('/get_stats/v1', '', { method: 'GET' }))
    const unknown = await protocol.post('/', '')
    expect(unknown).toMatchObject({ status: 404, contentType: 'text/plain', body: 'POST / Not Found' })
  })

  test('an onion request that ends well, and in each way that it may not', async () => {
    const states: { answer?: () => Promise<Uint8Array> } = {}
    await using relays = await createRelayNetwork({
      rpc: { handleOnionRpc: (payload) => protocol.network.first.handleOnionRpc(payload) },
      intercept: () => states.answer?.(),
    })
    await using server = await startTestServer({}, { onion: relays.node(0).relay })
    const [guard, next, stranger] = [relays.node(0).pathNode, relays.node(1).pathNode, relays.node(2).pathNode]
    const send = async (path: readonly OnionPathNode[], destination: OnionPathNode) => {
      const payload = Buffer.from('{"method":"info","params":{}}')
      const request = {
        path,
        destination: { kind: 'service-node', ...destination },
        payload,
        encryption: 'aes-gcm',
      } as const
      const { body, replyKey } = buildOnionRequest(request)
      const reply = protocolReply(await server.post('/onion_req/v2', body))
      return { reply, body, replyKey }
    }

    const { reply, body, replyKey } = await send([guard], next)
    expectFits('/onion_req/v2', 'post', 200, reply)
    const opened = openOnionReply(replyKey, Buffer.from(String(reply.body), 'latin1'))
    expect(schemaComplaint('OnionReply', opened)).toBeUndefined()
    expect(schemaComplaint('InfoAnswer', JSON.parse(String(opened.body)))).toBeUndefined()

    expectFits('/onion_req/v2', 'post', 400, protocolReply(await server.post('/onion_req/v2', body)))
    expectFits('/onion_req/v2', 'post', 400, protocolReply(await server.post('/onion_req/v2', 'x')))
    expectFits(
      '/onion_req/v2',
      'post',
      502,
      (await send([guard], { ...next, ed25519: protocol.network.first.key })).reply,
    )
    relays.unreachable.add(stranger.ed25519)
    expectFits('/onion_req/v2', 'post', 502, (await send([guard], stranger)).reply)
    states.answer = async () => Buffer.from('?')
    expectFits('/onion_req/v2', 'post', 500, (await send([guard], next)).reply)
    states.answer = () => Promise.reject(new PeerRequestError('PEER_TIMEOUT', 'Too slow'))
    expectFits('/onion_req/v2', 'post', 504, (await send([guard], next)).reply)
    relays.notReady.add(guard.ed25519)
    expectFits('/onion_req/v2', 'post', 503, (await send([guard], next)).reply)
  })

  test('the status of an outside server comes as it is', async () => {
    const handleClientRequest = async (body: Uint8Array) => ({ status: 418, contentType: 'text/plain', body }) as const
    await using exit = await startTestServer({}, { onion: { handleClientRequest } })
    expectFits('/onion_req/v2', 'post', 418, protocolReply(await exit.post('/onion_req/v2', 'x')))
  })

  test('what the entry refuses before anybody reads it', async () => {
    const options = { requestMaxBytes: 1000, bodyWindowMs: 50, bodyWindowMinBytes: 10 }
    await using server = await startTestServer(options)
    for (const route of ['/storage_rpc/v1', '/onion_req/v2', '/json_rpc']) {
      const compressed = await server.post(route, '', { headers: { 'content-encoding': 'gzip' } })
      expectFits(route, 'post', 415, protocolReply(compressed))
      expectFits(route, 'post', 413, protocolReply(await server.post(route, Buffer.alloc(1001))))
      expectFits(
        route,
        'post',
        408,
        await sendRaw(server, `POST ${route} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`),
      )
      const many = Array.from({ length: 62 }, (_, at) => `X-${at}: a\r\n`).join('')
      const head = 'Host: a\r\nConnection: close\r\nContent-Length: 0\r\n'
      expectFits(route, 'post', 431, await sendRaw(server, `POST ${route} HTTP/1.1\r\n${head}${many}\r\n`))
      const headers = `X-Long: ${'x'.repeat(9000)}\r\n`
      expectFits(route, 'post', 431, await sendRaw(server, `POST ${route} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`))
    }
    const poll = await server.post('/storage_rpc/v1', '', { headers: { 'x-loki-long-poll': '1' } })
    expectFits('/storage_rpc/v1', 'post', 410, protocolReply(poll))

    await using limited = await startTestServer({ rateBurst: 0 })
    await using busy = await startTestServer({ requestsMax: 0, requestsFairPerAddress: 0 })
    const broken = { handleJson: () => Promise.reject(new Error()), handleJsonRpc: () => Promise.reject(new Error()) }
    await using failingServer = await startTestServer({}, { rpc: broken })
    for (const route of ['/storage_rpc/v1', '/onion_req/v2', '/json_rpc']) {
      expectFits(route, 'post', 429, protocolReply(await limited.post(route, '')))
      expectFits(route, 'post', 503, protocolReply(await busy.post(route, '')))
    }
    expectFits('/json_rpc', 'post', 500, protocolReply(await failingServer.post('/json_rpc', '')))
  })

  test('together are all that the document has', () => {
    expect(checker.unseen()).toEqual([])
    expect(operations().length).toBeGreaterThan(4)
  })
})

function expectFits(route: string, verb: string, status: number, reply: ProtocolReply): void {
  expect([reply.status, checker.routeComplaint(route, verb, reply)]).toEqual([status, undefined])
}

function namedExample(name: string): Example {
  const example = EXAMPLES.find((each) => each.name === name)
  if (example === undefined) throw new Error(`No example is called ${name}`)
  return example
}

/** A request of the method that would be carried out. */
function anExampleOf(method: string): MethodRequest {
  const { params } = EXAMPLES.find((each) => each.method === method && each.asked === undefined) ?? { params: {} }
  return { method, params }
}

function rates(rate: Rate): Partial<RpcOptions> {
  const signed = { reads: rate, writes: rate }
  return { accountRates: { ...signed, openReads: rate, openWrites: rate }, subaccountRates: signed }
}

function unlimited(): Partial<RpcOptions> {
  const rate = { burst: 1_000_000, perSecond: 1_000_000 }
  // Nothing arrives here while somebody waits for it.
  return {
    ...rates(rate),
    memberRate: rate,
    memberOpenWriteRate: rate,
    monitor: { ...defaultMonitorOptions, waitMs: 1 },
  }
}

/** Storage in which nothing works. */
function failing(error: Error): Pick<RpcComponents, 'messages' | 'revocations'> {
  const fail = () => Promise.reject(error)
  const reading = { retrieve: fail, expiries: fail, pointlessExpire: fail }
  const stamps = { next: () => 1, accept: () => {} }
  const writing = { store: fail, delete: fail, deleteAll: fail, deleteBefore: fail, expire: fail, expireAll: fail }
  return {
    messages: { ...reading, ...writing, stamps },
    revocations: { revoke: fail, unrevoke: fail, isRevoked: () => false, revoked: () => [] },
  }
}

/** Bytes of one's own, and the answer as far as its head and body go. */
async function sendRaw(server: TestServer, bytes: string): Promise<ProtocolReply> {
  const socket = await server.connect()
  socket.write(bytes)
  const [head = '', body = ''] = (await readToEnd(socket)).split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(lines.map((each) => each.toLowerCase().split(': ')))
  return protocolReply({ status: Number(line.split(' ')[1]), headers, body })
}
