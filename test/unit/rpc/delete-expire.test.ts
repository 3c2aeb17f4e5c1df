import { describe, expect, test } from 'vitest'
import { toBase64, utf8 } from '../../../src/base/bytes.ts'
import { DAY, MINUTE } from '../../../src/base/clock.ts'
import { sign, verifySignature } from '../../../src/crypto/signature.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { compareHashes, hashMessage, type MessageHash } from '../../../src/protocol/message.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork, type TestNode } from './rpc-fixture.ts'

const alice = anAccount(1)
const account = alice.groupId
const EXPIRY = START_MS + DAY
const NONE = hashMessage(account, 0, Buffer.from('never stored'))

/** Stores a message for each text on every node, and returns their hashes in that order. */
async function keep(
  network: TestNetwork,
  texts: readonly string[],
  namespace = 0,
  timestampMs = START_MS,
): Promise<MessageHash[]> {
  const hashes = texts.map((text) => hashMessage(account, namespace, Buffer.from(text)))
  for (const node of network.nodes) {
    for (const [at, hash] of hashes.entries()) {
      const data = Buffer.from(texts[at] ?? '')
      await node.store.store.store({ account, namespace, hash, timestampMs, expiryMs: EXPIRY, data })
    }
  }
  return hashes
}

/** The fields of a request that a subaccount of Alice's group signs, whose token has these flags. */
function signedByMember(flags: number, text: string) {
  const member = anAccount(4)
  const token = subaccountToken(3, flags, member.pair.publicKey)
  const proof = { subaccount: toBase64(token), subaccount_sig: toBase64(sign(token, alice.pair.secretKey)) }
  return { ...proof, signature: member.sign(text) }
}

/** Calls a method and returns each node's result, once its signature over `text(result)` is checked. */
async function results(
  network: TestNetwork,
  [method, params]: readonly [string, object],
  text: (result: JsonObject) => string,
): Promise<JsonObject[]> {
  const { status, json } = await network.first.call(method, params)
  expect({ status, json }).toMatchObject({ status: 200, json: { t: START_MS, hf: [19, 4] } })
  const swarm = json['swarm'] as Record<string, JsonObject>
  expect(Object.keys(swarm)).toHaveLength(network.nodes.length)
  return network.nodes.map((node) => verified(node, swarm[node.key] ?? {}, text))
}

function verified(node: TestNode, result: JsonObject, text: (result: JsonObject) => string): JsonObject {
  const { signature, ...rest } = result
  const bytes = Buffer.from(String(signature), 'base64')
  expect(verifySignature(bytes, utf8(text(rest)), node.pair.publicKey)).toBe(true)
  return rest
}

const joined = (value: unknown) => (value as string[]).join('')

describe('delete', () => {
  const deleting = (hashes: readonly string[], changes: object = {}) => ({
    pubkey: account,
    messages: hashes,
    signature: alice.sign(`delete${hashes.join('')}`),
    ...changes,
  })

  test('each member says, sorted and signed, what it deleted', async () => {
    await using network = await createTestNetwork(2)
    const hashes = await keep(network, ['a', 'b', 'c'])
    const requested = [NONE, ...hashes.slice(0, 2).sort(compareHashes).reverse()]
    const text = (result: JsonObject) => `${account}${requested.join('')}${joined(result['deleted'])}`
    const deleted = hashes.slice(0, 2).sort(compareHashes)
    expect(await results(network, ['delete', deleting(requested)], text)).toEqual(Array(2).fill({ deleted }))
    expect(await results(network, ['delete', deleting(requested)], text)).toEqual(Array(2).fill({ deleted: [] }))
  })

  test('with `required`, deleting nothing anywhere is 404, with the same body', async () => {
    await using network = await createTestNetwork(2)
    const [hash = NONE] = await keep(network, ['a'])
    expect(await network.first.call('delete', deleting([NONE]))).toMatchObject({ status: 200 })
    const missed = await network.first.call('delete', deleting([NONE], { required: true }))
    expect(missed).toMatchObject({ status: 404, json: { swarm: { [network.first.key]: { deleted: [] } } } })
    await network.first.store.store.delete(account, [hash])
    // The other member still has it.
    expect(await network.first.call('delete', deleting([hash], { required: true }))).toMatchObject({ status: 200 })
  })

  test('a wrong signature, or one over another order, is refused', async () => {
    await using network = await createTestNetwork(1)
    const hashes = await keep(network, ['a', 'b'])
    const body = 'delete_msgs signature verification failed'
    const params = deleting(hashes, { messages: [...hashes].reverse() })
    expect(await network.first.call('delete', params)).toMatchObject({ status: 401, body })
  })
})

