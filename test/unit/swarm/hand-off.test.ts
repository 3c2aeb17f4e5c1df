import { expect, test } from 'vitest'
import { toBase64 } from '../../../src/base/bytes.ts'
import { MINUTE } from '../../../src/base/clock.ts'
import { hashMessage } from '../../../src/protocol/message.ts'
import { decodeForwardedRequest, encodeForwardedAnswer } from '../../../src/protocol/peer-api/forwarded-request.ts'
import type { StorageOptions } from '../../../src/storage/options.ts'
import { defaultSwarmOptions } from '../../../src/swarm/options.ts'
import { eventually } from '../../support/eventually.ts'
import { anAccount } from '../rpc/rpc-fixture.ts'
import { type ChangingNode, createChangingNetwork, type Lie, untilJoined } from './changing-network.ts'

const alice = anAccount(7)

/** Two members that do not compare what they hold, so that nothing but the hand-off brings what was missed. */
async function twoMembers(storage: Partial<StorageOptions> = {}) {
  const comparing = { ...defaultSwarmOptions.comparing, intervalMs: 60 * MINUTE }
  const network = await createChangingNetwork(6, { swarm: { comparing }, storage })
  network.epoch([0, 1])
  const [entry, other] = network.nodes as [ChangingNode, ChangingNode]
  await Promise.all([entry.start(), other.start()])
  await untilJoined(network)
  const line = `${entry.key} ${other.key}`
  return { network, entry, other, line }
}

function messageOf(text: string) {
  const data = Buffer.from(text)
  return { account: alice.id, hash: hashMessage(alice.id, 0, data), data }
}

async function store(node: ChangingNode, text: string): Promise<void> {
  const data = toBase64(Buffer.from(text))
  const answer = await node.call('store', { pubkey: alice.id, timestamp: Date.now(), ttl: 10 * MINUTE, data })
  expect(answer.status).toBe(200)
}

async function holds(node: ChangingNode, text: string): Promise<boolean> {
  const { account, hash } = messageOf(text)
  return (await node.running.store.expiries(account, [hash])).length > 0
}

function untilHeld(node: ChangingNode, texts: readonly string[]): Promise<true> {
  return eventually('the member has what it missed', async () => {
    const held = await Promise.all(texts.map((text) => holds(node, text)))
    return held.every(Boolean) || undefined
  })
}

function untilQueued(node: ChangingNode, count: number): Promise<true> {
  return eventually(`${count} wait`, () => node.running.store.hints.statistics().queued === count || undefined)
}

/** The value of a metric. */
async function metric(node: ChangingNode, name: string): Promise<number> {
  const line = (await node.running.metrics()).split('\n').find((each) => each.startsWith(`starling_swarm_${name} `))
  return Number(line?.split(' ').at(-1))
}

const refusing =
  (status: number): Lie =>
  async (protocol, _, truth) =>
    protocol === 'forward' ? encodeForwardedAnswer({ status, body: 'no' }) : truth()

const texts = Array.from({ length: 9 }, (_, number) => `hand-off ${number}`)

test('a member that could not be reached gets what it missed when it can', async () => {
  const { network, entry, other, line } = await twoMembers()
  await using _ = network
  network.cut.add(line)
  for (const text of texts) await store(entry, text)
  await untilQueued(entry, texts.length)
  expect(await holds(other, 'hand-off 0')).toBe(false)
  network.cut.delete(line)
  await untilHeld(other, texts)
  await untilQueued(entry, 0)
  expect(await metric(entry, 'hand_off_delivered_total')).toBe(texts.length)
})

test('what waits for a member outlives the node that keeps it', async () => {
  const { network, entry, other } = await twoMembers()
  await using _ = network
  await other.stop()
  for (const text of texts) await store(entry, text)
  await untilQueued(entry, texts.length)
  await entry.stop()
  await other.start()
  await entry.start()
  await untilHeld(other, texts)
})

test('a member that is busy, full, failing or an epoch behind gets it later', async () => {
  const { network, entry, other } = await twoMembers()
  await using _ = network
  for (const status of [429, 503, 507, 500, 421]) {
    other.lie = refusing(status)
    await store(entry, `after ${status}`)
    await untilQueued(entry, 1)
    other.lie = undefined
    await untilHeld(other, [`after ${status}`])
    await untilQueued(entry, 0)
  }
})

test('what a member refuses for good is not offered again', async () => {
  const { network, entry, other, line } = await twoMembers()
  await using _ = network
  other.lie = refusing(401)
  await store(entry, 'refused at once')
  network.cut.add(line)
  await store(entry, 'refused later')
  await untilQueued(entry, 1)
  network.cut.delete(line)
  await untilQueued(entry, 0)
  expect(await metric(entry, 'hand_off_kept_total')).toBe(1)
  expect(await metric(entry, 'hand_off_dropped_total{reason="refused"}')).toBe(1)
})

