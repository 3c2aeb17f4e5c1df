// How tests hand requests of the model's language to a store, and read what it holds then.
import { expect } from 'vitest'
import type { AccountId } from '../../../src/protocol/account.ts'
import { compareHashes, type StoredMessage } from '../../../src/protocol/message.ts'
import { hashOf, NAMESPACES, type Placed, replayed, tokenOf } from './replay-model.ts'
import { everything, type TestStore } from './store-fixture.ts'

export type Delivered = Placed & { baseMs: number }

let made = 0
/** They differ in their first bytes, so that a page of one is soon found. */
export const newAccount = () => `05${[...(made++).toString(16).padStart(64, '0')].reverse().join('')}` as AccountId

/** Hands a request to a member's store, without waiting for what was handed to it before. */
export function deliver(
  { store }: TestStore,
  account: AccountId,
  placed: Delivered,
  sent?: Uint8Array,
): Promise<unknown> {
  const { at, baseMs, request } = placed
  const origin = { stamp: baseMs * 1000 + at, request: sent }
  switch (request.kind) {
    case 'store': {
      const { namespace, data } = request.wish
      const times = { timestampMs: baseMs + request.timestamp, expiryMs: baseMs + request.expiry }
      const hash = hashOf(account, request.wish)
      return store.store({ account, namespace, hash, data: Buffer.from(data), ...times }, origin)
    }
    case 'delete':
      return store.delete(
        account,
        request.wishes.map((wish) => hashOf(account, wish)),
        origin,
      )
    case 'expire': {
      const changes = request.changes.map(({ wish, expiry }) => ({
        hash: hashOf(account, wish),
        expiryMs: baseMs + expiry,
      }))
      return store.expire(account, changes, request.mode, origin)
    }
    case 'deleteAll':
      return store.deleteAll(account, request.namespace, origin)
    case 'deleteBefore':
      return store.deleteBefore(account, request.namespace, baseMs + request.before, origin)
    case 'expireAll':
      return store.expireAll(account, request.namespace, baseMs + request.expiry, origin)
    case 'revoke':
      return store.revocations.revoke(account, request.tokens.map(tokenOf), origin)
    case 'unrevoke':
      return store.revocations.unrevoke(account, request.tokens.map(tokenOf), origin)
  }
}

export async function contents({ store }: TestStore, account: AccountId): Promise<StoredMessage[]> {
  const found = await Promise.all(NAMESPACES.map((namespace) => store.retrieve({ account, namespace, ...everything })))
  const messages = found.flatMap((each) => each.messages)
  // What is answered about single messages is the same.
  const hashes = messages.map(({ hash }) => hash)
  expect(await store.expiries(account, hashes)).toEqual(messages.map(({ hash, expiryMs }) => ({ hash, expiryMs })))
  return byHash(messages)
}

/** Compares with what everything delivered so far comes to in the order of stamps. */
export async function expectReplayed(member: TestStore, account: AccountId, all: readonly Delivered[]): Promise<void> {
  expect(await contents(member, account)).toEqual(byHash(replayed(account, all, member.clock.nowMs())))
}

const byHash = (messages: StoredMessage[]) => messages.sort((a, b) => compareHashes(a.hash, b.hash))
