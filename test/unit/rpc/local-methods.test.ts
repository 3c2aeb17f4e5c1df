import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toBase64, toHex, utf8 } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import { ed25519PublicKey, toX25519PublicKey } from '../../../src/crypto/keys.ts'
import { PARSERS } from '../../../src/protocol/client-api/methods.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { toBase32z } from '../../../src/rpc/base32z.ts'
import type { Messages } from '../../../src/rpc/messages.ts'
import { anEpoch } from '../swarm/member-lists.ts'
import { anAccount, createTestNetwork, NO_SWARMS, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)
const neverAborted = new AbortController().signal
const storing = (text: string) => ({
  pubkey: alice.id,
  timestamp: START_MS,
  ttl: DAY,
  data: toBase64(Buffer.from(text)),
})

describe('info and get_swarm', () => {
  test('info tells version and clock', async () => {
    await using network = await createTestNetwork(1)
    const { status, json } = await network.first.call('info', { anything: 1 })
    expect(status).toBe(200)
    expect(json).toEqual({ version: [1, 2, 3], timestamp: START_MS, t: START_MS, hf: [19, 4] })
  })

  test('get_swarm names every member that can be reached, under both of its names', async () => {
    await using network = await createTestNetwork(3)
    const hidden = network.nodes[2]
    if (hidden === undefined) throw new Error('Three nodes')
    network.unlisted.add(hidden.key)
    const answer = await network.first.call('get_swarm', { pubkey: alice.id })
    expect(answer.status).toBe(200)
    const { snodes, ...rest } = answer.json
    expect(rest).toEqual({ swarm: '8000000000000000', t: START_MS, hf: [19, 4] })
    const nodes = snodes as { pubkey_ed25519: string }[]
    expect(nodes.map((node) => node.pubkey_ed25519).sort()).toEqual(
      network.nodes
        .slice(0, 2)
        .map(({ key }) => key)
        .sort(),
    )
    expect(nodes.find((node) => node.pubkey_ed25519 === network.first.key)).toEqual({
      address: `${toBase32z(network.first.pair.publicKey)}.snode`,
      pubkey_legacy: network.first.key,
      pubkey_ed25519: network.first.key,
      pubkey_x25519: toHex(toX25519PublicKey(network.first.pair.publicKey)),
      ip: '10.0.0.1',
      port: '22021',
      port_https: 22_021,
      port_omq: 22_020,
      port_quic: 22_020,
    })
    expect((await network.first.call('get_snodes_for_pubkey', { pubKey: alice.id })).json).toEqual(answer.json)
  })

  test('without a service node list there is no swarm', async () => {
    await using network = await createTestNetwork(1, { components: { swarm: NO_SWARMS } })
    const answer = { status: 500, body: 'No swarms known!' }
    expect(await network.first.call('get_swarm', { pubkey: alice.id })).toMatchObject(answer)
    expect(await network.first.call('store', storing('a'))).toMatchObject(answer)
    const listed = await network.first.call('oxend_request', { endpoint: 'get_service_nodes' })
    expect(listed).toMatchObject(answer)
  })

  test('addresses are z-base-32', () => {
    expect(toBase32z(new Uint8Array())).toBe('')
    expect(toBase32z(Uint8Array.of(0))).toBe('yy')
    expect(toBase32z(Uint8Array.of(0xf0, 0xbf, 0xc7))).toBe('6n9hq')
    expect(toBase32z(Uint8Array.of(0xd4, 0x7a, 0x04))).toBe('4t7ye')
    expect(toBase32z(new Uint8Array(32).fill(255))).toHaveLength(52)
  })
})

