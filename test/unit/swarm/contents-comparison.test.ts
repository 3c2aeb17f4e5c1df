import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import { anAccount, START_MS } from '../rpc/rpc-fixture.ts'
import { aMessage } from '../storage/store-fixture.ts'
import { areEqual, type ContentsNode, createContentsNetwork, sumsOf, sweep } from './contents-fixture.ts'
import { anEpoch } from './member-lists.ts'

const alice = anAccount(1)
const stampAt = (ms: number) => ms * 1000

/** Stores at one member only, as if the others had not been told. */
async function storeAt({ node }: ContentsNode, count = 1, changes: Parameters<typeof aMessage>[0] = {}) {
  const messages = Array.from({ length: count }, () => aMessage({ account: alice.id, ...changes }))
  const stamp = stampAt(START_MS - MINUTE)
  const stored = messages.map((message, index) => node.store.store.store(message, { stamp: stamp + index }))
  await Promise.all(stored)
  return messages
}

async function hashesAt({ node }: ContentsNode): Promise<MessageHash[]> {
  const { messages } = await node.store.store.retrieve({ account: alice.id, namespace: 0, sizeMax: 10_000_000 })
  return messages.map(({ hash }) => hash).sort()
}

/** A client's request that reaches only this member. */
async function callAt(target: ContentsNode, others: readonly ContentsNode[], method: string, params: object) {
  return target.node.call(method, params).then((answer) => {
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    expect(others).not.toContain(target)
    return answer
  })
}

function deletion(hashes: readonly MessageHash[]) {
  const signature = alice.sign(`delete${hashes.join('')}`)
  return { pubkey: alice.id, pubkey_ed25519: alice.ed25519, messages: hashes, signature }
}

test('what a member missed, it fetches in one round, and tells those who wait for it', async () => {
  await using swarm = await createContentsNetwork(3)
  const [first, second, third] = swarm.nodes as [ContentsNode, ContentsNode, ContentsNode]
  const stored = await storeAt(first, 40)
  expect(await areEqual(swarm.nodes)).toBe(false)

  await second.comparison.roundNow()
  expect(await hashesAt(second)).toEqual(stored.map(({ hash }) => hash).sort())
  expect(second.announced).toHaveLength(40)
  expect(await areEqual([first, second])).toBe(true)
  expect(second.comparison.status()).toMatchObject({ members: 2, differing: 1 })

  await third.comparison.roundNow()
  expect(await areEqual(swarm.nodes)).toBe(true)
  await sweep(swarm.nodes)
  for (const { comparison } of swarm.nodes) {
    expect(comparison.status()).toEqual({
      members: 2,
      equal: 2,
      differing: 0,
      silent: 0,
      apart: 0,
      lastEqualMs: START_MS,
    })
  }
  expect(await second.metrics()).toContain('starling_swarm_contents_items_total{kind="message",way="taken"} 40')
  expect(await second.metrics()).toContain('starling_swarm_convergence_seconds_count 1')
  expect(first.announced).toEqual([])
})

test('a member that has nothing is not told that it has all by one with what ends within minutes', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  await sweep(swarm.nodes)
  const signal = new AbortController().signal
  expect(await second.comparison.isSame(first.key, signal)).toBe(true)
  await storeAt(first, 1, { expiryMs: START_MS + MINUTE })
  expect(await second.comparison.isSame(first.key, signal)).toBe(false)
})

test('members that each have what the others lack are equal after a round of each', async () => {
  await using swarm = await createContentsNetwork(4)
  for (const each of swarm.nodes) await storeAt(each, 10)
  await sweep(swarm.nodes)
  expect(await areEqual(swarm.nodes)).toBe(true)
  for (const each of swarm.nodes) expect(await hashesAt(each)).toHaveLength(40)
})

test('a deletion that a member missed takes place there, and is not undone by what that member has', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  const messages = [aMessage({ account: alice.id }), aMessage({ account: alice.id })]
  for (const { node } of swarm.nodes) {
    for (const message of messages) await node.store.store.store(message, { stamp: stampAt(START_MS - HOUR) })
  }
  swarm.network.faults.set(second.key, 'unreachable')
  const [gone, kept] = messages.map(({ hash }) => hash) as [MessageHash, MessageHash]
  await callAt(first, [second], 'delete', deletion([gone]))
  expect(await hashesAt(first)).toEqual([kept])
  expect(await hashesAt(second)).toHaveLength(2)

  await first.comparison.roundNow()
  expect(await hashesAt(first)).toEqual([kept])
  await second.comparison.roundNow()
  expect(await hashesAt(second)).toEqual([kept])
  expect(await areEqual(swarm.nodes)).toBe(true)
  expect(await second.metrics()).toContain('starling_swarm_contents_items_total{kind="request",way="taken"} 1')
})

test('nothing but a total is asked of members that hold the same', async () => {
  await using swarm = await createContentsNetwork(3)
  const message = aMessage({ account: alice.id })
  for (const { node } of swarm.nodes) await node.store.store.store(message, { stamp: stampAt(START_MS) })
  await sweep(swarm.nodes)
  for (const { asked } of swarm.nodes) expect(asked).toEqual(['total', 'total'])
})

