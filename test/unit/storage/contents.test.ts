// What members compare and hand to one another.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import {
  CONTENTS_BUCKET_MS,
  type ContentsEntry,
  type HeldItem,
  type HeldMessage,
} from '../../../src/protocol/contents.ts'
import { heldEntryOf, messageEntryOf, slotOf } from '../../../src/protocol/contents-entry.ts'
import type { StoredMessage } from '../../../src/protocol/message.ts'
import { encodeForwardedRequest } from '../../../src/protocol/peer-api/forwarded-request.ts'
import type { SwarmArc } from '../../../src/protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../../../src/protocol/swarm-space.ts'
import { firstComparedBucket } from '../../../src/swarm/contents-buckets.ts'
import { contents, deliver, newAccount } from './replay-delivery.ts'
import { deliveries, histories, lateMessageRequests } from './replay-model.ts'
import { ALICE, aMessage, BOB, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

const EVERYWHERE: SwarmArc = { first: 0n, last: 2n ** 64n - 1n }
const ALL_SLOTS = new Set(Array.from({ length: 16 }, (_, slot) => slot))

/** The half of the ring that an account lies on. */
const halfOf = (account: AccountId): SwarmArc =>
  swarmSpaceOf(account) < 2n ** 63n ? { first: 0n, last: 2n ** 63n - 1n } : { first: 2n ** 63n, last: 2n ** 64n - 1n }

const originAt = (ms: number, text = `${ms}`) => ({
  stamp: ms * 1000,
  request: encodeForwardedRequest({ method: 'delete', params: { text }, receivedMs: ms, stamp: ms * 1000 }),
})

/** Sums once they are made. */
async function sumsOf({ store }: TestStore, arc: SwarmArc) {
  store.contents.cover(arc)
  // They are made in the background, a bit each turn.
  while (store.contents.sums() === undefined) await new Promise((resolve) => setImmediate(resolve))
  return sumsNow(store)
}

function sumsNow(store: TestStore['store'], from = 0) {
  const sums = store.contents.sums()
  const buckets = [...(sums?.buckets(from) ?? [])]
  const slots = buckets.map(([bucket]) => sums?.slots(bucket).map(toHex))
  return {
    total: toHex(sums?.total(from) ?? new Uint8Array()),
    buckets: buckets.map(([at, sum]) => [at, toHex(sum)]),
    slots,
  }
}

async function listed(
  { store }: TestStore,
  bucket: number,
  arc = EVERYWHERE,
  slots = ALL_SLOTS,
): Promise<ContentsEntry[]> {
  const entries: ContentsEntry[] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await store.contents.list({ arc, bucket, slots, after, countMax: 3 })
    entries.push(...page.entries)
    after = page.next
  }
  return entries
}

