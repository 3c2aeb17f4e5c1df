import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../src/base/bytes.ts'
import { DAY, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { sign, verifySignature } from '../../../src/crypto/signature.ts'
import { subaccountToken } from '../../../src/protocol/client-api/subaccount.ts'
import { hashMessage, type MessageHash } from '../../../src/protocol/message.ts'
import { anAccount, createTestNetwork, START_MS } from './rpc-fixture.ts'

const alice = anAccount(1)
const data = Buffer.from('hello')
const storing = (changes: object = {}) => ({
  pubkey: alice.id,
  timestamp: START_MS,
  ttl: DAY,
  data: toBase64(data),
  ...changes,
})
const signedStoring = (namespace: number, changes: object = {}) =>
  storing({
    namespace,
    pubkey_ed25519: alice.ed25519,
    signature: alice.sign(`store${namespace === 0 ? '' : namespace}${START_MS}`),
    ...changes,
  })
const retrieving = (namespace = 0, changes: object = {}) => ({
  pubkey: alice.id,
  pubkey_ed25519: alice.ed25519,
  namespace,
  timestamp: START_MS,
  signature: alice.sign(`retrieve${namespace === 0 ? '' : namespace}${START_MS}`),
  ...changes,
})

describe('store', () => {
  test('a message is kept by every member, each of which signs its hash', async () => {
    await using network = await createTestNetwork(3)
    const hash = hashMessage(alice.id, 0, data)
    const { status, json } = await network.first.call('store', storing())
    expect(status).toBe(200)
    expect(json).toEqual({ hash, swarm: expect.anything(), t: START_MS, hf: [19, 4] })
    const swarm = json['swarm'] as Record<string, { signature: string }>
    expect(Object.keys(swarm).sort()).toEqual(network.nodes.map(({ key }) => key).sort())
    for (const node of network.nodes) {
      const own = node === network.first ? { t: START_MS } : {}
      expect(swarm[node.key]).toEqual({ hash, signature: expect.any(String), expiry: START_MS + DAY, ...own })
      const signature = Buffer.from(swarm[node.key]?.signature ?? '', 'base64')
      expect(verifySignature(signature, Buffer.from(hash), node.pair.publicKey)).toBe(true)
      expect((await node.call('retrieve', retrieving())).json['messages']).toHaveLength(1)
    }
  })

  test('the same message again is `already` there and only ever lives longer', async () => {
    await using network = await createTestNetwork(2)
    const results = async (ttl: number) => {
      const { json } = await network.first.call('store', storing({ ttl }))
      return Object.values(json['swarm'] as object).map(({ already, expiry }) => [already, expiry])
    }
    expect(await results(DAY)).toEqual(Array(2).fill([undefined, START_MS + DAY]))
    expect(await results(2 * DAY)).toEqual(Array(2).fill([true, START_MS + 2 * DAY]))
    expect(await results(DAY)).toEqual(Array(2).fill([true, START_MS + 2 * DAY]))
  })

  test.each([
    [storing({ ttl: 10 * SECOND - 1 }), 403, 'Provided expiry/TTL is not valid.'],
    [storing({ ttl: 14 * DAY + 1 }), 403, 'Provided expiry/TTL is not valid.'],
    [signedStoring(5, { ttl: 30 * DAY + 1 }), 403, 'Provided expiry/TTL is not valid.'],
    [storing({ timestamp: START_MS + 10_001 }), 406, 'Timestamp error: check your clock'],
    [storing({ timestamp: START_MS - DAY - 10_001 }), 406, 'Timestamp error: check your clock'],
    [storing({ namespace: 5 }), 401, 'store: signature required to store to namespace 5'],
    [
      signedStoring(5, { sig_timestamp: START_MS + MINUTE + 1 }),
      406,
      'store signature timestamp too far from current time',
    ],
    [
      signedStoring(5, { sig_timestamp: START_MS - MINUTE - 1 }),
      406,
      'store signature timestamp too far from current time',
    ],
    [signedStoring(5, { sig_timestamp: START_MS + 1 }), 401, 'store signature verification failed'],
    [signedStoring(5, { pubkey_ed25519: anAccount(2).ed25519 }), 401, 'store signature verification failed'],
    [signedStoring(5, { pubkey_ed25519: undefined }), 401, 'store signature verification failed'],
    [storing({ data: '?' }), 400, "invalid request: Invalid 'data' value: not base64 encoded"],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('store', params)).toMatchObject({ status, body })
  })

  test.each([
    storing({ ttl: 14 * DAY }),
    storing({ ttl: 10 * SECOND }),
    storing({ timestamp: START_MS + 10_000 }),
    storing({ timestamp: START_MS - DAY - 9_999 }),
    // The signature of a public inbox is not looked at.
    storing({ signature: 'A'.repeat(86) }),
    signedStoring(5, { ttl: 30 * DAY }),
    signedStoring(5, { pubkey_ed25519: alice.ed25519.toUpperCase() }),
    signedStoring(-21),
    { ...signedStoring(5), pubkey: alice.groupId, pubkey_ed25519: undefined },
    // A 05 account whose key is an Ed25519 key itself.
    { ...signedStoring(5), pubkey: `05${alice.ed25519}`, pubkey_ed25519: undefined },
  ])('%o is stored', async (params) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('store', params)).toMatchObject({ status: 200 })
  })

  test('a subaccount stores as far as its token allows, and only for its account', async () => {
    await using network = await createTestNetwork(1)
    const [owner, member] = [anAccount(3), anAccount(4)]
    const store = async (prefix: number, flags: number, namespace: number, changes: object = {}) => {
      const token = subaccountToken(prefix, flags, member.pair.publicKey)
      const params = {
        ...storing({ namespace, pubkey: owner.groupId, signature: member.sign(`store${namespace}${START_MS}`) }),
        subaccount: toBase64(token),
        subaccount_sig: toBase64(sign(token, owner.pair.secretKey)),
        ...changes,
      }
      return (await network.first.call('store', params)).status
    }
    expect(await store(3, 2, 11)).toBe(200)
    expect(await store(3, 1, 11)).toBe(401)
    expect(await store(5, 2, 11)).toBe(401)
    expect(await store(5, 2 | 8, 11)).toBe(200)
    expect(await store(3, 2, -1)).toBe(401)
    expect(await store(3, 2 | 4, -1)).toBe(200)
    expect(await store(3, 2, 11, { pubkey: alice.groupId })).toBe(401)
    expect(await store(3, 2, 11, { signature: owner.sign(`store11${START_MS}`) })).toBe(401)
  })

  test('a public key of small order signs nothing', async () => {
    await using network = await createTestNetwork(1)
    const point = `01${'00'.repeat(31)}`
    const signature = Buffer.from(`${point}${'00'.repeat(32)}`, 'hex').toString('base64')
    const params = { ...storing({ namespace: 5, signature }), pubkey: `03${point}` }
    expect(await network.first.call('store', params)).toMatchObject({ status: 401 })
    const named = { ...params, pubkey: `05${point}`, pubkey_ed25519: point }
    expect(await network.first.call('store', named)).toMatchObject({ status: 401 })
  })

  test('a full store is named, and the whole is 507 only when nobody could keep it', async () => {
    const dataSize = 600
    await using network = await createTestNetwork(2, { storage: { accountBytesMax: 500, authenticatedReserve: 0 } })
    const large = storing({ data: toBase64(Buffer.alloc(dataSize)) })
    const { status, json } = await network.first.call('store', large)
    expect(status).toBe(507)
    expect(json).toEqual({
      swarm: {
        [network.first.key]: { failed: true, query_failure: true, reason: 'Storage is full' },
        [network.nodes[1]?.key ?? '']: { failed: true, code: '507', reason: 'Storage is full' },
      },
      t: START_MS,
      hf: [19, 4],
    })
  })
})

