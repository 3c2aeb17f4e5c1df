// Members that lie in each way there is: nothing false gets in, nothing true gets lost, the work is bounded, and members that do not
// lie come to hold the same all the while.
import { describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { systemTimers, type Timers } from '../../../src/base/timers.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import {
  CONTENTS_BUCKET_MS,
  type ContentsEntry,
  type HeldItem,
  type HeldMessage,
} from '../../../src/protocol/contents.ts'
import { heldEntryOf } from '../../../src/protocol/contents-entry.ts'
import { TTL_MAX_MS } from '../../../src/protocol/limits.ts'
import { hashMessage, type StoredMessage } from '../../../src/protocol/message.ts'
import { encodeContentsAnswer } from '../../../src/protocol/peer-api/contents-answer.ts'
import type { ContentsRequest } from '../../../src/protocol/peer-api/contents-exchange.ts'
import { encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import type { WrongReason } from '../../../src/swarm/contents-metrics.ts'
import { anAccount, START_MS } from '../rpc/rpc-fixture.ts'
import { aMessage } from '../storage/store-fixture.ts'
import { type ContentsNetwork, type ContentsNode, createContentsNetwork, testTimers } from './contents-fixture.ts'

const alice = anAccount(1)
const STAMP = START_MS * 1000
const LATE_BUCKET = Math.floor((START_MS + DAY) / CONTENTS_BUCKET_MS)

function held(changes: Partial<StoredMessage> = {}, claims: Partial<HeldMessage> = {}): HeldMessage {
  const message = { ...aMessage({ account: alice.id }), ...changes }
  return { kind: 'message', message, stamp: STAMP, livesUntilMs: message.expiryMs, changedStamp: STAMP, ...claims }
}

/** What a liar says of its contents. */
interface Lie {
  /** Slots of its buckets, from the last one down, that have nothing in them; all others differ from any. */
  readonly slotsAlike?: number
  readonly buckets?: (asked: Extract<ContentsRequest, { kind: 'buckets' }>) => readonly number[]
  readonly list?: (asked: Extract<ContentsRequest, { kind: 'list' }>) => {
    entries: readonly ContentsEntry[]
    next: number | undefined
  }
  readonly read?: (asked: Extract<ContentsRequest, { kind: 'read' }>) => readonly HeldItem[]
}

function tell({ slotsAlike = 0, buckets, list, read }: Lie): ContentsNode['lies'] {
  const sums = Array.from({ length: 16 }, (_, slot) => Buffer.alloc(8, slot < 16 - slotsAlike ? 200 + slot : 0))
  return async (request) => {
    switch (request.kind) {
      case 'total':
        return encodeContentsAnswer('total', { same: false })
      case 'buckets': {
        const differing = buckets?.(request) ?? [LATE_BUCKET]
        return encodeContentsAnswer('buckets', { differing: differing.map((bucket) => ({ bucket, sums })) })
      }
      case 'list':
        return encodeContentsAnswer('list', list?.(request) ?? { entries: [], next: undefined })
      case 'read':
        return encodeContentsAnswer('read', { items: read?.(request) ?? [] })
      default:
        throw new Error('Nobody asks this')
    }
  }
}

/** A liar that says that it has these, and gives others when it is asked for them. */
function giving(claimed: readonly HeldItem[], given: readonly HeldItem[] = claimed) {
  return tell({
    list: ({ after }) => ({ entries: after === 0 ? claimed.map(heldEntryOf) : [], next: undefined }),
    read: () => given,
  })
}

async function createLiar(size = 2, options: Parameters<typeof createContentsNetwork>[1] = {}) {
  const swarm = await createContentsNetwork(size, options)
  const [honest, liar] = swarm.nodes as [ContentsNode, ContentsNode]
  return { swarm, honest, liar }
}

async function holdsNothing({ node }: ContentsNode): Promise<boolean> {
  return node.store.store.statistics().messages === 0
}

const wrongs = async (node: ContentsNode, reason: WrongReason) => {
  const line = (await node.metrics())
    .split('\n')
    .find((each) => each.includes(`contents_wrong_total{reason="${reason}"}`))
  return Number(line?.split(' ').at(-1) ?? 0)
}

async function differs(swarm: ContentsNetwork, honest: ContentsNode, rounds = 1) {
  for (let round = 0; round < rounds; round++) {
    await honest.comparison.roundNow()
    for (const { node } of swarm.nodes) node.store.clock.pass(MINUTE)
  }
}

describe('refused is', () => {
  const request = (account: AccountId, params: object): HeldItem => {
    const payload = encodeForwardedRequest({
      method: 'delete',
      params: { ...params },
      receivedMs: START_MS,
      stamp: STAMP,
    })
    return { kind: 'request', account, payload }
  }
  const cases: readonly [string, WrongReason, HeldItem][] = [
    ['a message with the hash of another', 'hash', held({ data: Buffer.from('something else') })],
    ['a message that lives for ever', 'ttl', held({}, { livesUntilMs: START_MS + TTL_MAX_MS + HOUR })],
    ['a message from the future', 'ahead', held({}, { stamp: STAMP + 10 * MINUTE * 1000 })],
    ['a message that was changed in the future', 'ahead', held({}, { changedStamp: STAMP + 10 * MINUTE * 1000 })],
    ['a message with a timestamp of the future', 'ahead', held({ timestampMs: START_MS + HOUR })],
    [
      'a message that ended long ago',
      'expired',
      held({ expiryMs: START_MS - HOUR }, { livesUntilMs: START_MS - HOUR }),
    ],
    ['a message in the namespace for tests', 'namespace', held(inNamespace(-3741))],
    ['a request that nobody signed', 'request', request(alice.id, { pubkey: alice.id, messages: ['A'.repeat(43)] })],
    [
      'a request with a false signature',
      'request',
      request(alice.id, {
        pubkey: alice.id,
        pubkey_ed25519: alice.ed25519,
        messages: ['A'.repeat(43)],
        signature: alice.sign('something else'),
      }),
    ],
  ]
  test.each(cases)('%s', async (_, reason, item) => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = giving([item])
    await honest.comparison.roundNow()
    expect(await wrongs(honest, reason)).toBe(1)
    expect(await holdsNothing(honest)).toBe(true)
    expect(honest.announced).toEqual([])
  })

  test('what nobody asked for, and what comes twice', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    const [asked, unasked] = [held(), held()]
    liar.lies = giving([asked], [unasked, asked, asked])
    await honest.comparison.roundNow()
    expect(await wrongs(honest, 'unasked')).toBe(2)
    expect(honest.announced.map(({ hash }) => hash)).toEqual([asked.message.hash])
  })

  test('what is of other accounts than the list is about', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    const foreign = held(inNamespace(0, `05${'f0'.repeat(32)}` as AccountId))
    const right = held(inNamespace(0, `05${'0f'.repeat(32)}` as AccountId))
    liar.lies = tell({
      slotsAlike: 15,
      list: () => ({ entries: [heldEntryOf(foreign), heldEntryOf(right)], next: undefined }),
      read: () => [foreign, right],
    })
    await honest.comparison.roundNow()
    expect(await wrongs(honest, 'foreign')).toBe(1)
    expect(await wrongs(honest, 'unasked')).toBe(1)
    expect(honest.announced.map(({ hash }) => hash)).toEqual([right.message.hash])
  })
})

