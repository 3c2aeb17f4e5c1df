// What bounds requests behind the guards, where there are no addresses: rates of accounts, and of members that pass requests on.
import { describe, expect, test } from 'vitest'
import { toBase64, utf8 } from '../../../src/base/bytes.ts'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { isJsonObject } from '../../../src/protocol/json.ts'
import { buildOnionRequest } from '../../../src/protocol/onion/request.ts'
import { openOnionReply } from '../../../src/protocol/onion/response.ts'
import { decodeForwardedAnswer, encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import { AccountLimiter } from '../../../src/rpc/account-limiter.ts'
import { defaultRpcOptions, type RpcOptions } from '../../../src/rpc/options.ts'
import { createRelayNetwork } from '../onion-relay/relay-network.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork, type TestNode } from './rpc-fixture.ts'

const alice = anAccount(1)
const bob = anAccount(2)

const storing = (text: string, account = alice) => ({
  pubkey: account.id,
  timestamp: START_MS,
  ttl: DAY,
  data: toBase64(utf8(text)),
})
const signedStoring = (text: string, account = alice) => ({
  ...storing(text, account),
  namespace: 5,
  pubkey_ed25519: account.ed25519,
  signature: account.sign(`store5${START_MS}`),
})
const retrieving = (changes: object = {}) => ({
  pubkey: alice.id,
  pubkey_ed25519: alice.ed25519,
  timestamp: START_MS,
  signature: alice.sign(`retrieve${START_MS}`),
  ...changes,
})

/** One token each, and a new one after ten seconds. */
const ONE = { burst: 1, perSecond: 0.1 }
const MANY = { burst: 1000, perSecond: 1 }
const rates = (changes: Partial<RpcOptions['accountRates']>): Partial<RpcOptions> => ({
  accountRates: { reads: MANY, writes: MANY, openReads: MANY, openWrites: MANY, ...changes },
})

describe('an account', () => {
  test('into which too much is stored has room again when its tokens come back', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ openWrites: ONE }) })
    const { call, store } = network.first
    expect((await call('store', storing('1'))).status).toBe(200)
    expect(await call('store', storing('2'))).toMatchObject({
      status: 429,
      body: 'Too many requests, try again later',
      retryAfterSeconds: 5,
    })
    expect((await call('store', storing('2', bob))).status).toBe(200)
    store.clock.pass(10 * SECOND)
    expect((await call('store', storing('2'))).status).toBe(200)
    expect(await network.first.exposeMetrics()).toContain('starling_rpc_limited_total{use="openWrites"} 1')
  })

  test.each([
    ['delete_all', { namespace: 'all', timestamp: START_MS }, `delete_allall${START_MS}`],
    ['delete_before', { namespace: 'all', before: START_MS }, `delete_beforeall${START_MS}`],
    ['expire_all', { namespace: 'all', expiry: START_MS }, `expire_allall${START_MS}`],
  ])('pays for the work of %s', async (method, params, text) => {
    await using network = await createTestNetwork(1, { rpc: rates({ writes: { burst: 75, perSecond: 1 } }) })
    const { call } = network.first
    const signed = { ...params, pubkey: alice.id, pubkey_ed25519: alice.ed25519, signature: alice.sign(text) }
    const statuses = [(await call(method, signed)).status, (await call(method, signed)).status]
    expect([...statuses, (await call(method, signed)).status]).toEqual([200, 200, 429])
  })

  test('pays for each fifty hashes that a write names', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ writes: { burst: 3, perSecond: 0.1 } }) })
    const messages = Array.from({ length: 101 }, (_, at) => String(at).padStart(43, '0'))
    const signature = alice.sign(`delete${messages.join('')}`)
    const params = { pubkey: alice.id, pubkey_ed25519: alice.ed25519, messages, signature }
    expect((await network.first.call('delete', params)).status).toBe(200)
    expect((await network.first.call('store', signedStoring('1'))).status).toBe(429)
  })

  test("is still its owner's when strangers have used up what they may", async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ openWrites: ONE, openReads: ONE }) })
    const { call } = network.first
    const openReading = { pubkey: alice.id, namespace: -21 }
    const statuses = async () => [
      (await call('store', storing('1'))).status,
      (await call('retrieve', openReading)).status,
      (await call('store', signedStoring('1'))).status,
      (await call('retrieve', retrieving())).status,
    ]
    expect(await statuses()).toEqual([200, 200, 200, 200])
    expect(await statuses()).toEqual([429, 429, 200, 200])
  })

  test("loses nothing by requests whose signature is not its owner's", async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ reads: ONE, writes: ONE }) })
    const { call } = network.first
    const forged = bob.sign(`retrieve${START_MS}`)
    for (let time = 0; time < 3; time++) {
      expect((await call('retrieve', retrieving({ signature: forged }))).status).toBe(401)
      expect((await call('store', { ...signedStoring('1'), signature: forged })).status).toBe(401)
    }
    expect((await call('retrieve', retrieving())).status).toBe(200)
    expect((await call('store', signedStoring('1'))).status).toBe(200)
  })

  test('reads and writes from tokens of their own', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ reads: ONE, writes: ONE }) })
    const { call } = network.first
    const asking = {
      pubkey: alice.id,
      pubkey_ed25519: alice.ed25519,
      messages: ['A'.repeat(43)],
      timestamp: START_MS,
      signature: alice.sign(`get_expiries${START_MS}${'A'.repeat(43)}`),
    }
    expect((await call('get_expiries', asking)).status).toBe(200)
    expect((await call('retrieve', retrieving())).status).toBe(429)
    expect((await call('store', signedStoring('1'))).status).toBe(200)
    expect((await call('store', signedStoring('2'))).status).toBe(429)
    expect((await call('get_swarm', { pubkey: alice.id })).status).toBe(200)
  })

  test('pays for each request of a batch, and a sequence ends with the first that is too many', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ openWrites: { burst: 3, perSecond: 0.1 } }) })
    const requests = ['1', '2', '3', '4', '5'].map((text) => ({ method: 'store', params: storing(text) }))
    const codes = async (method: string) => {
      const { json } = await network.first.call(method, { requests })
      return (json['results'] as { code: number }[]).map(({ code }) => code)
    }
    expect(await codes('batch')).toEqual([200, 200, 200, 429, 429])
    expect(await codes('sequence')).toEqual([429])
  })

  test('pays for what an answer holds', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ reads: { burst: 3, perSecond: 0.1 } }) })
    const { call } = network.first
    for (const text of ['a', 'b']) await call('store', storing(text.repeat(76_800)))
    expect((await call('retrieve', retrieving())).status).toBe(200)
    expect((await call('retrieve', retrieving())).status).toBe(429)
  })

  test('with one member of its group that asks too much still serves the others', async () => {
    const subaccountRates = { reads: { burst: 2, perSecond: 0.1 }, writes: ONE }
    await using network = await createTestNetwork(1, { rpc: { ...rates({}), subaccountRates } })
    const asMember = (seed: number) => {
      const member = anAccount(seed)
      const token = subaccountToken(3, 7, member.pair.publicKey)
      return {
        pubkey: alice.groupId,
        namespace: 11,
        timestamp: START_MS,
        subaccount: toBase64(token),
        subaccount_sig: toBase64(sign(token, alice.pair.secretKey)),
        signature: member.sign(`retrieve11${START_MS}`),
      }
    }
    const read = async (seed: number) => (await network.first.call('retrieve', asMember(seed))).status
    expect([await read(3), await read(3), await read(3)]).toEqual([200, 200, 429])
    expect(await read(4)).toBe(200)
  })

  test('is not put in debt by the large answers to one member of its group', () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms }
    const metrics = { limited: { inc: () => {}, add: () => {} } }
    const limiter = new AccountLimiter({ clock, metrics }, defaultRpcOptions)
    const user = { account: alice.groupId, authentication: { signature: new Uint8Array(64) } }
    const subaccount = { token: subaccountToken(3, 7, bob.pair.publicKey), signature: new Uint8Array(64) }
    const member = { ...user, authentication: { ...user.authentication, subaccount } }
    for (let at = 0; at < 300; at++) limiter.take('reads', member)
    for (let at = 0; at < 300; at++) limiter.chargeBytes('reads', member, 7_800_000)
    expect(() => limiter.take('reads', user)).toThrow('Too many requests')
    clock.ms += 10
    limiter.take('reads', user)
    clock.ms += 1000 * SECOND
    expect(() => limiter.take('reads', member)).toThrow('Too many requests')
  })

  test('is told of it inside the seal of an onion, so that the path does not learn it', async () => {
    await using network = await createTestNetwork(1, { rpc: rates({ openWrites: ONE }) })
    await using relays = await createRelayNetwork({
      rpc: { handleOnionRpc: (payload) => network.first.handleOnionRpc(payload) },
    })
    const ask = async (text: string) => {
      const { body, replyKey } = buildOnionRequest({
        path: [0, 1, 2].map((index) => relays.node(index).pathNode),
        destination: { kind: 'service-node', ...relays.node(3).pathNode },
        payload: utf8(JSON.stringify({ method: 'store', params: storing(text) })),
        encryption: 'xchacha20',
      })
      const answer = await relays.node(0).relay.handleClientRequest(body, new AbortController().signal)
      return [answer.status, openOnionReply(replyKey, answer.body).status]
    }
    expect([await ask('1'), await ask('2')]).toEqual([
      [200, 200],
      [200, 429],
    ])
  })

  test('of which there are too many to remember is not refused, but starts anew', () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms }
    const metrics = { limited: { inc: () => {}, add: () => {} } }
    const options = { ...defaultRpcOptions, ...rates({ openWrites: ONE }), accountsMax: 2 }
    const limiter = new AccountLimiter({ clock, metrics }, options)
    const takes = (account: typeof alice.id) => {
      try {
        limiter.take('openWrites', { account })
        return true
      } catch {
        return false
      }
    }
    expect([alice.id, alice.id, bob.id].map(takes)).toEqual([true, false, true])
    expect([alice.groupId, alice.id].map(takes)).toEqual([true, true])
  })
})