test('a request at which a member fails each time does not keep the others from it', async () => {
  const { network, entry, other } = await twoMembers()
  await using _ = network
  other.lie = async (protocol, payload, truth) => {
    const isBad =
      protocol === 'forward' && decodeForwardedRequest(payload).params['data'] === toBase64(Buffer.from('bad'))
    return isBad ? encodeForwardedAnswer({ status: 500, body: 'request failed' }) : truth()
  }
  await store(entry, 'bad')
  await untilQueued(entry, 0)
  await store(entry, 'good')
  await untilHeld(other, ['good'])
})

test('requests of an account that is full at a member do not keep those of others from it', async () => {
  const { network, entry, other } = await twoMembers()
  await using _ = network
  const isFull = (payload: Uint8Array) =>
    Buffer.from(String(decodeForwardedRequest(payload).params['data']), 'base64')
      .toString()
      .startsWith('too much')
  let isThere = false
  other.lie = async (protocol, payload, truth) => {
    if (protocol !== 'forward') return truth()
    if (!isThere) return encodeForwardedAnswer({ status: 503, body: 'busy' })
    return isFull(payload) ? encodeForwardedAnswer({ status: 507, body: 'Storage is full' }) : truth()
  }
  for (const text of [...texts.map((each) => `too much ${each}`), ...texts]) await store(entry, text)
  await untilQueued(entry, 2 * texts.length)
  isThere = true
  await untilHeld(other, texts)
  await untilQueued(entry, texts.length)
  other.lie = undefined
  await untilHeld(
    other,
    texts.map((each) => `too much ${each}`),
  )
  await untilQueued(entry, 0)
})

test('a deletion that arrives before the store that it follows still counts', async () => {
  const { network, entry, other, line } = await twoMembers()
  await using _ = network
  network.cut.add(line)
  await store(entry, 'deleted')
  await store(entry, 'kept')
  const { hash } = messageOf('deleted')
  const signature = alice.sign(`delete${hash}`)
  const params = { pubkey: alice.id, pubkey_ed25519: alice.ed25519, messages: [hash], signature }
  expect((await entry.call('delete', params)).status).toBe(200)
  await untilQueued(entry, 3)
  const arrived: string[] = []
  other.lie = async (protocol, payload, truth) => {
    if (protocol !== 'forward') return truth()
    const { method } = decodeForwardedRequest(payload)
    // The stores have to wait until the deletion has been there.
    if (method === 'store' && !arrived.includes('delete')) return encodeForwardedAnswer({ status: 429, body: 'later' })
    arrived.push(method)
    return truth()
  }
  network.cut.delete(line)
  await untilHeld(other, ['kept'])
  await untilQueued(entry, 0)
  expect(arrived).toEqual(['delete', 'store', 'store'])
  expect(await holds(other, 'deleted')).toBe(false)
})

test('a queue that is full takes no more, and says so', async () => {
  const { network, entry, line } = await twoMembers({ peerHintsMax: 2 })
  await using _ = network
  network.cut.add(line)
  for (const text of texts) await store(entry, text)
  await untilQueued(entry, 2)
  const dropped = 'hand_off_dropped_total{reason="full"}'
  await eventually('the rest is dropped', async () => (await metric(entry, dropped)) === texts.length - 2 || undefined)
})

test('nothing waits for a member that has left', async () => {
  const { network, entry, other, line } = await twoMembers()
  await using _ = network
  network.cut.add(line)
  for (const text of texts) await store(entry, text)
  await untilQueued(entry, texts.length)
  network.epoch([0])
  network.epoch([0])
  await untilQueued(entry, 0)
  const dropped = 'hand_off_dropped_total{reason="left"}'
  await eventually('they are counted', async () => (await metric(entry, dropped)) === texts.length || undefined)
  expect(await holds(other, 'hand-off 0')).toBe(false)
})

test('an operation is not lost between a node that knows the next epoch and one that does not yet', async () => {
  const comparing = { ...defaultSwarmOptions.comparing, intervalMs: 60 * MINUTE }
  await using network = await createChangingNetwork(3, { swarm: { comparing } })
  const [first, second, newcomer] = network.nodes as [ChangingNode, ChangingNode, ChangingNode]
  network.epoch([0, 1])
  await Promise.all([first.start(), second.start()])
  await untilJoined(network)
  await newcomer.start()
  // The second has not heard yet that there is a third, and so refuses what the third passes on.
  network.epochFor(first, [0, 1, 2])
  const epoch = first.running.membership.epoch() ?? expect.unreachable()
  newcomer.running.membership.update(epoch)
  await untilJoined(network)
  await store(newcomer, 'from the next epoch')
  await untilHeld(first, ['from the next epoch'])
  expect(await holds(second, 'from the next epoch')).toBe(false)
  second.running.membership.update(epoch)
  await untilHeld(second, ['from the next epoch'])
})
