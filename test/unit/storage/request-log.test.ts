// Requests that ended or shortened lives are kept for others, as long as they may need them.
import { expect, test } from 'vitest'
import { fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { requestEntryOf } from '../../../src/protocol/contents-entry.ts'
import { ALICE, aMessage, BOB, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

const EVERYWHERE = { first: 0n, last: 2n ** 64n - 1n }
const origin = (text: string, ms = 0) => ({ stamp: (START_MS + ms) * 1000, request: utf8(text) })

/** Texts of what is kept, oldest first. */
async function kept({ store }: TestStore, account = ALICE): Promise<string[]> {
  const texts: string[] = []
  let after: Parameters<typeof store.contents.page>[0]['after']
  do {
    const page = await store.contents.page({ arc: EVERYWHERE, first: 0, last: 255, after, sizeMax: 200 })
    for (const item of page.items)
      if (item.kind === 'request' && item.account === account) texts.push(fromUtf8(item.payload) ?? '')
    after = page.next
  } while (after !== undefined)
  return texts
}

test('what ends or shortens lives is kept, once and in order, whether it changed anything here or not', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const { hash } = aMessage()
  const changes = [{ hash, expiryMs: START_MS + HOUR }]
  await store.store(aMessage(), origin('store', 1))
  await store.expire(ALICE, changes, 'extend', origin('extend', 2))
  await store.expire(ALICE, changes, 'extend-any', origin('extend-any', 3))
  await store.expireAll(ALICE, 'all', START_MS + HOUR, origin('expire_all', 8))
  await store.delete(ALICE, [hash], origin('delete', 4))
  await store.expire(ALICE, changes, 'shorten', origin('shorten', 5))
  // Known already, without what proves it.
  await store.revocations.revoke(ALICE, [Buffer.alloc(36)], { stamp: origin('', 6).stamp })
  await store.revocations.revoke(ALICE, [Buffer.alloc(36)], origin('revoke', 6))
  await store.revocations.unrevoke(ALICE, [Buffer.alloc(36)], origin('unrevoke', 7))
  for (const _ of [1, 2]) await store.delete(ALICE, [hash], origin('delete', 4))
  await store.revocations.unrevoke(ALICE, [Buffer.alloc(36)], origin('unrevoke', 7))
  await store.delete(ALICE, [hash])
  const all = ['delete', 'shorten', 'revoke', 'unrevoke', 'expire_all']
  expect(await kept(fixture)).toEqual(all)
  await fixture.reopen()
  expect(await kept(fixture)).toEqual(all)
  expect(await fixture.exposeMetrics()).toContain('starling_storage_requests 5')
  expect(await kept(fixture, BOB)).toEqual([])
  fixture.clock.pass(30 * DAY + 5)
  expect(await kept(fixture)).toEqual(['revoke', 'unrevoke', 'expire_all'])
  fixture.clock.pass(HOUR)
  for (const _ of [1, 2]) await fixture.store.sweepNow()
  expect(await fixture.exposeMetrics()).toMatch(/starling_storage_tombstones 0\n[\s\S]*starling_storage_requests 0\n/)
  // Too old to be of use to anybody.
  await fixture.store.delete(ALICE, [hash], origin('late', 9))
  expect(await fixture.exposeMetrics()).toContain('starling_storage_requests 0')
})

// In both orders: the log is that of the requests, however they arrived.
test.each([0, 1])('a later request supersedes what it covers, and nothing else', async (turned) => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const [one, two] = [aMessage(), aMessage()]
  const set =
    (name: string, ms: number, untilMs: number, messages = [one, two]) =>
    () =>
      store.expire(
        ALICE,
        messages.map(({ hash }) => ({ hash, expiryMs: START_MS + untilMs })),
        'set',
        origin(name, ms),
      )
  const requests = [
    () => store.deleteBefore(ALICE, 0, START_MS - 5, origin('older', 1)),
    () => store.deleteBefore(ALICE, 5, START_MS - 5, origin('elsewhere', 2)),
    () => store.deleteBefore(ALICE, 0, START_MS, origin('newer', 3)),
    () => store.deleteBefore(ALICE, 0, START_MS - 1, origin('less', 4)),
    set('set', 5, DAY),
    set('set again, in another order', 6, DAY, [two, one]),
    set('set of one', 7, DAY, [one]),
    set('set to a moment', 8, 9),
    set('set after that', 20, DAY),
  ]
  for (const request of turned === 1 ? requests.reverse() : requests) await request()
  const left = ['elsewhere', 'newer', 'less', 'set of one', 'set to a moment', 'set after that']
  // What was set at first was replaced by what lasted a moment, and so by what came next, whichever was seen first.
  expect((await kept(fixture)).filter((text) => text !== 'set' && text !== 'set again, in another order')).toEqual(left)
  await store.deleteAll(ALICE, 0, origin('all of one', 30))
  expect(await kept(fixture)).not.toContain('newer')
  await store.deleteAll(ALICE, 'all', origin('all', 31))
  expect((await kept(fixture)).filter((text) => !text.startsWith('set'))).toEqual(['all'])
})

test('an account keeps a thousand requests of a mebibyte, the newest, and misses none that are older', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const { hash } = aMessage()
  for (let at = 0; at < 1_100; at += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => store.delete(ALICE, [hash], origin(`${at + index}`, at + index))),
    )
  }
  const all = await kept(fixture)
  expect([all.length, all[0], all.at(-1)]).toEqual([1_000, '100', '1099'])
  const entries = [99, 2_000].map((ms) => requestEntryOf(ALICE, origin('', ms).stamp, utf8(`${ms}`)))
  expect(await store.contents.lacking(entries)).toEqual(entries.slice(1))
  for (let at = 0; at < 6; at++) await store.delete(ALICE, [hash], origin(`${at}${'x'.repeat(250_000)}`, MINUTE + at))
  const large = (await kept(fixture)).filter((text) => text.length > 1_000)
  expect(large.map((text) => text[0])).toEqual(['2', '3', '4', '5'])
  await fixture.reopen()
  expect(await fixture.exposeMetrics()).toContain(`starling_storage_requests ${(await kept(fixture)).length}`)
})

test('a full store keeps no requests, and still carries them out', async () => {
  await using fixture = await openTestStore()
  const message = aMessage()
  for (const each of [message, aMessage()]) await fixture.store.store(each)
  await fixture.reopen({ totalBytesMax: 100 })
  expect(await fixture.store.delete(ALICE, [message.hash], origin('delete', 1))).toEqual([message.hash])
  expect(await kept(fixture)).toEqual([])
  expect(await fixture.exposeMetrics()).toMatch(/starling_storage_forgotten_total [1-9]/)
})

test('a store in a public outbox is kept, for it ended what was there', async () => {
  await using fixture = await openTestStore()
  const { store } = fixture
  const message = (ms: number, namespace = -1) => aMessage({ namespace, timestampMs: START_MS + ms })
  const first = message(1)
  await store.store(message(5), origin('second', 2))
  await store.store(first, origin('first', 1))
  // It is newer now than what took its place.
  await store.store({ ...first, timestampMs: START_MS + 7 }, origin('first again', 3))
  await store.store(message(1, -21), origin('elsewhere', 1))
  await store.store(message(9, 2), origin('no outbox', 4))
  await fixture.reopen()
  expect(new Set(await kept(fixture))).toEqual(new Set(['elsewhere', 'first', 'second', 'first again']))
})