describe('delete_all', () => {
  const deletingAll = (namespace: number | string | undefined, changes: object = {}) => ({
    pubkey: account,
    timestamp: START_MS,
    ...(namespace !== undefined && { namespace }),
    signature: alice.sign(`delete_all${namespace === 0 ? '' : (namespace ?? '')}${START_MS}`),
    ...changes,
  })

  test('one namespace is emptied, 0 unless another is named', async () => {
    await using network = await createTestNetwork(2)
    const [zero, five] = [await keep(network, ['a', 'b']), await keep(network, ['a', 'b'], 5)]
    const text = (result: JsonObject) => `${account}${START_MS}${joined(result['deleted'])}`
    const request = (namespace?: number) => ['delete_all', deletingAll(namespace)] as const
    expect(await results(network, request(), text)).toEqual(Array(2).fill({ deleted: zero.sort(compareHashes) }))
    expect(await results(network, request(0), text)).toEqual(Array(2).fill({ deleted: [] }))
    expect(await results(network, request(5), text)).toEqual(Array(2).fill({ deleted: five.sort(compareHashes) }))
  })

  test('all namespaces are listed apart and signed together, sorted over all', async () => {
    await using network = await createTestNetwork(2)
    const [zero, minus] = [await keep(network, ['a', 'b', 'c']), await keep(network, ['a', 'b'], -11)]
    const all = [...zero, ...minus].sort(compareHashes)
    const text = () => `${account}${START_MS}${all.join('')}`
    const deleted = { '0': zero.sort(compareHashes), '-11': minus.sort(compareHashes) }
    expect(await results(network, ['delete_all', deletingAll('all')], text)).toEqual(Array(2).fill({ deleted }))
    const { status } = await network.first.call('delete_all', deletingAll('all'))
    expect(status).toBe(200)
  })

  test.each([
    [deletingAll(0, { timestamp: START_MS - MINUTE - 1 }), 406, 'delete_all timestamp too far from current time'],
    [deletingAll(0, { timestamp: START_MS + MINUTE + 1 }), 406, 'delete_all timestamp too far from current time'],
    [deletingAll(0, { timestamp: START_MS + MINUTE }), 401, 'delete_all signature verification failed'],
    [deletingAll(0, { namespace: 'all' }), 401, 'delete_all signature verification failed'],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('delete_all', params)).toMatchObject({ status, body })
  })
})