describe('retrieve', () => {
  test('messages come in order with both names of their expiry, and page by hash', async () => {
    await using network = await createTestNetwork(1)
    const texts = ['one', 'two', 'three']
    for (const text of texts) await network.first.call('store', storing({ data: toBase64(Buffer.from(text)) }))
    const { status, json } = await network.first.call('retrieve', retrieving())
    expect(status).toBe(200)
    expect(json).toEqual({
      messages: texts.map((text) => ({
        hash: hashMessage(alice.id, 0, Buffer.from(text)),
        timestamp: START_MS,
        expiration: START_MS + DAY,
        expiry: START_MS + DAY,
        data: toBase64(Buffer.from(text)),
      })),
      more: false,
      t: START_MS,
      hf: [19, 4],
    })
    const [first, second, third] = (json['messages'] as { hash: MessageHash }[]).map(({ hash }) => hash)
    const hashes = async (changes: object) => {
      const page = await network.first.call('retrieve', retrieving(0, changes))
      return [...(page.json['messages'] as { hash: MessageHash }[]).map(({ hash }) => hash), page.json['more']]
    }
    expect(await hashes({ last_hash: first })).toEqual([second, third, false])
    expect(await hashes({ last_hash: '/'.repeat(43), max_count: 2 })).toEqual([first, second, true])
    expect(await hashes({ max_size: -8_000_000 })).toEqual([first, true])
    expect(await hashes({ reverse_direction: true, last_hash: third })).toEqual([second, first, false])
  })

  test('the JSON of many short messages is no larger than asked for, quoted for an onion', async () => {
    await using network = await createTestNetwork(1)
    for (let count = 0; count < 12; count++) {
      await network.first.call('store', storing({ data: toBase64(Buffer.from(`${count}`.padEnd(count))) }))
    }
    for (const max_size of [150, 450, 1000, 1500, 100_000]) {
      const { json } = await network.first.call('retrieve', retrieving(0, { max_size }))
      const messages = json['messages'] as object[]
      const quoted = messages.map((message) => JSON.stringify(`${JSON.stringify(message)},`).length - 2)
      const size = quoted.reduce((sum, bytes) => sum + bytes, 0)
      expect(size <= max_size || messages.length === 1).toBe(true)
      expect(json['more']).toBe(messages.length < 12)
      expect(size + 180 > max_size || messages.length === 12).toBe(true)
    }
  })

  test.each([
    [{ pubkey: alice.id }, 401, 'retrieve: request signature required'],
    [{ pubkey: alice.id, namespace: 5 }, 400, "invalid request: Required field 'signature' missing"],
    [retrieving(0, { timestamp: START_MS - MINUTE - 1 }), 406, 'retrieve timestamp too far from current time'],
    [retrieving(0, { timestamp: START_MS + MINUTE + 1 }), 406, 'retrieve timestamp too far from current time'],
    [retrieving(0, { timestamp: START_MS + MINUTE }), 401, 'retrieve signature verification failed'],
    [retrieving(0, { signature: 'A'.repeat(86) }), 401, 'retrieve signature verification failed'],
    [{ ...retrieving(-10), signature: 'A'.repeat(86) }, 401, 'retrieve signature verification failed'],
  ])('%o is answered %i', async (params, status, body) => {
    await using network = await createTestNetwork(1)
    expect(await network.first.call('retrieve', params)).toMatchObject({ status, body })
  })

  test('a public outbox is retrieved by anybody', async () => {
    await using network = await createTestNetwork(1)
    await network.first.call('store', signedStoring(-21))
    const { json } = await network.first.call('retrieve', { pubkey: alice.id, namespace: -21 })
    expect(json['messages']).toHaveLength(1)
  })
})