describe('service node list', () => {
  const all = ['public_ip', 'storage_port', 'pubkey_x25519', 'pubkey_ed25519', 'requested_unlock_height', 'height']

  test('every member is listed; one that nobody can reach has the address 0.0.0.0', async () => {
    await using network = await createTestNetwork(2)
    const hidden = network.nodes[1]
    if (hidden === undefined) throw new Error('Two nodes')
    network.unlisted.add(hidden.key)
    const { status, json } = await network.first.call('oxend_request', { endpoint: 'get_service_nodes', params: {} })
    expect(status).toBe(200)
    const { service_node_states: states, ...result } = json['result'] as JsonObject
    expect(json).toMatchObject({ t: START_MS, hf: [19, 4] })
    const { blockHash } = anEpoch(7, network.members)
    expect(result).toEqual({ height: 7, block_hash: blockHash.slice(2), hardfork: 19, snode_revision: 4, status: 'OK' })
    expect(states).toHaveLength(2)
    expect((states as JsonObject[])[0]).toEqual({
      service_node_pubkey: network.first.key,
      pubkey_ed25519: network.first.key,
      pubkey_x25519: toHex(toX25519PublicKey(network.first.pair.publicKey)),
      public_ip: '10.0.0.1',
      storage_port: 22_021,
      storage_lmq_port: 22_020,
      swarm: '8000000000000000',
      funded: true,
      active: true,
      storage_server_version: [1, 2, 3],
      last_uptime_proof: START_MS / 1000,
      requested_unlock_height: 0,
    })
    expect((states as JsonObject[])[1]).toMatchObject({ public_ip: '0.0.0.0', storage_port: 0 })
  })

  test('clients name fields in an object or an array, and always get height and unlock height', async () => {
    await using network = await createTestNetwork(2)
    const list = async (params: object) => {
      const { json } = await network.first.call('oxend_request', { endpoint: 'get_service_nodes', params })
      return json['result'] as JsonObject & { service_node_states: JsonObject[] }
    }
    const named = await list({ active_only: true, fields: Object.fromEntries(all.map((name) => [name, true])) })
    const listed = await list({ active_only: true, fields: all })
    expect(named).toEqual(listed)
    expect(Object.keys(named.service_node_states[0] ?? {}).sort()).toEqual(
      all.filter((name) => name !== 'height').sort(),
    )
    expect(named['height']).toBe(7)
    const bare = await list({ fields: ['public_ip'], limit: 1 })
    expect(bare.service_node_states).toEqual([{ public_ip: '10.0.0.1', requested_unlock_height: 0 }])
  })

  test('a list is kept for some seconds, so that asking often costs little', async () => {
    await using network = await createTestNetwork(1)
    const ip = async () => {
      const { json } = await network.first.call('oxend_request', { endpoint: 'get_service_nodes' })
      return ((json['result'] as JsonObject)['service_node_states'] as JsonObject[])[0]?.['public_ip']
    }
    expect(await ip()).toBe('10.0.0.1')
    network.unlisted.add(network.first.key)
    expect(await ip()).toBe('10.0.0.1')
    network.first.store.clock.pass(5000)
    expect(await ip()).toBe('0.0.0.0')
  })

  test('a leaving node has a height at which its stake unlocks', async () => {
    const leaving = { leaveRequestTimestampS: anEpoch(7, []).blockTimestampS }
    await using network = await createTestNetwork(1, { changeMember: leaving })
    const { json } = await network.first.call('oxend_request', { endpoint: 'get_service_nodes' })
    const [state] = (json['result'] as JsonObject)['service_node_states'] as JsonObject[]
    expect(state?.['requested_unlock_height']).toBe(7 + (15 * DAY) / 250)
  })

  test('names are not resolved, and the refusal says so', async () => {
    await using network = await createTestNetwork(1)
    const params = { type: 0, name_hash: 'yB7mbm2q1MaczqNZCYguH+71z5jooEMeXA0sncfni+g=' }
    expect(await network.first.call('oxend_request', { endpoint: 'ons_resolve', params })).toMatchObject({
      status: 400,
      body: 'ons_resolve is not supported: this network has no name service',
    })
  })

  test("a seed's clients get the same list over JSON-RPC, with their id or null", async () => {
    await using network = await createTestNetwork(2)
    const ask = (request: object) => network.first.handleJsonRpc(Buffer.from(JSON.stringify(request)))
    const params = { active_only: true, fields: { public_ip: true } }
    const answer = await ask({ jsonrpc: '2.0', method: 'get_n_service_nodes', params })
    expect(answer).toMatchObject({ jsonrpc: '2.0', id: null, result: { height: 7, status: 'OK' } })
    expect((answer['result'] as JsonObject)['service_node_states']).toEqual([
      { public_ip: '10.0.0.1', requested_unlock_height: 0 },
      { public_ip: '10.0.1.1', requested_unlock_height: 0 },
    ])
    expect(await ask({ id: '0', method: 'get_service_nodes', params })).toEqual({ ...answer, id: '0' })
    expect(await ask({ id: 3, method: 'get_info' })).toEqual({
      jsonrpc: '2.0',
      id: 3,
      error: { code: -32601, message: 'Method not found' },
    })
    expect(await ask([])).toMatchObject({ error: { code: -32600 } })
    expect(await network.first.handleJsonRpc(utf8('{'))).toMatchObject({ error: { code: -32700 } })
  })

  test('whoever asks over JSON-RPC has an account’s rewards signed, by the bytes that members exchange', async () => {
    const signReward = async (request: Uint8Array) => {
      if (request.length === 0) throw new ProtocolError('FRAME_TRUNCATED', 'Nothing is asked for')
      return concat(Uint8Array.of(0), request)
    }
    await using network = await createTestNetwork(1, { components: { signReward } })
    const ask = (params: JsonObject) =>
      network.first.handleJsonRpc(utf8(JSON.stringify({ id: 5, method: 'sign_reward', params })))
    expect(await ask({ request: '02ab' })).toEqual({ jsonrpc: '2.0', id: 5, result: { answer: '0002ab' } })
    for (const params of [{}, { request: 7 }, { request: '0' }, { request: 'xx' }]) {
      expect(await ask(params)).toMatchObject({ error: { code: -32602, message: 'Invalid params' } })
    }
  })
})