describe('delete_before', () => {
  const deletingBefore = (before: number, namespace?: number | 'all', changes: object = {}) => ({
    pubkey: account,
    before,
    ...(namespace !== undefined && { namespace }),
    signature: alice.sign(`delete_before${namespace ?? ''}${before}`),
    ...changes,
  })
  const text = (before: number) => (result: JsonObject) =>
    `${account}${before}${Object.values(result['deleted'] ?? {})
      .flat()
      .sort()
      .join('')}`

  test('messages as old as the moment go, newer ones and other namespaces stay', async () => {
    await using network = await createTestNetwork(2)
    const old = (await keep(network, ['a', 'b'])).sort(compareHashes)
    const recent = await keep(network, ['c'], 0, START_MS + 1)
    const elsewhere = await keep(network, ['a'], 5)
    const request = (before: number) => ['delete_before', deletingBefore(before)] as const
    const none = { deleted: [] }
    expect(await results(network, request(START_MS - 1), text(START_MS - 1))).toEqual([none, none])
    expect(await results(network, request(START_MS), text(START_MS))).toEqual(Array(2).fill({ deleted: old }))
    expect(await results(network, request(START_MS), text(START_MS))).toEqual([none, none])
    const left = await network.first.store.store.expiries(account, [...old, ...recent, ...elsewhere])
    expect(left.map(({ hash }) => hash)).toEqual([...recent, ...elsewhere])
  })

  test('all namespaces are listed apart and signed together', async () => {
    await using network = await createTestNetwork(2)
    const [zero, minus] = [await keep(network, ['a', 'b', 'c']), await keep(network, ['a', 'b'], -11)]
    const deleted = { '0': zero.sort(compareHashes), '-11': minus.sort(compareHashes) }
    const request = ['delete_before', deletingBefore(START_MS, 'all')] as const
    expect(await results(network, request, text(START_MS))).toEqual(Array(2).fill({ deleted }))
  })

  test.each([
    [deletingBefore(START_MS + MINUTE + 1), 401, 'delete_before timestamp too far in the future'],
    [deletingBefore(START_MS, 5, { namespace: 'all' }), 401, 'delete_before signature verification failed'],
    [deletingBefore(START_MS, 5, { before: START_MS + 1 }), 401, 'delete_before signature verification failed'],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('delete_before', params)).toMatchObject({ status, body })
  })

  test('a moment up to a minute ahead is taken, and a subaccount needs to be allowed to delete', async () => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('delete_before', deletingBefore(START_MS + MINUTE))).toMatchObject({ status: 200 })
    const by = (flags: number) => {
      const proof = signedByMember(flags, `delete_before${START_MS}`)
      return network.first.call('delete_before', { ...deletingBefore(START_MS), ...proof })
    }
    expect(await by(3)).toMatchObject({ status: 401, body: 'delete_before signature verification failed' })
    expect(await by(4)).toMatchObject({ status: 200 })
  })
})

