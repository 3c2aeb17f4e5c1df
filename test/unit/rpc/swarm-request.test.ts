// What a swarm's answer says of members that fail, and what a member accepts from another.
import { expect, test } from 'vitest'
import { toBase64, utf8 } from '../../../src/base/bytes.ts'
import { DAY, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { CodedError } from '../../../src/base/coded-error.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { OPERATION_LATENESS_MAX_MS } from '../../../src/protocol/limits.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { firstStampAt } from '../../../src/protocol/operation-stamp.ts'
import {
  decodeForwardedAnswer,
  encodeForwardedAnswer,
  encodeForwardedRequest,
} from '../../../src/protocol/peer-api/forwarded-request.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { Messages } from '../../../src/rpc/messages.ts'
import { OperationClock } from '../../../src/storage/operation-clock.ts'
import { anAccount, createTestNetwork, START_MS, type TestNode } from './rpc-fixture.ts'

const alice = anAccount(1)
const data = Buffer.from('hello')
const storing = { pubkey: alice.id, timestamp: START_MS, ttl: DAY, data: toBase64(data) }
const hash = hashMessage(alice.id, 0, data)
const neverAborted = new AbortController().signal

const failing = (error: Error) => {
  const fail = () => Promise.reject(error)
  const messages: Messages = {
    store: fail,
    retrieve: fail,
    delete: fail,
    deleteAll: fail,
    deleteBefore: fail,
    expireAll: fail,
    expire: fail,
    pointlessExpire: fail,
    stamps: new OperationClock({ nowMs: () => START_MS, monotonicMs: () => 0 }, 0),
    expiries: fail,
  }
  return { components: { messages } }
}

async function forward(node: TestNode, from: ServiceNodeKey, request: object) {
  const fields = {
    method: 'store',
    params: storing as JsonObject,
    receivedMs: START_MS,
    stamp: firstStampAt(START_MS),
    ...request,
  }
  return decodeForwardedAnswer(await node.handleForwarded(from, encodeForwardedRequest(fields), neverAborted))
}

test('members that failed are named with how they did, and the rest still counts', async () => {
  await using network = await createTestNetwork(7)
  const [first, ...others] = network.nodes.map(({ key }) => key)
  const answers: ('timeout' | 'unreachable' | Uint8Array)[] = [
    'timeout',
    'unreachable',
    utf8('not json'),
    encodeForwardedAnswer({ status: 401, body: 'store signature verification failed' }),
    encodeForwardedAnswer({ status: 200, body: 'text' }),
    encodeForwardedAnswer({ status: 421, body: { snodes: [] } }),
  ]
  for (const [at, key] of others.entries()) network.faults.set(key, answers[at] ?? 'timeout')
  const { status, json } = await network.first.call('store', storing)
  expect(status).toBe(200)
  const failures = [
    { failed: true, timeout: true },
    { failed: true, reason: 'Service node is currently unreachable' },
    { failed: true, bad_peer_response: true },
    { failed: true, code: '401', reason: 'store signature verification failed' },
    { failed: true, bad_peer_response: true },
    { failed: true, code: '421' },
  ]
  expect(json['swarm']).toEqual({
    [first ?? '']: { hash, signature: expect.any(String), expiry: START_MS + DAY, t: START_MS },
    ...Object.fromEntries(others.map((key, at) => [key, failures[at]])),
  })
})

test('a member that nobody knows how to reach is left out', async () => {
  await using network = await createTestNetwork(2)
  const other = network.nodes[1]?.key ?? ''
  network.unlisted.add(parseServiceNodeKey(other) ?? network.first.key)
  network.faults.set(parseServiceNodeKey(other) ?? network.first.key, 'unreachable')
  const { json } = await network.first.call('store', storing)
  expect(Object.keys(json['swarm'] as object)).toEqual([network.first.key])
})

test('the whole fails with 500 and the same body only when every member did', async () => {
  await using network = await createTestNetwork(2, failing(new Error('Broken')))
  const { status, json } = await network.first.call('store', storing)
  expect(status).toBe(500)
  const other = network.nodes[1]?.key ?? ''
  expect(json).toEqual({
    swarm: {
      [network.first.key]: { failed: true, query_failure: true },
      [other]: { failed: true, code: '500', reason: 'request failed' },
    },
    t: START_MS,
    hf: [19, 4],
  })
  expect(await network.first.exposeMetrics()).toContain('starling_rpc_local_failures_total 1')
})

test('when only this node failed the others are enough, without a hash at the top', async () => {
  await using network = await createTestNetwork(2, failing(new CodedError('WRITE_FAILED', 'Disk')))
  const other = network.nodes[1]?.key ?? ''
  const result = { hash, signature: 'A'.repeat(88), expiry: START_MS + DAY }
  network.faults.set(
    parseServiceNodeKey(other) ?? network.first.key,
    encodeForwardedAnswer({ status: 200, body: result }),
  )
  const { status, json } = await network.first.call('store', storing)
  expect(status).toBe(200)
  expect(json['hash']).toBeUndefined()
  expect(json['swarm']).toEqual({ [network.first.key]: { failed: true, query_failure: true }, [other]: result })
})

test('a store that has too much to do makes the node busy, not broken', async () => {
  await using network = await createTestNetwork(1, failing(new CodedError('BUSY', 'Queue of 4096')))
  const body = 'Server busy, try again later'
  expect(await network.first.call('store', storing)).toMatchObject({ status: 503 })
  expect(await network.first.call('retrieve', { pubkey: alice.id, namespace: -10 })).toMatchObject({
    status: 503,
    body,
  })
})

test('a reading that fails is 500 and says nothing of why', async () => {
  await using network = await createTestNetwork(1, failing(new CodedError('READ_FAILED', 'secret path')))
  const answer = await network.first.call('retrieve', { pubkey: alice.id, namespace: -10 })
  expect(answer).toMatchObject({ status: 500, body: 'request failed' })
})

test('an account of another swarm is answered 421 with its swarm, before any other check', async () => {
  await using network = await createTestNetwork(8, { sizeMin: 2 })
  const { json: found } = await network.first.call('get_swarm', { pubkey: alice.id })
  const members = (found['snodes'] as { pubkey_ed25519: string }[]).map((node) => node.pubkey_ed25519)
  const [outside] = network.nodes.filter(({ key }) => !members.includes(key))
  if (outside === undefined) throw new Error('All nodes are in one swarm')
  const requests = {
    store: { ...storing, namespace: 5 },
    retrieve: { pubkey: alice.id },
    delete: { pubkey: alice.id, messages: [hash], signature: 'A'.repeat(86) },
    delete_all: { pubkey: alice.id, timestamp: START_MS - DAY, signature: 'A'.repeat(86) },
    expire: { pubkey: alice.id, messages: [hash], expiry: START_MS - DAY, signature: 'A'.repeat(86) },
    delete_before: { pubkey: alice.id, before: START_MS + DAY, signature: 'A'.repeat(86) },
    expire_all: { pubkey: alice.id, expiry: START_MS - DAY, signature: 'A'.repeat(86) },
    revoke_subaccount: { pubkey: alice.id, revoke: [], timestamp: START_MS, signature: 'A'.repeat(86) },
    unrevoke_subaccount: { pubkey: alice.id, unrevoke: [], timestamp: START_MS, signature: 'A'.repeat(86) },
    revoked_subaccounts: { pubkey: alice.id, timestamp: START_MS - DAY, signature: 'A'.repeat(86) },
    get_expiries: { pubkey: alice.id, messages: [hash], timestamp: START_MS - DAY, signature: 'A'.repeat(86) },
  }
  for (const [method, params] of Object.entries(requests)) {
    const { status, json } = await outside.call(method, params)
    expect({ method, status, json }).toEqual({ method, status: 421, json: found })
  }
  expect(await outside.call('store', { ...storing, data: '?' })).toMatchObject({ status: 400 })
})

test('a forwarded request is carried out here only', async () => {
  await using network = await createTestNetwork(3)
  const [, second, third] = network.nodes
  if (second === undefined || third === undefined) throw new Error('Three nodes')
  const answer = await forward(second, network.first.key, {})
  expect(answer).toEqual({ status: 200, body: { hash, signature: expect.any(String), expiry: START_MS + DAY } })
  const held = async (node: TestNode) => (await node.store.store.expiries(alice.id, [hash])).length
  expect(await Promise.all([network.first, second, third].map(held))).toEqual([0, 1, 0])
})

test('a member repeats every check of a forwarded request, a little more kindly about time', async () => {
  await using network = await createTestNetwork(2)
  const [, node] = network.nodes
  if (node === undefined) throw new Error('Two nodes')
  const status = async (request: object) => (await forward(node, network.first.key, request)).status
  const signed = (timestamp: number) => ({
    method: 'delete_all',
    params: { pubkey: alice.groupId, timestamp, signature: alice.sign(`delete_all${timestamp}`) },
  })
  expect(await status(signed(START_MS - 70 * SECOND))).toBe(200)
  expect(await status(signed(START_MS - 70 * SECOND - 1))).toBe(406)
  expect(await status(signed(START_MS + 70 * SECOND + 1))).toBe(406)
  expect(await status({ params: { ...storing, timestamp: START_MS + 20 * SECOND } })).toBe(200)
  expect(await status({ params: { ...storing, timestamp: START_MS + 20 * SECOND + 1 } })).toBe(406)
  expect(await status({ params: { ...storing, namespace: 5 } })).toBe(401)
  expect(await status({ params: { ...storing, ttl: 5 } })).toBe(403)
  expect(await status({ params: { ...storing, data: '?' } })).toBe(400)
  const at = (ms: number, stampedMs = ms) =>
    status({ params: { ...storing, timestamp: ms }, receivedMs: ms, stamp: firstStampAt(stampedMs) })
  // As the entry node judged it, but not for ever.
  expect(await at(START_MS - OPERATION_LATENESS_MAX_MS)).toBe(200)
  expect(await at(START_MS - OPERATION_LATENESS_MAX_MS - 1)).toBe(406)
  expect(await at(START_MS + 2 * MINUTE)).toBe(200)
  expect(await at(START_MS + 2 * MINUTE + 1)).toBe(406)
  // Nor with a place among other operations that has nothing to do with when it came.
  expect(await at(START_MS - 3 * MINUTE, START_MS)).toBe(406)
  expect(await at(START_MS - 3 * MINUTE, START_MS - MINUTE)).toBe(200)
})

test('parameters that no method reads are not passed on at any size', async () => {
  await using network = await createTestNetwork(2)
  const body = 'invalid request: parameters too large'
  const padded = { ...storing, padding: 'x'.repeat(256 * 1024) }
  expect(await network.first.call('store', padded)).toMatchObject({ status: 400, body })
  for (const node of network.nodes) expect(node.store.store.statistics().messages).toBe(0)
  const bytes = utf8(JSON.stringify({ method: 'store', params: padded, receivedMs: START_MS, stamp: START_MS * 1000 }))
  const other = network.nodes[1]?.key ?? network.first.key
  const answer = await network.first.handleForwarded(other, bytes, neverAborted)
  expect(decodeForwardedAnswer(answer)).toEqual({ status: 400, body })
})

test('a forwarded request must be for a whole swarm', async () => {
  await using network = await createTestNetwork(2)
  const [, node] = network.nodes
  if (node === undefined) throw new Error('Two nodes')
  const body = 'invalid request: received invalid forwarded non-forwardable request'
  const requests = { info: {}, get_swarm: { pubkey: alice.id }, retrieve: { pubkey: alice.id }, nonsense: {} }
  for (const [method, params] of Object.entries(requests)) {
    expect(await forward(node, network.first.key, { method, params })).toEqual({ status: 400, body })
  }
  const batch = { method: 'batch', params: { requests: [{ method: 'store', params: storing }] } }
  expect(await forward(node, network.first.key, batch)).toEqual({ status: 400, body })
})

test('a service node outside the swarm forwards nothing', async () => {
  await using network = await createTestNetwork(2)
  const stranger = parseServiceNodeKey('ab'.repeat(32)) ?? network.first.key
  expect(await forward(network.first, stranger, {})).toMatchObject({ status: 421 })
  expect(await forward(network.first, network.first.key, {})).toMatchObject({ status: 421 })
})

test('forwarded bytes that are no request are answered, not thrown', async () => {
  await using network = await createTestNetwork(2)
  for (const bytes of [utf8(''), utf8('{}'), utf8('{"method":"store"}'), Uint8Array.of(255, 0)]) {
    const answer = await network.first.handleForwarded(network.first.key, bytes, neverAborted)
    expect(decodeForwardedAnswer(answer)).toMatchObject({ status: 400 })
  }
})

test('a late signature is refused by the entry node although a member would take it', async () => {
  await using network = await createTestNetwork(1)
  const timestamp = START_MS - MINUTE - 1
  const params = { pubkey: alice.groupId, timestamp, signature: alice.sign(`delete_all${timestamp}`) }
  expect(await network.first.call('delete_all', params)).toMatchObject({ status: 406 })
})