describe('batch and sequence', () => {
  const info = { method: 'info', params: {} }
  const wrong = { method: 'retrieve', params: { pubkey: alice.id } }
  const codes = ({ json }: { json: JsonObject }) => (json['results'] as { code: number }[]).map(({ code }) => code)

  test('a batch answers every request in its order, and nothing else', async () => {
    await using network = await createTestNetwork(2)
    const requests = [{ method: 'store', params: storing('a') }, wrong, info]
    const answer = await network.first.call('batch', { requests })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.json)).toEqual(['results'])
    expect(answer.json['results']).toEqual([
      { code: 200, body: expect.objectContaining({ swarm: expect.anything() }) },
      { code: 401, body: 'retrieve: request signature required' },
      { code: 200, body: expect.objectContaining({ timestamp: START_MS }) },
    ])
  })

  test('a sequence ends with the first request that fails', async () => {
    await using network = await createTestNetwork(1)
    expect(codes(await network.first.call('sequence', { requests: [info, info, wrong, info] }))).toEqual([
      200, 200, 401,
    ])
  })

  test('each request of a sequence sees what those before it did', async () => {
    await using network = await createTestNetwork(2)
    const reading = { pubkey: alice.groupId, namespace: -10 }
    const writing = { ...storing('a'), pubkey: alice.groupId, namespace: -10 }
    const requests = [
      { method: 'store', params: writing },
      { method: 'retrieve', params: reading },
    ]
    const { json } = await network.first.call('sequence', { requests })
    expect(json['results']).toMatchObject([{ code: 200 }, { code: 200, body: { messages: [{}] } }])
  })

  test('each request of a sequence has a time of its own, since those before it may have taken long', async () => {
    let calls = 0
    const clock = { nowMs: () => START_MS + 1000 * calls++, monotonicMs: () => 0 }
    await using network = await createTestNetwork(1, { components: { clock } })
    const { json } = await network.first.call('sequence', { requests: [info, info] })
    const [first, second] = (json['results'] as { body: { t: number } }[]).map(({ body }) => body.t)
    expect(Number(second) - Number(first)).toBe(1000)
  })

  test('the retrieves of a batch share what one may return', async () => {
    const sizes: number[] = []
    const none = async () => []
    const messages: Messages = {
      store: () => Promise.reject(new Error('Not asked')),
      retrieve: async ({ sizeMax }) => {
        sizes.push(sizeMax)
        return { messages: [], more: false }
      },
      delete: none,
      deleteAll: none,
      deleteBefore: none,
      expireAll: none,
      expire: async () => ({ updated: [], unchanged: [] }),
      pointlessExpire: async () => undefined,
      stamps: { next: () => 1, accept: () => {} },
      expiries: none,
    }
    await using network = await createTestNetwork(1, { components: { messages } })
    const retrieve = (max_size: number) => ({
      method: 'retrieve',
      params: { pubkey: alice.id, namespace: -10, max_size },
    })
    const asked = async (method: string, parts: readonly number[]) => {
      sizes.length = 0
      await network.first.call(method, { requests: [info, ...parts.map(retrieve)] })
      return sizes
    }
    // What clients ask for their own account, and for groups.
    expect(await asked('batch', [-2, -8, -8, -8, -8])).toEqual([3_900_000, ...Array(4).fill(975_000)])
    expect(await asked('batch', Array(20 - 1).fill(-1))).toEqual(Array(19).fill(Math.floor(7_800_000 / 19)))
    expect(await asked('sequence', [-1, -1])).toEqual([3_900_000, 3_900_000])
  })

  test('a retrieve that would hold too much memory is refused, and the next is not', async () => {
    await using network = await createTestNetwork(1, { rpc: { retrievedMaxBytes: 1000 } })
    const data = toBase64(Buffer.alloc(600))
    await network.first.call('store', { ...storing('a'), namespace: -10, data })
    const retrieve = { method: 'retrieve', params: { pubkey: alice.id, namespace: -10 } }
    const { json } = await network.first.call('batch', { requests: [retrieve, retrieve] })
    // Both are read at once, so either may be the first.
    const results = json['results'] as readonly { readonly code: number }[]
    expect(results.toSorted((one, other) => one.code - other.code)).toEqual([
      { code: 200, body: expect.anything() },
      { code: 503, body: 'Server busy, try again later' },
    ])
    expect(await network.first.call('retrieve', retrieve.params)).toMatchObject({ status: 200 })
  })

  test.each([
    [{ method: 'nothing', params: {} }, 'Invalid batch subrequest: invalid method "nothing"'],
    [
      { method: 'batch', params: { requests: [info] } },
      'Invalid batch subrequest: subrequests may not contain meta-requests',
    ],
    [{ method: 'sequence', params: {} }, 'Invalid batch subrequest: subrequests may not contain meta-requests'],
    [{ method: 'store', params: {} }, "Required field 'pubkey' missing"],
  ])('a malformed request spoils the whole before any runs: %o', async (request, text) => {
    await using network = await createTestNetwork(1)
    for (const method of ['batch', 'sequence']) {
      const requests = [{ method: 'store', params: storing('a') }, request]
      const answer = await network.first.call(method, { requests })
      expect(answer).toMatchObject({ status: 400, body: `invalid request: ${text}` })
    }
    expect(network.first.store.store.statistics().messages).toBe(0)
  })
})

