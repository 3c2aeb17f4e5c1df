// Session Desktop sends an expire of all it keeps with every poll. One that changes nothing costs a look and nothing else: what is
// written and what is passed on are counted, not timed.
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { verifySignature } from '../../../src/crypto/signature.ts'
import type { JsonObject } from '../../../src/protocol/json.ts'
import { compareHashes, hashMessage, type MessageHash } from '../../../src/protocol/message.ts'
import { anAccount, createTestNetwork, START_MS, type TestNetwork } from './rpc-fixture.ts'

const alice = anAccount(1)
const account = alice.groupId
const NONE = hashMessage(account, 5, Buffer.from('never stored'))
const EXPIRY = START_MS + 30 * DAY

/** Keeps messages on every member, and returns their sorted hashes. */
async function keep(network: TestNetwork, texts: readonly string[], expiryMs = EXPIRY): Promise<MessageHash[]> {
  const messages = texts.map((text) => {
    const data = Buffer.from(text)
    return { account, namespace: 5, timestampMs: START_MS, expiryMs, data, hash: hashMessage(account, 5, data) }
  })
  for (const { store } of network.nodes) await Promise.all(messages.map((message) => store.store.store(message)))
  return messages.map(({ hash }) => hash).sort(compareHashes)
}

function expiring(hashes: readonly string[], expiry: number | number[], flag: '' | 'shorten' | 'extend' = '') {
  const signature = alice.sign(`expire${flag}${[expiry].flat().join('')}${hashes.join('')}`)
  return { pubkey: account, messages: hashes, expiry, signature, ...(flag !== '' && { [flag]: true }) }
}

/** Batches that any member has written, and requests that the first has passed on. */
async function costs(network: TestNetwork) {
  const count = (text: string, name: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(name))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  const stores = await Promise.all(network.nodes.map(({ store }) => store.exposeMetrics()))
  const first = await network.first.exposeMetrics()
  return {
    written: stores.reduce((sum, text) => sum + count(text, 'starling_storage_commit_seconds_count'), 0),
    passedOn: count(first, 'starling_swarm_forwards_total{'),
    spared: count(first, 'starling_rpc_spared_total{'),
  }
}

/** What an expire has cost, and each member's result. */
async function expire(network: TestNetwork, params: object) {
  const before = await costs(network)
  const { status, json } = await network.first.call('expire', params)
  expect(status).toBe(200)
  const after = await costs(network)
  return {
    cost: [after.written - before.written, after.passedOn - before.passedOn, after.spared - before.spared],
    swarm: json['swarm'] as Record<string, JsonObject>,
  }
}

const FREE = [0, 0, 1]
const ON_THREE_MEMBERS = [3, 2, 0]

test('an expire that moves nothing by what matters is neither written nor passed on', async () => {
  await using network = await createTestNetwork(3)
  const hashes = await keep(network, ['a', 'b'])
  network.first.store.clock.pass(10 * DAY)
  const now = network.first.store.clock.nowMs()
  const soon = (EXPIRY - now) / 100
  const cases = [
    expiring(hashes, EXPIRY),
    expiring(hashes, EXPIRY + soon - 1),
    expiring(hashes, [EXPIRY, EXPIRY + 5]),
    expiring(hashes, EXPIRY, 'extend'),
    expiring(hashes, EXPIRY - DAY, 'extend'),
    expiring(hashes, EXPIRY + HOUR, 'extend'),
    expiring(hashes, EXPIRY, 'shorten'),
    expiring(hashes, EXPIRY + DAY, 'shorten'),
  ]
  for (const params of cases) {
    const { cost, swarm } = await expire(network, params)
    expect(cost).toEqual(FREE)
    // This node's own result, signed with the expiries that there are.
    const tried = Array.isArray(params.expiry) ? [] : [params.expiry]
    const unchanged = Object.fromEntries(hashes.map((hash) => [hash, EXPIRY]))
    expect(swarm).toEqual({
      [network.first.key]: {
        expiry: Array.isArray(params.expiry) ? [] : params.expiry,
        updated: [],
        unchanged,
        signature: expect.any(String),
      },
    })
    const text = `${account}${tried.join('')}${hashes.join('')}${hashes.map((hash) => `${hash}${EXPIRY}`).join('')}`
    const signature = Buffer.from(String(swarm[network.first.key]?.['signature']), 'base64')
    expect(verifySignature(signature, utf8(text), network.first.pair.publicKey)).toBe(true)
  }
})