describe('expire', () => {
  const expiring = (hashes: readonly string[], expiry: number | number[], changes: Record<string, unknown> = {}) => {
    const flag = changes['shorten'] ? 'shorten' : changes['extend'] ? 'extend' : ''
    const signature = alice.sign(`expire${flag}${[expiry].flat().join('')}${hashes.join('')}`)
    return { pubkey: account, messages: hashes, expiry, signature, ...changes }
  }
  const text = (hashes: readonly string[]) => (result: JsonObject) => {
    const kept = Object.entries((result['unchanged'] ?? {}) as object).map(([hash, expiry]) => `${hash}${expiry}`)
    return `${account}${[result['expiry']].flat().join('')}${hashes.join('')}${joined(result['updated'])}${joined(kept)}`
  }

  test('without a flag every held message moves, and the value that was tried is named', async () => {
    await using network = await createTestNetwork(2)
    const hashes = await keep(network, ['a', 'b'])
    const request = [...hashes.sort(compareHashes).reverse(), NONE]
    for (const expiry of [EXPIRY + 5, EXPIRY - 5, EXPIRY - 5]) {
      const updated = [...hashes].sort(compareHashes)
      const result = { expiry, updated }
      expect(await results(network, ['expire', expiring(request, expiry)], text(request))).toEqual([result, result])
    }
    const nothing = { expiry: EXPIRY, updated: [] }
    expect(await results(network, ['expire', expiring([NONE], EXPIRY)], text([NONE]))).toEqual([nothing, nothing])
  })

  test('shorten and extend move one way and list what they left', async () => {
    await using network = await createTestNetwork(2)
    const [hash = NONE] = await keep(network, ['a'])
    const once = async (expiry: number, changes: Record<string, unknown>) => {
      const [result] = await results(network, ['expire', expiring([hash, NONE], expiry, changes)], text([hash, NONE]))
      return [result?.['updated'], result?.['unchanged']]
    }
    expect(await once(EXPIRY - DAY / 2, { shorten: true })).toEqual([[hash], {}])
    expect(await once(EXPIRY, { shorten: true })).toEqual([[], { [hash]: EXPIRY - DAY / 2 }])
    expect(await once(EXPIRY - DAY / 2, { shorten: true })).toEqual([[], { [hash]: EXPIRY - DAY / 2 }])
    expect(await once(EXPIRY, { extend: true })).toEqual([[hash], {}])
    expect(await once(EXPIRY - 5, { extend: true })).toEqual([[], { [hash]: EXPIRY }])
  })

  test('several expiries are applied one by one, and listed beside the updated hashes', async () => {
    await using network = await createTestNetwork(2)
    const [a = NONE, b = NONE] = (await keep(network, ['a', 'b'])).sort(compareHashes)
    const request = [b, NONE, a]
    const result = { expiry: [EXPIRY + 3, EXPIRY + 1], updated: [a, b] }
    const params = expiring(request, [EXPIRY + 1, EXPIRY + 2, EXPIRY + 3])
    expect(await results(network, ['expire', params], text(request))).toEqual([result, result])
  })

  test('no expiry is set later than 30 days from now, the same on every member', async () => {
    await using network = await createTestNetwork(2)
    const hashes = await keep(network, ['a'])
    network.nodes[1]?.store.clock.pass(5000)
    const result = { expiry: START_MS + 30 * DAY, updated: hashes }
    const params = expiring(hashes, START_MS + 90 * DAY)
    expect(await results(network, ['expire', params], text(hashes))).toEqual([result, result])
  })

  test.each([
    [expiring([NONE], START_MS - MINUTE - 1), 401, 'expire: timestamp should be >= current time'],
    [expiring([NONE], [START_MS - MINUTE - 1]), 401, 'expire: timestamp should be >= current time'],
    [expiring([NONE], EXPIRY, { signature: 'A'.repeat(86) }), 401, 'expire: signature verification failed'],
    [{ ...expiring([NONE], EXPIRY), extend: true }, 401, 'expire: signature verification failed'],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('expire', params)).toMatchObject({ status, body })
  })

  test('a subaccount that may not delete cannot shorten, and only extends', async () => {
    await using network = await createTestNetwork(1)
    const member = anAccount(4)
    const token = subaccountToken(3, 2, member.pair.publicKey)
    const proof = { subaccount: toBase64(token), subaccount_sig: toBase64(sign(token, alice.pair.secretKey)) }
    const hashes = await keep(network, ['a'])
    const call = async (expiry: number, flag: 'shorten' | 'extend' | '') => {
      const signature = member.sign(`expire${flag}${expiry}${hashes.join('')}`)
      const flags = flag === '' ? {} : { [flag]: true }
      return network.first.call('expire', { pubkey: account, messages: hashes, expiry, signature, ...proof, ...flags })
    }
    const own = { [network.first.key]: { expiry: EXPIRY - 5, updated: [], signature: expect.any(String) } }
    expect(await call(EXPIRY - 5, 'shorten')).toMatchObject({
      status: 400,
      body: 'expire: shorten parameter cannot be used with this subaccount token (missing delete access)',
    })
    expect((await call(EXPIRY - 5, '')).json['swarm']).toEqual(own)
    const extended = await call(EXPIRY + 5, '')
    expect(extended.json['swarm']).toMatchObject({ [network.first.key]: { updated: hashes } })
  })
})

