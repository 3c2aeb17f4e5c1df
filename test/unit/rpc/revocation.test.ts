import { describe, expect, test } from 'vitest'
import { concat, toBase64, toHex, utf8 } from '../../../src/base/bytes.ts'
import { DAY, MINUTE } from '../../../src/base/clock.ts'
import { sign, verifySignature } from '../../../src/crypto/signature.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork } from './rpc-fixture.ts'

const alice = anAccount(1)
const account = alice.groupId
const member = anAccount(4)
/** Read, write and delete. */
const token = subaccountToken(3, 7, member.pair.publicKey)
const tokens = (count: number) => Array.from({ length: count }, (_, at) => new Uint8Array(36).fill(at + 1))

type Change = 'revoke' | 'unrevoke'

const changing = (change: Change, list: readonly Uint8Array[], fields: object = {}) => ({
  pubkey: account,
  timestamp: START_MS,
  [change]: list.map(toBase64),
  signature: alice.sign(concat(utf8(`${change}_subaccount${START_MS}`), ...list)),
  ...fields,
})
const listing = (fields: object = {}) => ({
  pubkey: account,
  timestamp: START_MS,
  signature: alice.sign(`revoked_subaccounts${START_MS}`),
  ...fields,
})
const byMember = (text: string, fields: object) => ({
  pubkey: account,
  subaccount: toBase64(token),
  subaccount_sig: toBase64(sign(token, alice.pair.secretKey)),
  signature: member.sign(text),
  ...fields,
})

/** Changes the list on every node, checks what each signs, and returns the rest of their results. */
async function change(network: TestNetwork, kind: Change, list: readonly Uint8Array[]): Promise<JsonObject[]> {
  const { status, json } = await network.first.call(`${kind}_subaccount`, changing(kind, list))
  expect({ status, json }).toMatchObject({ status: 200, json: { t: START_MS, hf: [19, 4] } })
  const swarm = json['swarm'] as Record<string, JsonObject>
  expect(Object.keys(swarm)).toHaveLength(network.nodes.length)
  return network.nodes.map((node) => {
    const { signature, ...rest } = swarm[node.key] ?? {}
    const text = concat(utf8(`${account}${START_MS}`), ...list)
    expect(verifySignature(Buffer.from(String(signature), 'base64'), text, node.pair.publicKey)).toBe(true)
    return rest
  })
}

const hash = hashMessage(account, 11, Buffer.from('a'))
const expiry = START_MS + DAY
const data = toBase64(Buffer.from('a'))
/** Everything that a subaccount may ask, and the text with which it is refused. */
const requests: readonly [string, object, string][] = [
  [
    'store',
    byMember(`store11${START_MS}`, { namespace: 11, timestamp: START_MS, ttl: DAY, data }),
    'store signature verification failed',
  ],
  [
    'retrieve',
    byMember(`retrieve11${START_MS}`, { namespace: 11, timestamp: START_MS }),
    'retrieve signature verification failed',
  ],
  [
    'get_expiries',
    byMember(`get_expiries${START_MS}${hash}`, { messages: [hash], timestamp: START_MS }),
    'get_expiries signature verification failed',
  ],
  ['expire', byMember(`expire${expiry}${hash}`, { messages: [hash], expiry }), 'expire: signature verification failed'],
  ['expire_all', byMember(`expire_all${expiry}`, { expiry }), 'expire_all signature verification failed'],
  ['delete', byMember(`delete${hash}`, { messages: [hash] }), 'delete_msgs signature verification failed'],
  [
    'delete_before',
    byMember(`delete_before${START_MS}`, { before: START_MS }),
    'delete_before signature verification failed',
  ],
  [
    'delete_all',
    byMember(`delete_all${START_MS}`, { timestamp: START_MS }),
    'delete_all signature verification failed',
  ],
]