describe('handler', () => {
  const handle = (bytes: Uint8Array) => async (entry: 'https' | 'onion') => {
    await using network = await createTestNetwork(1)
    return network.first.handleJson(bytes, neverAborted, entry)
  }

  test.each([
    ['{', 'invalid json'],
    ['{}', 'invalid json: no `method` field'],
    ['{"method":"info"}', 'invalid json: no `params` field'],
    ['{"method":"nothing","params":{}}', 'no method nothing'],
    ['{"method":"__proto__","params":{}}', 'no method __proto__'],
  ])('%s is answered 400 %s', async (text, body) => {
    expect(await handle(utf8(text))('https')).toEqual({ status: 400, body })
  })

  test('a node that is not ready says why over HTTPS, and only that it is not through an onion', async () => {
    await using network = await createTestNetwork(1)
    network.reasons.push('no stake', 'disk full')
    const body = utf8('{"method":"info","params":{}}')
    expect(await network.first.handleJson(body, neverAborted, 'https')).toEqual({
      status: 503,
      body: 'Service node is not ready: no stake; disk full\n',
    })
    expect(await network.first.handleOnionRpc(body)).toEqual({ status: 503, body: 'Snode not ready' })
    expect(await network.first.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="not_ready"} 2')
  })

  test('requests are counted by method, entry and status, those inside a batch too', async () => {
    await using network = await createTestNetwork(1)
    await network.first.call('batch', {
      requests: [
        { method: 'info', params: {} },
        { method: 'info', params: {} },
      ],
    })
    await network.first.call('nothing', {})
    await network.first.handleOnionRpc(utf8('{"method":"store","params":{}}'))
    const metrics = await network.first.exposeMetrics()
    expect(metrics).toContain('starling_rpc_requests_total{method="info",entry="https",status="2xx"} 2')
    expect(metrics).toContain('starling_rpc_requests_total{method="batch",entry="https",status="2xx"} 1')
    expect(metrics).toContain('starling_rpc_requests_total{method="unknown",entry="https",status="4xx"} 1')
    expect(metrics).toContain('starling_rpc_requests_total{method="store",entry="onion",status="4xx"} 1')
  })

  test('a member whose key is no curve point is left out of lists', async () => {
    const key = parseServiceNodeKey(toHex(ed25519PublicKey(fromHex(`02${'00'.repeat(31)}`) ?? new Uint8Array())))
    if (key === undefined) throw new Error('Not a key')
    await using network = await createTestNetwork(1, { changeMember: { key } })
    const answer = await network.first.handleJsonRpc(utf8('{"method":"get_service_nodes"}'))
    expect(answer).toMatchObject({ result: { service_node_states: [] } })
  })

  test('whatever arrives, the answer is a refusal, and nothing leaks into other objects', async () => {
    await using network = await createTestNetwork(1)
    const methods = fc.constantFrom(...Object.keys(PARSERS), 'x')
    const fields = fc.constantFrom(
      'pubkey',
      'messages',
      'requests',
      '__proto__',
      'constructor',
      'timestamp',
      'endpoint',
      'if',
      'else',
      'revoke',
      'unrevoke',
    )
    const keys = Object.getOwnPropertyNames(Object.prototype)
    const requests = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc
        .record({
          method: methods,
          params: fc.dictionary(fields, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true }),
        })
        .map((request) => Buffer.from(JSON.stringify(request))),
      fc.string().map((text) => Buffer.from(`{"__proto__":{"polluted":1},"method":"info","params":{"a":${text}}}`)),
    )
    await fc.assert(
      fc.asyncProperty(requests, async (bytes) => {
        const { status } = await network.first.handleJson(bytes, neverAborted, 'https')
        expect(status === 200 || (status >= 400 && status < 500)).toBe(true)
        const answer = await network.first.handleJsonRpc(bytes)
        expect(answer['jsonrpc']).toBe('2.0')
      }),
      { numRuns: 1500 },
    )
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(keys)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
