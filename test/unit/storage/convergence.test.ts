// Members get the same operations in different orders, some of them twice, some of them late. They have to end with the same.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { HOUR, MINUTE } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import { compareHashes, type StoredMessage } from '../../../src/protocol/message.ts'
import {
  deliveries,
  hashOf,
  histories,
  messageRequests,
  type Placed,
  replayed,
  revocationRequests,
  revokedTokens,
  tokenOf,
} from './replay-model.ts'
import { everything, openTestStore, type TestStore } from './store-fixture.ts'

const NAMESPACES = [0, 5, -1, -21]

let made = 0
const newAccount = () => `05${(made++).toString(16).padStart(64, '0')}` as AccountId

/** Hands a request to a member's store, without waiting for what was handed to it before. */
function deliver({ store }: TestStore, account: AccountId, { at, request }: Placed, baseMs: number): Promise<unknown> {
  const stamp = baseMs * 1000 + at
  switch (request.kind) {
    case 'store': {
      const { namespace, data } = request.wish
      const times = { timestampMs: baseMs + request.timestamp, expiryMs: baseMs + request.expiry }
      const hash = hashOf(account, request.wish)
      return store.store({ account, namespace, hash, data: Buffer.from(data), ...times }, stamp)
    }
    case 'delete':
      return store.delete(
        account,
        request.wishes.map((wish) => hashOf(account, wish)),
        stamp,
      )
    case 'expire': {
      const changes = request.changes.map(({ wish, expiry }) => ({
        hash: hashOf(account, wish),
        expiryMs: baseMs + expiry,
      }))
      return store.expire(account, changes, request.mode, stamp)
    }
    case 'deleteAll':
      return store.deleteAll(account, request.namespace, stamp)
    case 'deleteBefore':
      return store.deleteBefore(account, request.namespace, baseMs + request.before, stamp)
    case 'expireAll':
      return store.expireAll(account, request.namespace, baseMs + request.expiry, stamp)
    case 'revoke':
      return store.revocations.revoke(account, request.tokens.map(tokenOf), stamp)
    case 'unrevoke':
      return store.revocations.unrevoke(account, request.tokens.map(tokenOf), stamp)
  }
}

async function contents({ store }: TestStore, account: AccountId): Promise<StoredMessage[]> {
  const found = await Promise.all(NAMESPACES.map((namespace) => store.retrieve({ account, namespace, ...everything })))
  const messages = found.flatMap(({ messages }) => messages)
  // What is answered about single messages is the same.
  const hashes = messages.map(({ hash }) => hash)
  expect(await store.expiries(account, hashes)).toEqual(messages.map(({ hash, expiryMs }) => ({ hash, expiryMs })))
  return messages.sort((a, b) => compareHashes(a.hash, b.hash))
}

const byHash = (messages: StoredMessage[]) => messages.sort((a, b) => compareHashes(a.hash, b.hash))

test('any order and duplication of operations on messages gives the same contents, what is settled included', async () => {
  await using first = await openTestStore()
  await using second = await openTestStore()
  const members = [first, second]
  const phases = fc
    .tuple(histories(messageRequests, 14), histories(messageRequests, 8))
    .chain((lists) => fc.tuple(...lists.map((list) => fc.tuple(fc.constant(list), deliveries(list), deliveries(list)))))
  await fc.assert(
    fc.asyncProperty(phases, fc.constantFrom(5 * MINUTE, 25 * MINUTE), async (lists, passedMs) => {
      const account = newAccount()
      const all: (Placed & { baseMs: number })[] = []
      for (const [history, ...orders] of lists) {
        const baseMs = first.clock.nowMs()
        all.push(...history.map((placed) => ({ ...placed, baseMs })))
        for (const [at, member] of members.entries()) {
          await Promise.all((orders[at] ?? []).map((placed) => deliver(member, account, placed, baseMs)))
        }
        const expected = byHash(replayed(account, all, baseMs))
        for (const member of members) expect(await contents(member, account)).toEqual(expected)

        for (const member of members) member.clock.pass(passedMs)
        // One of them forgets at once what cannot matter any more, the other when it comes across it.
        await first.store.sweepNow()
        const later = byHash(replayed(account, all, baseMs + passedMs))
        for (const member of members) expect(await contents(member, account)).toEqual(later)
      }
    }),
    { numRuns: 200 },
  )
  // Nothing is remembered for ever: with time, both go back to nothing.
  for (const member of members) {
    member.clock.pass(40 * 24 * HOUR)
    // The first may find that something can be forgotten only from a moment on that has passed, too.
    await member.store.sweepNow()
    await member.store.sweepNow()
    expect(member.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
    expect(await member.exposeMetrics()).toContain('starling_storage_tombstones 0')
  }
})

test('any order and duplication of revocations gives the same list, and the same answer about any moment', async () => {
  await using first = await openTestStore()
  await using second = await openTestStore()
  const members = [first, second]
  const phases = fc
    .tuple(histories(revocationRequests, 8), histories(revocationRequests, 5))
    .chain((lists) => fc.tuple(...lists.map((list) => fc.tuple(fc.constant(list), deliveries(list), deliveries(list)))))
  await fc.assert(
    fc.asyncProperty(phases, fc.integer({ min: -9 * MINUTE * 1000, max: 0 }), async (lists, moment) => {
      const account = newAccount()
      const all: (Placed & { baseMs: number })[] = []
      for (const [history, ...orders] of lists) {
        const baseMs = first.clock.nowMs()
        all.push(...history.map((placed) => ({ ...placed, baseMs })))
        for (const [at, { store }] of members.entries()) {
          await Promise.all((orders[at] ?? []).map((placed) => deliver(members[at] ?? first, account, placed, baseMs)))
          expect(store.revocations.revoked(account)).toEqual(revokedTokens(all).map(tokenOf))
          const before = baseMs * 1000 + moment
          const revoked = revokedTokens(all, before)
          for (const token of [0, 1, 2, 3, 30]) {
            expect(store.revocations.isRevoked(account, tokenOf(token), before)).toBe(revoked.includes(token))
          }
        }
        for (const member of members) member.clock.pass(25 * MINUTE)
        await first.store.sweepNow()
      }
    }),
    { numRuns: 100 },
  )
})