async function paged({ store }: TestStore, sizeMax: number, arc = EVERYWHERE): Promise<HeldItem[]> {
  const items: HeldItem[] = []
  let after: Parameters<typeof store.contents.page>[0]['after']
  do {
    const page = await store.contents.page({ arc, first: 0, last: 255, after, sizeMax })
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}

const names = (items: readonly (HeldItem | ContentsEntry)[]) =>
  items
    .map((item) => ('id' in item ? item : heldEntryOf(item)))
    .map(({ account, id, version }) => `${account} ${toHex(id)} ${toHex(version)}`)

test('sums that are kept up are those of a look at everything, whatever happens', async () => {
  await using fixture = await openTestStore()
  const { clock } = fixture
  const accounts = [ALICE, BOB, `03${'5e'.repeat(32)}` as AccountId]
  const arc = halfOf(ALICE)
  await sumsOf(fixture, arc)
  const rounds = histories(lateMessageRequests, 10).chain((list) =>
    fc.tuple(fc.constant(list), deliveries(list), fc.constantFrom(...accounts)),
  )
  await fc.assert(
    fc.asyncProperty(
      rounds,
      fc.constantFrom(MINUTE, HOUR, 2 * DAY),
      fc.boolean(),
      async ([list, order, account], passedMs, isSwept) => {
        const { store } = fixture
        const baseMs = clock.nowMs()
        const all = new Map(list.map((placed) => [placed, { ...placed, baseMs }]))
        await Promise.all(
          order.map((placed) =>
            deliver(fixture, account, all.get(placed) ?? { ...placed, baseMs }, utf8(`${placed.at}`)),
          ),
        )
        const held = (await paged(fixture, 30_000)).filter((item): item is HeldMessage => item.kind === 'message')
        if (isSwept) await store.contents.drop(account)
        clock.pass(passedMs)
        if (isSwept) await store.sweepNow()
        await store.contents.adopt(held)
        const kept = sumsNow(store)
        store.contents.cover(undefined)
        expect(kept).toEqual(await sumsOf(fixture, arc))
      },
    ),
    { numRuns: 40 },
  )
  clock.pass(62 * DAY)
  for (const _ of [1, 2, 3]) await fixture.store.sweepNow()
  expect(sumsNow(fixture.store)).toEqual({ total: '00'.repeat(16), buckets: [], slots: [] })
  expect(await fixture.exposeMetrics()).toContain('starling_storage_requests 0')
  expect(await fixture.exposeMetrics()).toContain('starling_storage_tombstones 0')
}, 60_000)

test('members that got the same in any order, and then what they lacked, have the same sums', async () => {
  await using first = await openTestStore()
  await using second = await openTestStore()
  const members = [first, second]
  for (const member of members) await sumsOf(member, EVERYWHERE)
  const orders = histories(lateMessageRequests, 14).chain((list) =>
    fc.tuple(fc.constant(list), deliveries(list), deliveries(list)),
  )
  await fc.assert(
    fc.asyncProperty(orders, async ([list, ...delivered]) => {
      const account = newAccount()
      const baseMs = first.clock.nowMs()
      const payload = (at: number) => utf8(`${account} ${at}`)
      const all = new Map(list.map((placed, at) => [toHex(payload(at)), { ...placed, baseMs }]))
      const numbers = new Map(list.map((placed, at) => [placed, at]))
      for (const [index, member] of members.entries()) {
        const order = delivered[index] ?? []
        await Promise.all(
          order.map((each) => deliver(member, account, { ...each, baseMs }, payload(numbers.get(each) ?? 0))),
        )
      }
      for (const [from, to] of [members, members.toReversed()] as [TestStore, TestStore][]) {
        for (const item of await paged(from, 1e6)) {
          const request = item.kind === 'request' ? all.get(toHex(item.payload)) : undefined
          if (request !== undefined && item.kind === 'request') await deliver(to, account, request, item.payload)
        }
      }
      // As members do, leave out what ends now: a message that has ended is there until it is swept, or never was.
      const from = firstComparedBucket(first.clock.nowMs())
      expect(sumsNow(first.store, from)).toEqual(sumsNow(second.store, from))
      for (const member of members) member.clock.pass(5 * MINUTE)
    }),
    { numRuns: 60 },
  )
})

test('what is listed and what is paged are the same, and are summed up', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const messages = Array.from({ length: 40 }, (_, at) =>
    aMessage({ account: at % 2 === 0 ? ALICE : BOB, expiryMs: START_MS + HOUR, data: Buffer.alloc(at * 300, at) }),
  )
  for (const message of messages) await store.store(message)
  const deleted = messages.slice(0, 4).map(({ hash }) => hash)
  await store.delete(ALICE, deleted, originAt(START_MS + 1))
  const bucket = Math.floor((START_MS + HOUR) / CONTENTS_BUCKET_MS)
  const requestBucket = Math.floor((START_MS + 1 + 30 * DAY) / CONTENTS_BUCKET_MS)
  const entries = [...(await listed(fixture, bucket)), ...(await listed(fixture, requestBucket))]
  const expected = [...messages.filter(({ account, hash }) => account === BOB || !deleted.includes(hash))]
  const items = await paged(fixture, 5_000)
  expect(items).toHaveLength(expected.length + 1)
  expect(new Set(names(entries))).toEqual(new Set(names(items)))
  // In the order of keys, and a page after the other whatever they hold.
  expect(names(items).map((name) => name.slice(0, 66))).toEqual(
    names(items)
      .map((name) => name.slice(0, 66))
      .sort(),
  )
  expect(names(await paged(fixture, 1))).toEqual(names(items))
  expect(names(await store.contents.read(entries, 1e9)).sort()).toEqual(names(items).sort())
  expect(await store.contents.read(entries, 1)).toHaveLength(1)
  const slot = new Set([slotOf(BOB)])
  expect((await listed(fixture, bucket, EVERYWHERE, slot)).every(({ account }) => account === BOB)).toBe(true)
  const sums = await sumsOf(fixture, EVERYWHERE)
  expect(sums.buckets.map(([at]) => at)).toEqual([bucket, requestBucket])
  expect(await store.contents.lacking(entries)).toEqual([])
  await using other = await openTestStore()
  expect(await other.store.contents.lacking(entries)).toEqual(entries)
})