describe('revoke_subaccount and unrevoke_subaccount', () => {
  test('a revoked subaccount may do nothing on any member, until it is taken back', async () => {
    const writes = { burst: 1000, perSecond: 1 }
    const subaccountRates = { ...defaultRpcOptions.subaccountRates, writes }
    await using network = await createTestNetwork(2, { rpc: { subaccountRates } })
    const statuses = async () => {
      const answers = []
      for (const node of network.nodes) {
        for (const [method, params] of requests) answers.push(await node.call(method, params))
      }
      return answers.map(({ status, body }) => (status === 200 ? status : [status, body]))
    }
    const all = [...requests, ...requests]
    expect(await statuses()).toEqual(all.map(() => 200))
    expect(await change(network, 'revoke', [token])).toEqual([{}, {}])
    expect(await statuses()).toEqual(all.map(([, , refusal]) => [401, refusal]))
    expect(await change(network, 'unrevoke', [token, token])).toEqual([{ count: 1 }, { count: 1 }])
    expect(await statuses()).toEqual(all.map(() => 200))
    expect(await change(network, 'unrevoke', [token])).toEqual([{ count: 0 }, { count: 0 }])
  })

  test('it may still retrieve from the namespaces where it is told so', async () => {
    await using network = await createTestNetwork(1)
    await change(network, 'revoke', [token])
    const retrieve = (namespace: number) =>
      network.first.call('retrieve', byMember(`retrieve${namespace}${START_MS}`, { namespace, timestamp: START_MS }))
    expect(await retrieve(-11)).toMatchObject({ status: 200 })
    expect(await retrieve(-111)).toMatchObject({ status: 200 })
    expect(await retrieve(-12)).toMatchObject({ status: 401 })
    const params = { namespace: -11, timestamp: START_MS, ttl: DAY, data }
    expect(await network.first.call('store', byMember(`store-11${START_MS}`, params))).toMatchObject({ status: 401 })
  })

  test('the owner and other subaccounts go on', async () => {
    await using network = await createTestNetwork(1)
    const other = subaccountToken(3, 3, member.pair.publicKey)
    await change(network, 'revoke', [token])
    const [, [, params]] = requests as [unknown, [string, object]]
    const proof = { subaccount: toBase64(other), subaccount_sig: toBase64(sign(other, alice.pair.secretKey)) }
    expect(await network.first.call('retrieve', { ...params, ...proof })).toMatchObject({ status: 200 })
    const owner = {
      pubkey: account,
      namespace: 11,
      timestamp: START_MS,
      signature: alice.sign(`retrieve11${START_MS}`),
    }
    expect(await network.first.call('retrieve', owner)).toMatchObject({ status: 200 })
  })

  test('a Session id is its own account, whose owner names the Ed25519 key', async () => {
    await using network = await createTestNetwork(1)
    const session = { pubkey: alice.id, pubkey_ed25519: alice.ed25519 }
    const revoke = changing('revoke', [token], { ...session, revoke: toHex(token) })
    expect(await network.first.call('revoke_subaccount', revoke)).toMatchObject({ status: 200 })
    const revoked = async (fields: object) => (await network.first.call('revoked_subaccounts', listing(fields))).json
    expect((await revoked(session))['revoked_subaccounts']).toEqual([toBase64(token)])
    expect((await revoked({}))['revoked_subaccounts']).toEqual([])
  })

  test('a member to which the request travelled for long still takes it', async () => {
    await using network = await createTestNetwork(2)
    for (const { store } of network.nodes) store.clock.pass(MINUTE)
    network.nodes[1]?.store.clock.pass(5000)
    const { json } = await network.first.call('revoke_subaccount', changing('revoke', [token]))
    const results = Object.values(json['swarm'] as object)
    expect(results).toEqual(Array(2).fill({ signature: expect.any(String) }))
  })

  test('no more accounts have revocations than there is room for', async () => {
    await using network = await createTestNetwork(1, { storage: { revocationListsMax: 0 } })
    const { status, json } = await network.first.call('revoke_subaccount', changing('revoke', [token]))
    const failure = { failed: true, query_failure: true, reason: 'Storage is full' }
    expect({ status, json }).toMatchObject({ status: 507, json: { swarm: { [network.first.key]: failure } } })
  })

  const late = { timestamp: START_MS - MINUTE - 1 }
  const early = { timestamp: START_MS + MINUTE + 1 }
  const whole = { ...byMember(`revoke_subaccount${START_MS}`, {}), timestamp: START_MS }
  test.each([
    ['revoke', changing('revoke', [token], late), 406, 'revoke_subaccount timestamp too far from current time'],
    ['revoke', changing('revoke', [token], early), 406, 'revoke_subaccount timestamp too far from current time'],
    ['unrevoke', changing('unrevoke', [token], late), 406, 'unrevoke_subaccount timestamp too far from current time'],
    [
      'revoke',
      changing('revoke', tokens(2), { revoke: tokens(2).reverse().map(toBase64) }),
      401,
      'revoke_subaccount signature verification failed',
    ],
    [
      'unrevoke',
      changing('unrevoke', [token], { signature: changing('revoke', [token]).signature }),
      401,
      'unrevoke_subaccount signature verification failed',
    ],
    // The signature of a subaccount that may do everything else.
    ['revoke', { ...whole, revoke: [] }, 401, 'revoke_subaccount signature verification failed'],
    ['revoke', changing('revoke', tokens(50)), 200, undefined],
    [
      'revoke',
      changing('revoke', tokens(51)),
      400,
      'invalid request: invalid revoke: cannot revoke more than 50 subaccounts at once',
    ],
    ['unrevoke', changing('unrevoke', tokens(51)), 200, undefined],
    [
      'revoke',
      changing('revoke', [], { revoke: ['x'] }),
      400,
      'invalid request: invalid revoke: expected base64 or hex-encoded subaccount tokens',
    ],
    [
      'unrevoke',
      changing('unrevoke', [], { unrevoke: 'AAAA' }),
      400,
      'invalid request: invalid unrevoke: expected base64 or hex-encoded subaccount tokens',
    ],
    ['revoke', changing('unrevoke', []), 400, "invalid request: Required field 'revoke' missing"],
    ['unrevoke', changing('revoke', []), 400, "invalid request: Required field 'unrevoke' missing"],
    [
      'revoke',
      changing('revoke', [], { revoke: 1 }),
      400,
      "invalid request: Invalid value given for 'revoke': expected string array",
    ],
    ['revoke', changing('revoke', [], { timestamp: null }), 400, "invalid request: Required field 'timestamp' missing"],
  ])('%s %o is answered %i', async (kind, params, status, body) => {
    await using network = await createTestNetwork(1)
    const answer = await network.first.call(`${kind}_subaccount`, params)
    expect(answer).toMatchObject(body === undefined ? { status } : { status, body })
  })
})

describe('revoked_subaccounts', () => {
  test('the newest fifty are listed, oldest first', async () => {
    await using network = await createTestNetwork(1)
    const list = async () => {
      const { status, json } = await network.first.call('revoked_subaccounts', listing())
      const { revoked_subaccounts: revoked, ...rest } = json
      expect({ status, rest }).toEqual({ status: 200, rest: { t: START_MS, hf: [19, 4] } })
      return revoked
    }
    expect(await list()).toEqual([])
    await change(network, 'revoke', tokens(50))
    await change(network, 'revoke', [token])
    expect(await list()).toEqual([...tokens(50).slice(1), token].map(toBase64))
  })

  test.each([
    [listing({ timestamp: START_MS - MINUTE - 1 }), 406, 'revoked_subaccounts timestamp too far from current time'],
    [listing({ timestamp: START_MS + 1 }), 401, 'revoked_subaccounts signature verification failed'],
    [
      byMember(`revoked_subaccounts${START_MS}`, { timestamp: START_MS }),
      401,
      'revoked_subaccounts signature verification failed',
    ],
    [listing({ timestamp: null }), 400, "invalid request: Required field 'timestamp' missing"],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('revoked_subaccounts', params)).toMatchObject({ status, body })
  })
})