describe('a member that passes requests on', () => {
  const passedOn = async (network: TestNetwork, params: object, to = network.first, from = network.nodes[1]) => {
    const payload = encodeForwardedRequest({
      method: 'store',
      params: asParams(params),
      receivedMs: START_MS,
      stamp: START_MS * 1000,
    })
    const answer = await to.handleForwarded((from as TestNode).key, payload, new AbortController().signal)
    return decodeForwardedAnswer(answer).status
  }
  const asParams = (params: object) => {
    const value = JSON.parse(JSON.stringify(params))
    if (!isJsonObject(value)) throw new Error('Not an object')
    return value
  }

  test("is not bound by the account's rate, which the entry node has seen to", async () => {
    await using network = await createTestNetwork(2, { rpc: rates({ openWrites: ONE }) })
    for (const node of network.nodes) {
      const { json } = await node.call('store', storing(`at ${node.key}`))
      expect(Object.values(json['swarm'] as object).map(({ failed }) => failed)).toEqual([undefined, undefined])
    }
  })

  test('cannot write into one inbox faster than it may take of clients, nor hinder others', async () => {
    await using network = await createTestNetwork(3, { rpc: { memberOpenWriteRate: ONE } })
    expect(await passedOn(network, storing('1'))).toBe(200)
    expect(await passedOn(network, storing('2'))).toBe(429)
    expect(await passedOn(network, signedStoring('3'))).toBe(200)
    expect(await passedOn(network, storing('4', bob))).toBe(200)
    expect(await passedOn(network, storing('5'), network.first, network.nodes[2])).toBe(200)
    expect(await network.first.exposeMetrics()).toContain('starling_rpc_limited_total{use="memberStores"} 1')
  })

  test('cannot make any number of requests, nor hinder others', async () => {
    await using network = await createTestNetwork(3, { rpc: { memberRate: { burst: 2, perSecond: 0.1 } } })
    const statuses = []
    for (const text of ['1', '2', '3']) statuses.push(await passedOn(network, signedStoring(text)))
    expect(statuses).toEqual([200, 200, 429])
    expect(await passedOn(network, signedStoring('4'), network.first, network.nodes[2])).toBe(200)
    expect((await network.first.call('store', signedStoring('5'))).status).toBe(200)
    expect(await network.first.exposeMetrics()).toContain('starling_rpc_limited_total{use="memberRequests"} 1')
  })
})

test('what clients do is far below the rates, and a mailbox of any size is restored within them', () => {
  const { accountRates, subaccountRates } = defaultRpcOptions
  const pollsPerSecond = 1 / 5
  const devices = 10
  // Five namespaces of one's own and an `expire`, each at two members: all at this one.
  expect(accountRates.reads.perSecond).toBeGreaterThan(2 * 5 * devices * pollsPerSecond)
  expect(accountRates.writes.perSecond).toBeGreaterThan(2 * devices * pollsPerSecond)
  expect(subaccountRates.reads.perSecond).toBeGreaterThanOrEqual(2 * 5 * devices * pollsPerSecond)
  expect(subaccountRates.writes.perSecond).toBeGreaterThanOrEqual(2 * devices * pollsPerSecond)
  // A group of 100 people with 150 devices, each of which asks two of five members.
  const groupPolls = (150 * pollsPerSecond * 2) / 5
  expect(accountRates.reads.perSecond).toBeGreaterThan(2 * 5 * groupPolls)
  expect(accountRates.writes.perSecond).toBeGreaterThan(2 * groupPolls)
  expect(accountRates.reads.burst).toBeGreaterThanOrEqual(2 * 5 * 150)
})