test('an expire that moves any message, or names one that is not held, reaches every member', async () => {
  await using network = await createTestNetwork(3)
  const hashes = await keep(network, ['a', 'b'], START_MS + 10 * DAY)
  const hundredth = DAY / 10
  const [first = NONE, second = NONE] = hashes
  let expiry = START_MS + 10 * DAY
  const cases: [object, number][] = [
    // By a hundredth of the rest of its life, or sooner however little.
    [expiring(hashes, expiry + hundredth), expiry + hundredth],
    [expiring(hashes, expiry + hundredth - 1), expiry + hundredth - 1],
    [expiring(hashes, expiry - 1, 'shorten'), expiry - 1],
    [expiring(hashes, expiry + DAY, 'extend'), expiry + DAY],
    [expiring([first, second], [expiry, expiry + DAY]), expiry],
  ]
  for (const [params, expected] of cases) {
    const { cost, swarm } = await expire(network, params)
    expect(cost).toEqual(ON_THREE_MEMBERS)
    expect(Object.keys(swarm)).toHaveLength(3)
    expiry = expected
    for (const { store } of network.nodes) {
      expect(await store.store.expiries(account, [first])).toEqual([{ hash: first, expiryMs: expiry }])
    }
  }
  expect((await expire(network, expiring([...hashes, NONE], expiry))).cost).toEqual(ON_THREE_MEMBERS)
})

test('with less than a day to live, a minute more counts', async () => {
  await using network = await createTestNetwork(3)
  const expiry = START_MS + DAY - 1
  const hashes = await keep(network, ['a'], expiry)
  expect((await expire(network, expiring(hashes, expiry + 1))).cost).toEqual(ON_THREE_MEMBERS)
  expect((await expire(network, expiring(hashes, expiry + 1))).cost).toEqual(FREE)
  expect((await expire(network, expiring(hashes, expiry + MINUTE))).cost).toEqual(FREE)
})

test('a node that lacks a message passes an expire on to those that have it', async () => {
  await using network = await createTestNetwork(3)
  const hashes = await keep(network, ['a'])
  await network.first.store.store.delete(account, hashes)
  const { cost, swarm } = await expire(network, expiring(hashes, EXPIRY))
  expect(cost[1]).toBe(2)
  const results = network.nodes.map(({ key }) => swarm[key]?.['updated'])
  expect(results).toEqual([[], hashes, hashes])
})

test('what is stored or deleted again is passed on: others may have missed it', async () => {
  await using network = await createTestNetwork(3)
  const [hash = NONE] = await keep(network, ['a'])
  const again = {
    pubkey: account,
    namespace: 5,
    timestamp: START_MS,
    expiry: EXPIRY,
    data: Buffer.from('a').toString('base64'),
  }
  const before = await costs(network)
  const stored = await network.first.call('store', { ...again, signature: alice.sign(`store5${START_MS}`) })
  expect(stored.json['swarm']).toMatchObject({ [network.first.key]: { hash, already: true } })
  const missing = { pubkey: account, messages: [NONE], signature: alice.sign(`delete${NONE}`) }
  expect(await network.first.call('delete', missing)).toMatchObject({ status: 200 })
  const after = await costs(network)
  expect([after.written - before.written, after.passedOn - before.passedOn]).toEqual([6, 4])
})