describe('a message that is handed over', () => {
  const arrivingAt = async (from: TestStore, to: TestStore, account = ALICE) => {
    const items = (await paged(from, 1e6)).filter(
      (item): item is HeldMessage => item.kind === 'message' && item.message.account === account,
    )
    return to.store.contents.adopt(items)
  }

  // The claim bridges what lies between: when it was set for the last time, its first life had long ended.
  test.each(['extend', 'set'] as const)(
    'lives as long as where it comes from by %s, and is new only once',
    async (mode) => {
      await using from = await openTestStore()
      await using to = await openTestStore()
      const message = aMessage({ expiryMs: START_MS + HOUR })
      await from.store.store(message)
      expect(await arrivingAt(from, to)).toEqual(['new'])
      for (let day = 1; day < 4; day++) {
        from.clock.pass(50 * MINUTE)
        to.clock.pass(50 * MINUTE)
        const changes = [{ hash: message.hash, expiryMs: START_MS + (day + 1) * HOUR }]
        await from.store.expire(ALICE, changes, mode)
        await from.store.sweepNow()
      }
      expect(await arrivingAt(from, to)).toEqual(['new'])
      expect(await arrivingAt(from, to)).toEqual(['known'])
      expect(await contents(to, ALICE)).toEqual(await contents(from, ALICE))
    },
  )

  test('comes also to where all is known of its life but an extension', async () => {
    await using from = await openTestStore()
    await using to = await openTestStore()
    const message = aMessage({ expiryMs: START_MS + DAY })
    const { hash } = message
    const origin = (seconds: number) => ({ stamp: (START_MS + seconds * SECOND) * 1000 })
    const until = (seconds: number) => [{ hash, expiryMs: START_MS + seconds * SECOND }]
    await from.store.store(message, origin(0))
    await from.store.expire(ALICE, until(30), 'set', origin(1))
    await from.store.expire(ALICE, until(60), 'extend', origin(20))
    await from.store.expire(ALICE, until(90), 'set', origin(50))
    await from.store.expire(ALICE, until(120), 'extend', origin(80))
    await from.store.expire(ALICE, until(9_000), 'set', origin(100))
    for (const [seconds, at] of [
      [30, 1],
      [90, 50],
      [9_000, 100],
    ] as const) {
      await to.store.expire(ALICE, until(seconds), 'set', origin(at))
    }
    for (const { clock } of [from, to]) clock.pass(2 * MINUTE)
    expect(await arrivingAt(from, to)).toEqual(['new'])
    expect(await contents(to, ALICE)).toEqual(await contents(from, ALICE))
  })

  test('does not come back to where it was deleted later, and does to where it was stored later', async () => {
    await using from = await openTestStore()
    await using to = await openTestStore()
    const message = aMessage()
    const origin = (ms: number) => ({ stamp: (START_MS + ms) * 1000 })
    await from.store.store(message, origin(1))
    await to.store.delete(ALICE, [message.hash], origin(2))
    expect(await arrivingAt(from, to)).toEqual(['obsolete'])
    await from.store.store({ ...message, expiryMs: message.expiryMs + HOUR }, origin(3))
    await from.store.delete(ALICE, [message.hash], origin(2))
    expect(await arrivingAt(from, to)).toEqual(['new'])
    expect(await contents(to, ALICE)).toEqual(await contents(from, ALICE))
  })

  test("only the owner's request takes a public outbox, and a claim only lengthens what is there", async () => {
    await using fixture = await openTestStore()
    const { store } = fixture
    const message = aMessage({ namespace: -1, timestampMs: START_MS + 5 })
    const claim = (held: StoredMessage, ms: number) => ({
      ...{ kind: 'message' as const, message: held, stamp: (START_MS + ms) * 1000 },
      ...{ livesUntilMs: START_MS + 2 * DAY, changedStamp: (START_MS + ms) * 1000 },
    })
    expect(await store.contents.adopt([claim(message, 1)])).toEqual(['obsolete'])
    await store.store(message, originAt(START_MS + 2, 'store'))
    const forged = aMessage({ namespace: -1, timestampMs: START_MS + 9 })
    expect(await store.contents.adopt([claim(forged, 3), claim(message, 4)])).toEqual(['obsolete', 'changed'])
    const { messages } = await store.retrieve({ account: ALICE, namespace: -1, sizeMax: 1e6 })
    expect(messages.map(({ hash, expiryMs }) => [hash, expiryMs])).toEqual([[message.hash, START_MS + 2 * DAY]])
  })

  test('is kept out by a full account, also where its data was gone', async () => {
    await using from = await openTestStore()
    await using to = await openTestStore({ accountMessagesMax: 1, authenticatedReserve: 0 })
    const [first, second] = [aMessage({ expiryMs: START_MS + HOUR }), aMessage()]
    await from.store.store(first)
    await to.store.store(second)
    expect(await arrivingAt(from, to)).toEqual(['full'])
    const extension = { stamp: (START_MS + MINUTE) * 1000 }
    await to.store.expire(ALICE, [{ hash: first.hash, expiryMs: START_MS + DAY }], 'extend', extension)
    expect(await arrivingAt(from, to)).toEqual(['full'])
    expect(to.store.statistics().messages).toBe(1)
  })

  test('is missed when it is here in another version, or was deleted here', async () => {
    await using fixture = await openTestStore()
    const { store } = fixture
    const message = aMessage()
    const entry = messageEntryOf({ message, livesUntilMs: message.expiryMs })
    await store.store(message)
    expect(await store.contents.lacking([entry])).toEqual([])
    const longer = messageEntryOf({ message, livesUntilMs: message.expiryMs + 1 })
    expect(await store.contents.lacking([entry, longer])).toEqual([longer])
    await store.delete(ALICE, [message.hash])
    // It may have been stored again elsewhere, in the same words.
    expect(await store.contents.lacking([entry, longer])).toEqual([entry, longer])
  })
})

