// The method that waits for a message, for where one request has one answer.
import { describe, expect, test } from 'vitest'
import { toBase64, toHex } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'
import { anEpoch, someMembers } from '../swarm/member-lists.ts'
import {
  alice,
  jsonForm,
  type MonitorNetwork,
  NOW_S,
  type SubscriptionFields,
  startMonitorNetwork,
  subscription,
} from './monitor-fixture.ts'
import { anAccount, START_MS } from './rpc-fixture.ts'

interface WaitFields extends SubscriptionFields {
  readonly last?: JsonObject
}

const paramsOf = ({ last, ...fields }: WaitFields = {}) => ({
  ...jsonForm(subscription(alice, fields)),
  ...(last !== undefined && { last }),
})

/** Asks the first node, which answers with a status and a body. */
async function ask(net: MonitorNetwork, fields: WaitFields = {}, entry: 'https' | 'onion' = 'https') {
  const params = paramsOf(fields)
  if (entry === 'https') return net.network.first.call('monitor', params)
  const payload = Buffer.from(JSON.stringify({ method: 'monitor', params }))
  const answer = await net.network.first.handleOnionRpc(payload)
  return { ...answer, json: answer.body as JsonObject }
}

const answered = (news: readonly number[]) => ({ status: 200, json: { news, t: START_MS, hf: [19, 4] } })
const waiting = (net: MonitorNetwork) => net.metric('starling_rpc_monitor_waiting_requests')

describe('a client that waits', () => {
  test.each(['https', 'onion'] as const)('is answered when a message arrives, over %s', async (entry) => {
    const net = await startMonitorNetwork()
    const answer = ask(net, { namespaces: [-10, 0] }, entry)
    await expect.poll(() => waiting(net)).toBe(1)
    await net.store({ namespace: 10 })
    await net.store({ account: anAccount(2).id })
    expect(await waiting(net)).toBe(1)
    await net.store({ namespace: 0 })
    expect(await answer).toMatchObject(answered([0]))
    expect(await waiting(net)).toBe(0)
  })

  test('pays for each namespace that is looked at', async () => {
    const reads = { burst: 3, perSecond: 0.001 }
    const accountRates = { ...defaultRpcOptions.accountRates, reads }
    const net = await startMonitorNetwork({ rpc: { ...defaultRpcOptions, accountRates }, monitor: { waitMs: 1 } })
    expect(await ask(net, { namespaces: [0, 10, 20] })).toMatchObject({ status: 200, requests: 3 })
    expect((await ask(net, { namespaces: [0] })).status).toBe(429)
  })

  test('is told at once of what it has not got, and waits once it has', async () => {
    const net = await startMonitorNetwork({ monitor: { waitMs: 1 } })
    const first = await net.store({ namespace: 0, data: 'a' })
    const second = await net.store({ namespace: 0, data: 'b' })
    await net.store({ namespace: 10, data: 'c' })
    const ask0 = (last: JsonObject, namespaces = [0]) => ask(net, { namespaces, last })
    expect(await ask0({})).toMatchObject(answered([0]))
    expect(await ask0({ 0: first })).toMatchObject(answered([0]))
    expect(await ask0({ 0: second }, [-10, 0, 10])).toMatchObject(answered([10]))
    expect(await ask0({ 0: 'A'.repeat(43) })).toMatchObject(answered([0]))
    // What would have come is nothing, so the wait ends without.
    expect(await ask0({ 0: second })).toMatchObject(answered([]))
    expect(await net.metric('starling_rpc_monitor_waits_total{outcome="held"}')).toBe(4)
    expect(await net.metric('starling_rpc_monitor_waits_total{outcome="nothing"}')).toBe(1)
  })

  test('is told that nobody waits, when there are too many, but what is held all the same', async () => {
    const net = await startMonitorNetwork({ monitor: { waitsMax: 2, waitsPerAccountMax: 1 } })
    const other = anAccount(2)
    const waits = [ask(net), net.network.first.call('monitor', jsonForm(subscription(other)))]
    await expect.poll(() => waiting(net)).toBe(2)
    const { status, json } = await ask(net, { namespaces: [10] })
    expect({ status, json }).toEqual({ status: 200, json: { ...answered([]).json, busy: true } })
    const third = await net.network.first.call('monitor', jsonForm(subscription(anAccount(3))))
    expect(third.json).toMatchObject({ busy: true })
    await net.store({ namespace: 10 })
    expect(await ask(net, { namespaces: [10] })).toMatchObject(answered([10]))
    await net.store()
    await net.store({ account: other.id })
    for (const each of await Promise.all(waits)) expect(each).toMatchObject(answered([0]))
  })

  test('is answered at once when the server stops', async () => {
    const net = await startMonitorNetwork()
    const answer = ask(net)
    await expect.poll(() => waiting(net)).toBe(1)
    await net.server.stop()
    expect(await answer).toMatchObject(answered([]))
    expect((await ask(net)).json).toMatchObject({ busy: true })
  })

  test('is sent elsewhere when its account moves', async () => {
    const net = await startMonitorNetwork({ sizeMin: 5 })
    const { membership } = net.network.first
    const epoch = anEpoch(8, [...net.network.members, ...someMembers(14, 'others')])
    const people = Array.from({ length: 20 }, (_, at) => anAccount(60 + at))
    const answers = people.map((each) => net.network.first.call('monitor', jsonForm(subscription(each))))
    await expect.poll(() => waiting(net)).toBe(20)
    membership.update(epoch)
    membership.update({ ...epoch, index: 9 })
    const gone = people.findIndex(({ id }) => !membership.serves(id))
    const stays = people.findIndex(({ id }) => membership.serves(id))
    expect(await answers[gone]).toMatchObject({ status: 421, json: { snodes: expect.anything() } })
    await net.server.stop()
    expect(await answers[stays]).toMatchObject(answered([]))
  })
})