describe('expire_all', () => {
  const expiringAll = (expiry: number, namespace?: number | 'all', changes: object = {}) => ({
    pubkey: account,
    expiry,
    ...(namespace !== undefined && { namespace }),
    signature: alice.sign(`expire_all${namespace ?? ''}${expiry}`),
    ...changes,
  })
  const text = (expiry: number) => (result: JsonObject) =>
    `${account}${expiry}${Object.values(result['updated'] ?? {})
      .flat()
      .sort()
      .join('')}`

  test('what would live longer is shortened; nothing is extended', async () => {
    await using network = await createTestNetwork(2)
    const hashes = (await keep(network, ['a', 'b'])).sort(compareHashes)
    const elsewhere = await keep(network, ['a'], 5)
    const request = (expiry: number) => ['expire_all', expiringAll(expiry)] as const
    const none = { updated: [] }
    expect(await results(network, request(EXPIRY + 1), text(EXPIRY + 1))).toEqual([none, none])
    expect(await results(network, request(EXPIRY), text(EXPIRY))).toEqual([none, none])
    expect(await results(network, request(EXPIRY - 1), text(EXPIRY - 1))).toEqual(Array(2).fill({ updated: hashes }))
    const left = await network.first.store.store.expiries(account, [...hashes, ...elsewhere])
    expect(left.map(({ expiryMs }) => expiryMs - EXPIRY)).toEqual([-1, -1, 0])
  })

  test('all namespaces are listed apart and signed together', async () => {
    await using network = await createTestNetwork(2)
    const [zero, minus] = [await keep(network, ['a', 'b', 'c']), await keep(network, ['a', 'b'], -11)]
    const updated = { '0': zero.sort(compareHashes), '-11': minus.sort(compareHashes) }
    const request = ['expire_all', expiringAll(EXPIRY - 1, 'all')] as const
    expect(await results(network, request, text(EXPIRY - 1))).toEqual(Array(2).fill({ updated }))
  })

  test.each([
    [expiringAll(START_MS - MINUTE - 1), 406, 'expire_all timestamp should be >= current time'],
    [expiringAll(EXPIRY, 5, { namespace: 'all' }), 401, 'expire_all signature verification failed'],
    [
      { ...expiringAll(EXPIRY), ...signedByMember(3, `expire_all${EXPIRY}`) },
      401,
      'expire_all signature verification failed',
    ],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('expire_all', params)).toMatchObject({ status, body })
  })

  test('a moment up to a minute ago ends messages at once', async () => {
    await using network = await createTestNetwork(1)
    const hashes = await keep(network, ['a'])
    const proof = signedByMember(4, `expire_all${START_MS - MINUTE}`)
    const answer = await network.first.call('expire_all', { ...expiringAll(START_MS - MINUTE), ...proof })
    expect(answer).toMatchObject({ status: 200, json: { swarm: { [network.first.key]: { updated: hashes } } } })
    expect(await network.first.store.store.expiries(account, hashes)).toEqual([])
  })
})

describe('get_expiries', () => {
  const asking = (hashes: readonly string[], changes: object = {}) => ({
    pubkey: alice.id,
    pubkey_ed25519: alice.ed25519.toUpperCase(),
    messages: hashes,
    timestamp: START_MS,
    signature: alice.sign(`get_expiries${START_MS}${hashes.join('')}`),
    ...changes,
  })

  test('the answer names the held messages and nothing else', async () => {
    await using network = await createTestNetwork(1)
    const message = { account: alice.id, namespace: 0, timestampMs: START_MS, expiryMs: EXPIRY, data: Buffer.from('a') }
    const hash = hashMessage(alice.id, 0, message.data)
    await network.first.store.store.store({ ...message, hash })
    const { status, json } = await network.first.call('get_expiries', asking([hash, NONE, 'all']))
    expect({ status, json }).toEqual({ status: 200, json: { expiries: { [hash]: EXPIRY } } })
  })

  test.each([
    [asking([NONE], { timestamp: START_MS - MINUTE - 1 }), 406, 'get_expiries timestamp too far from current time'],
    [asking([NONE], { messages: [NONE, NONE] }), 401, 'get_expiries signature verification failed'],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('get_expiries', params)).toMatchObject({ status, body })
  })
})