test('what reaches the others a moment later is not fetched', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  const message = aMessage({ account: alice.id })
  const store = ({ node }: ContentsNode) => node.store.store.store(message, { stamp: stampAt(START_MS) })
  await store(first)
  const answer = first.responder.handle.bind(first.responder)
  first.lies = async (_, payload) => {
    const result = await answer(second.key, payload, new AbortController().signal)
    await store(second)
    return result
  }
  await second.comparison.roundNow()
  expect(first.asked).toEqual(['total', 'total'])
  expect(second.comparison.status()).toMatchObject({ equal: 1 })
})

test('much is fetched in pages, a bucket and a few slots at a time', async () => {
  await using swarm = await createContentsNetwork(2, { comparing: { listCountMax: 10 } })
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  const accounts = Array.from({ length: 12 }, (_, seed) => anAccount(seed + 1).id)
  for (const [index, account] of accounts.entries()) {
    await storeAt(first, 30, { account, expiryMs: START_MS + DAY + index * HOUR })
  }
  await storeAt(first, 20, { account: alice.id })
  for (let size = 0; size < 40; size++) {
    await storeAt(first, 1, { data: Buffer.alloc(70_000, size), expiryMs: START_MS + 3 * DAY })
  }
  await second.comparison.roundNow()
  expect(await areEqual(swarm.nodes)).toBe(true)
  expect(first.asked.filter((kind) => kind === 'list').length).toBeGreaterThan(12)
  expect(first.asked.filter((kind) => kind === 'read').length).toBeGreaterThan(12)
})

test('a member that was silent is compared with as soon as it is heard of', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  swarm.cut.add(`${second.key} ${first.key}`)
  await storeAt(first, 3)
  await second.comparison.roundNow()
  expect(second.comparison.status()).toMatchObject({ silent: 1, equal: 0, lastEqualMs: undefined })

  swarm.cut.clear()
  const equal = Promise.withResolvers<void>()
  second.comparison.onEqual(equal.resolve)
  await first.comparison.roundNow()
  await equal.promise
  expect(await areEqual(swarm.nodes)).toBe(true)
})

test('members an epoch apart do not compare until both know the same one', async () => {
  await using swarm = await createContentsNetwork(3)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  await storeAt(first, 3)
  const { members } = swarm.network
  const alone = members.map((member) => ({ ...member, leaveRequestTimestampS: member.key === first.key ? 1n : 0n }))
  second.node.membership.update(anEpoch(8, alone))
  await second.comparison.roundNow()
  expect(await hashesAt(second)).toEqual([])

  second.node.membership.update(anEpoch(9, members))
  await sumsOf(second)
  await second.comparison.roundNow()
  expect(await hashesAt(second)).toHaveLength(3)
})

test('clocks that differ by a few minutes make no difference', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  second.node.store.clock.wallMs += 25 * MINUTE
  for (const { node } of swarm.nodes) {
    const message = aMessage({ account: alice.id, expiryMs: START_MS + 10 * MINUTE, data: Buffer.from('soon over') })
    await node.store.store.store(message, { stamp: stampAt(START_MS - MINUTE) })
  }
  await storeAt(first, 1, { expiryMs: START_MS + 20 * MINUTE })
  await sweep(swarm.nodes)
  expect(second.announced).toEqual([])
  for (const { comparison } of swarm.nodes) expect(comparison.status()).toMatchObject({ equal: 1 })

  const late = await storeAt(first, 2)
  await sweep(swarm.nodes)
  expect(second.announced.map(({ hash }) => hash).sort()).toEqual(late.map(({ hash }) => hash).sort())
})

test('what cannot be taken is not fetched again and again', async () => {
  await using swarm = await createContentsNetwork(2, { storage: { accountMessagesMax: 10 } })
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  await storeAt(second, 9)
  await storeAt(first, 9)
  await second.comparison.roundNow()
  const reads = () => first.asked.filter((kind) => kind === 'read').length
  const before = reads()
  expect(before).toBeGreaterThan(0)
  for (let round = 0; round < 5; round++) {
    second.node.store.clock.pass(MINUTE)
    first.node.store.clock.pass(MINUTE)
    await second.comparison.roundNow()
  }
  expect(reads()).toBe(before)
  expect(await second.metrics()).toContain('starling_swarm_fruitless_buckets_total')
})

test('a bucket in which a member has nothing new is looked at less and less often', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  await storeAt(second, 1)
  const lists = () => first.asked.filter((kind) => kind === 'list').length
  const perRound: number[] = []
  for (let round = 0; round < 24; round++) {
    const before = lists()
    await second.comparison.roundNow()
    perRound.push(lists() - before)
    second.node.store.clock.pass(5_000)
  }
  // After 5, 10, 20 and then every 30 seconds.
  expect(perRound.flatMap((count, round) => (count > 0 ? [round] : []))).toEqual([0, 1, 3, 7, 13, 19])
})

test('nothing is compared while something else brings what is lacking, or the sums are being made', async () => {
  await using swarm = await createContentsNetwork(2)
  const [first, second] = swarm.nodes as [ContentsNode, ContentsNode]
  second.contents.cover(undefined)
  await second.comparison.roundNow()
  expect(first.asked).toEqual([])
  expect(second.comparison.status()).toMatchObject({ members: 1, apart: 1 })
  await first.comparison.roundNow()
  expect(first.comparison.status()).toMatchObject({ members: 1, apart: 1 })
})

test('whoever waits for a round that never comes is told so', async () => {
  const swarm = await createContentsNetwork(2)
  const [first] = swarm.nodes as [ContentsNode]
  await swarm[Symbol.asyncDispose]()
  await expect(first.comparison.roundNow()).rejects.toThrow()
})