test('a deletion that the owner did not ask for deletes nothing', async () => {
  const { swarm, honest, liar } = await createLiar()
  await using _swarm = swarm
  const kept = aMessage({ account: alice.id })
  await honest.node.store.store.store(kept, { stamp: STAMP })
  const mallory = anAccount(9)
  const params = {
    pubkey: alice.id,
    pubkey_ed25519: alice.ed25519,
    messages: [kept.hash],
    signature: mallory.sign(`delete${kept.hash}`),
  }
  const payload = encodeForwardedRequest({ method: 'delete', params, receivedMs: START_MS, stamp: STAMP + 1 })
  liar.lies = giving([{ kind: 'request', account: alice.id, payload }])
  await differs(swarm, honest, 3)
  expect(honest.node.store.store.statistics().messages).toBe(1)
})

test('a refused request of a subaccount is not held against the member: it may not have heard what was revoked', async () => {
  const { swarm, honest, liar } = await createLiar()
  await using _swarm = swarm
  const params = {
    pubkey: alice.groupId,
    messages: ['A'.repeat(43)],
    signature: alice.sign('x'),
    subaccount: 'A'.repeat(48),
  }
  const payload = encodeForwardedRequest({
    method: 'delete',
    params: { ...params, subaccount_sig: alice.sign('y') },
    receivedMs: START_MS,
    stamp: STAMP,
  })
  liar.lies = giving([{ kind: 'request', account: alice.groupId, payload }])
  await differs(swarm, honest, 3)
  expect(await wrongs(honest, 'request')).toBe(0)
  expect(liar.asked.filter((kind) => kind === 'read')).toHaveLength(1)
})