describe('a request to wait is refused', () => {
  test('like any other: with 400, 401, 406 and 421', async () => {
    const net = await startMonitorNetwork({ size: 1 })
    const refusal = async (fields: object) => {
      const { status, body } = await net.network.first.call('monitor', fields)
      return [status, body]
    }
    const good = paramsOf()
    expect(await refusal({ ...good, n: [] })).toEqual([400, 'invalid request: At least one namespace is required'])
    expect(await refusal({ ...good, P: toHex(Buffer.alloc(32)) })).toEqual([
      400,
      "invalid request: Invalid value given for 'P'",
    ])
    expect(await refusal({ ...good, last: 5 })).toEqual([
      400,
      "invalid request: Invalid value given for 'last': expected object",
    ])
    expect(await refusal({ ...good, s: toBase64(Buffer.alloc(64)) })).toEqual([
      401,
      'monitor signature verification failed',
    ])
    expect(await refusal(paramsOf({ timestampS: NOW_S + 2 * 86_400 }))).toEqual([
      406,
      'monitor timestamp too far from current time',
    ])
  })

  test('as part of a batch, a sequence or an ifelse', async () => {
    const net = await startMonitorNetwork()
    const part = { method: 'monitor', params: paramsOf() }
    const text = 'invalid request: Method monitor waits, and cannot be part of another request'
    const calls: [string, object][] = [
      ['batch', { requests: [part] }],
      ['sequence', { requests: [part] }],
      [
        'ifelse',
        Object.fromEntries([
          ['if', { hf_at_least: [19] }],
          ['then', part],
        ]),
      ],
    ]
    for (const [method, params] of calls) {
      expect(await net.network.first.call(method, params)).toMatchObject({ status: 400, body: text })
    }
  })

  test('to a subaccount as soon as it is revoked, but for what it may still retrieve', async () => {
    const net = await startMonitorNetwork()
    const member = anAccount(4)
    const token = subaccountToken(3, 1, member.pair.publicKey)
    const asMember = { isGroup: true, subaccount: { member, token } }
    const answer = ask(net, { ...asMember, namespaces: [11] })
    const still = ask(net, { ...asMember, namespaces: [-11] })
    await expect.poll(() => waiting(net)).toBe(2)
    await net.network.first.call('revoke_subaccount', {
      pubkey: alice.groupId,
      timestamp: START_MS,
      revoke: [toBase64(token)],
      signature: toBase64(
        sign(Buffer.concat([Buffer.from(`revoke_subaccount${START_MS}`), token]), alice.pair.secretKey),
      ),
    })
    expect(await answer).toMatchObject({ status: 401, body: 'monitor signature verification failed' })
    expect(await still).toMatchObject(answered([]))
    expect(await ask(net, { ...asMember, namespaces: [11] })).toMatchObject({ status: 401 })
    await net.store({ account: alice.groupId, namespace: -11 })
    expect(await ask(net, { ...asMember, namespaces: [-11] })).toMatchObject(answered([-11]))
  })
})

test('the namespace for tests holds nothing to wait for', async () => {
  const net = await startMonitorNetwork({ monitor: { waitMs: 1 } })
  expect(await ask(net, { namespaces: [-3741], timestampS: NOW_S - DAY / 1000 })).toMatchObject(answered([]))
})