test('accounts outside of arcs are found, and nothing of them is left when they are dropped', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const accounts = Array.from(
    { length: 12 },
    (_, at) =>
      `${at % 3 === 0 ? '03' : '05'}${Buffer.alloc(32, at * 21 + 1)
        .fill(at, 8)
        .toString('hex')}` as AccountId,
  ).sort()
  for (const [at, account] of accounts.entries()) {
    if (at % 4 === 0) await store.revocations.revoke(account, [Buffer.alloc(36, 1)], originAt(START_MS + at))
    else if (at % 4 === 1) await store.deleteAll(account, 'all', originAt(START_MS + at))
    else
      await Promise.all(
        [0, -1].map((namespace) => store.store(aMessage({ account, namespace, data: Buffer.alloc(5_000) }))),
      )
    if (at % 4 === 3) await store.store(aMessage({ account, namespace: -1, timestampMs: START_MS + 1 }))
  }
  const inside = (arc: SwarmArc) =>
    accounts.filter((account) => {
      const space = swarmSpaceOf(account)
      return arc.first <= arc.last ? space >= arc.first && space <= arc.last : space >= arc.first || space <= arc.last
    })
  const around: SwarmArc = { first: 2n ** 63n, last: 2n ** 62n }
  for (const arc of [around, EVERYWHERE, { first: 5n, last: 5n }]) {
    const outside = accounts.filter((account) => !inside(arc).includes(account))
    const found: AccountId[] = []
    for (
      let page = await store.contents.outside([arc], undefined, 3);
      page.length > 0;
      page = await store.contents.outside([arc], found.at(-1), 3)
    ) {
      found.push(...page)
    }
    expect(found).toEqual(outside)
  }
  await sumsOf(fixture, EVERYWHERE)
  const counts = []
  for (const account of accounts) counts.push(await store.contents.drop(account))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12)
  expect(await store.contents.outside([], undefined, 100)).toEqual([])
  expect(store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
  expect(sumsNow(store).total).toBe('00'.repeat(16))
  expect(await fixture.exposeMetrics()).toMatch(/starling_storage_tombstones 0\n[\s\S]*starling_storage_requests 0\n/)
  fixture.clock.pass(90 * DAY)
  await store.sweepNow()
  await store[Symbol.asyncDispose]()
})