describe('the test sink, namespace -3741', () => {
  test('nobody stores to it, with or without a signature', async () => {
    await using network = await createTestNetwork(2)
    for (const params of [storing({ namespace: -3741 }), signedStoring(-3741)]) {
      const answer = await network.first.call('store', params)
      expect(answer).toMatchObject({ status: 400, body: 'store: namespace -3741 is reserved for testing' })
    }
    for (const { store } of network.nodes) expect(store.store.statistics().messages).toBe(0)
  })

  test('it is empty for anybody, whatever the signature', async () => {
    await using network = await createTestNetwork(1)
    const unsigned = { pubkey: alice.id, namespace: -3741 }
    const wrong = { ...unsigned, signature: 'A'.repeat(86), timestamp: START_MS - DAY }
    for (const params of [unsigned, wrong, { ...unsigned, pubkey_ed25519: alice.ed25519 }, retrieving(-3741)]) {
      const { status, json } = await network.first.call('retrieve', params)
      expect({ status, json }).toEqual({ status: 200, json: { messages: [], more: false, t: START_MS, hf: [19, 4] } })
    }
  })

  test('another swarm answers 421 to both', async () => {
    await using network = await createTestNetwork(8, { sizeMin: 3 })
    const { json } = await network.first.call('get_swarm', { pubkey: alice.id })
    const members = (json['snodes'] as { pubkey_ed25519: string }[]).map((node) => node.pubkey_ed25519)
    const other = network.nodes.find(({ key }) => !members.includes(key))
    expect(await other?.call('retrieve', { pubkey: alice.id, namespace: -3741 })).toMatchObject({ status: 421 })
    expect(await other?.call('store', storing({ namespace: -3741 }))).toMatchObject({ status: 421 })
  })
})
