import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { Database } from './database.ts'
import type { Writer } from './group-commit.ts'
import { accountBytes, hashBytes, hashOfLocatorKey, locatorRange } from './keys.ts'
import { decodeLocator, type Locator } from './message-codec.ts'
import { type HeldMessage, isLive } from './message-records.ts'
import type { WriteBatch } from './write-batch.ts'

export interface NamespacedHash {
  namespace: Namespace
  hash: MessageHash
}

/** One namespace of an account, or the whole of it. */
export type NamespaceChoice = Namespace | 'all'

/** What is done with each live message of an account that a test holds for. */
export interface AccountChange {
  account: AccountId
  namespace: NamespaceChoice
  nowMs: TimestampMs
  concerns: (locator: Locator) => boolean
  apply: (batch: WriteBatch, held: HeldMessage) => void
}

/** Locators fetched at once: a few milliseconds' work between two turns of the event loop. */
const PAGE_SIZE = 128

/** Walks over the account's locators; rows are not read. Returns what was changed, sorted by hash. */
export async function changeAccount(
  database: Database,
  writer: Writer,
  { account, namespace, nowMs, concerns, apply }: AccountChange,
): Promise<NamespacedHash[]> {
  const changed: NamespacedHash[] = []
  const accountInKeys = accountBytes(account)
  await using iterator = database.iterator(locatorRange(accountInKeys))
  for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
    for (const [key, record] of page) {
      const locator = decodeLocator(record)
      if (namespace !== 'all' && locator.namespace !== namespace) continue
      if (!isLive(locator, nowMs) || !concerns(locator)) continue
      await writer.makeRoom()
      const hash = hashOfLocatorKey(key)
      apply(writer.batch, { id: { account: accountInKeys, hash: hashBytes(hash) }, locator })
      changed.push({ namespace: locator.namespace, hash })
    }
  }
  return changed.sort((a, b) => compareHashes(a.hash, b.hash))
}