describe('the work is bounded with a member that', () => {
  test('differs in buckets without end', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = tell({ buckets: ({ from }) => Array.from({ length: 40 }, (_, at) => from + at) })
    await differs(swarm, honest)
    expect(liar.asked.filter((kind) => kind === 'list')).toHaveLength(40)
    await honest.comparison.roundNow()
    expect(honest.comparison.status()).toMatchObject({ differing: 1 })
  })

  test('differs in buckets that cannot be', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = tell({ buckets: ({ from }) => [0, from - 1, 2 ** 32 - 1] })
    await honest.comparison.roundNow()
    expect(liar.asked).toEqual(['total', 'total', 'buckets'])
    expect(await wrongs(honest, 'malformed')).toBe(1)
  })

  test('has lists without end', async () => {
    const { swarm, honest, liar } = await createLiar(2, { comparing: { listedMax: 640 } })
    await using _swarm = swarm
    liar.lies = tell({ list: ({ after }) => ({ entries: [], next: after + 1 }) })
    await honest.comparison.roundNow()
    expect(liar.asked.filter((kind) => kind === 'list')).toHaveLength(10)
  })

  test('has lists that go in circles', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = tell({ list: () => ({ entries: [], next: 7 }) })
    await honest.comparison.roundNow()
    expect(liar.asked.filter((kind) => kind === 'list')).toHaveLength(2)
    expect(await wrongs(honest, 'malformed')).toBe(1)
  })

  test('has what it never gives', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = giving([held(), held()], [])
    await honest.comparison.roundNow()
    expect(liar.asked.filter((kind) => kind === 'read')).toHaveLength(1)
  })

  test.each([
    ['an answer that is too large', Buffer.alloc(1024 * 1024 + 1)],
    ['an answer that is none', Buffer.from('what?')],
    ['nothing at all', Buffer.of()],
  ])('gives %s', async (_, answer) => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    liar.lies = async () => answer
    await differs(swarm, honest, 20)
    // It is asked once a round, until that was too often.
    expect(liar.asked).toHaveLength(16)
    expect(honest.comparison.status()).toMatchObject({ apart: 1 })
    expect(await honest.metrics()).toContain('starling_swarm_ignored_members 1')
    for (const { node } of swarm.nodes) node.store.clock.pass(HOUR)
    await honest.comparison.roundNow()
    expect(liar.asked).toHaveLength(17)
  })

  test('never answers', async () => {
    const waits: number[] = []
    const timers: Timers = {
      ...testTimers,
      deadline(ms, parent) {
        waits.push(ms)
        honest.node.store.clock.pass(ms)
        return systemTimers.deadline(5, parent)
      },
    }
    const { swarm, honest, liar } = await createLiar(2, { timers })
    await using _swarm = swarm
    liar.lies = () => new Promise(() => {})
    for (let round = 0; round < 6; round++) await honest.comparison.roundNow()
    expect(honest.comparison.status()).toMatchObject({ silent: 1 })
    // All others wait for it each time.
    expect(waits).toEqual([10_000, 5_000, 2_500, 1_250, 1_000, 1_000])
  })

  test('takes its time and has nothing', async () => {
    const { swarm, honest, liar } = await createLiar()
    await using _swarm = swarm
    const { clock } = honest.node.store
    const lie = tell({})
    liar.lies = async (request, payload) => {
      if (request.kind === 'list') clock.pass(9_000)
      return (await lie?.(request, payload)) ?? expect.unreachable()
    }
    for (let round = 0; round < 6; round++) await honest.comparison.roundNow()
    const turns = () => liar.asked.filter((kind) => kind === 'buckets').length
    expect(turns()).toBe(1)
    clock.pass(36_000)
    await honest.comparison.roundNow()
    expect(turns()).toBe(2)
  })
})

test('a member that is ignored is not answered either', async () => {
  const { swarm, honest, liar } = await createLiar()
  await using _swarm = swarm
  for (let time = 0; time < 16; time++) honest.conduct.wrong(liar.key, 'hash')
  const asked = honest.responder.handle(liar.key, Buffer.of(0), new AbortController().signal)
  await expect(asked).rejects.toMatchObject({ code: 'PEER_FAILED' })
})

test('fifteen wrong things an hour are forgiven', async () => {
  const { swarm, honest, liar } = await createLiar()
  await using _swarm = swarm
  for (let time = 0; time < 60; time++) {
    honest.conduct.wrong(liar.key, 'hash')
    honest.node.store.clock.pass((60 * MINUTE) / 15)
    expect(honest.conduct.ignores(liar.key)).toBe(false)
  }
})

test('members that do not lie come to hold the same although one does', async () => {
  await using swarm = await createContentsNetwork(4)
  const [first, second, third, liar] = swarm.nodes as [ContentsNode, ContentsNode, ContentsNode, ContentsNode]
  const honest = [first, second, third]
  const false_ = held({ data: Buffer.from('something else') })
  liar.lies = giving([false_])
  for (const { node } of honest) {
    await node.store.store.store(aMessage({ account: alice.id }), { stamp: STAMP - HOUR * 1000 })
  }
  for (const { comparison } of honest) await comparison.roundNow()
  for (const { node } of honest) expect(node.store.store.statistics().messages).toBe(3)
})

function inNamespace(namespace: number, account: AccountId = alice.id): Partial<StoredMessage> {
  const data = Buffer.from(`in ${namespace}`)
  return { account, namespace, data, hash: hashMessage(account, namespace, data) }
}
