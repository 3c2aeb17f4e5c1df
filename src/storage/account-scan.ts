import type { AccountId } from '../protocol/account.ts'
import { compareHashes, type MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import { RANGES_MAX } from './counters-codec.ts'
import type { Database } from './database.ts'
import { orderBucket } from './expiry-entry.ts'
import type { Writer } from './group-commit.ts'
import { ACCOUNT_ITSELF, accountBytes, hashBytes, hashFromBytes, hashOfLocatorKey, locatorRange } from './keys.ts'
import { decodeLocator, isHeld, type Locator } from './message-codec.ts'
import { keyOf } from './message-group.ts'
import { isLive, type RecordChange, usageOf, writeUsage } from './message-records.ts'
import { compareOperations, type RangeOperation, type StampedOperation, stamped } from './operation.ts'
import { meetsInAnyOutbox } from './outbox-members.ts'
import { isInChoice } from './replay.ts'
import { settle } from './settlement.ts'
import type { WriteBatch } from './write-batch.ts'

export interface NamespacedHash {
  namespace: Namespace
  hash: MessageHash
}

/** Locators fetched at once: a few milliseconds' work between two turns of the event loop. */
const PAGE_SIZE = 128

/**
 * Carries out an operation on a range of an account's messages: on those that are known, and, remembered for a while, on those
 * that arrive late. Rows are not read. Returns what was changed, sorted by hash.
 */
export async function changeAccount(
  database: Database,
  writer: Writer,
  account: AccountId,
  { operation, stamp }: { operation: RangeOperation; stamp: OperationStamp },
  circumstances: Circumstances,
): Promise<NamespacedHash[]> {
  const changed = new Map<string, NamespacedHash>()
  const accountInKeys = accountBytes(account)
  const range = stamped(stamp, operation)
  await using iterator = database.iterator(locatorRange(accountInKeys))
  rememberRange(writer.batch, accountInKeys, range, circumstances)
  for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
    for (const [key, record] of page) {
      if (!mayConcern(range, decodeLocator(record))) continue
      await writer.makeRoom()
      const hash = hashOfLocatorKey(key)
      const id = { account: accountInKeys, hash: hashBytes(hash) }
      for (const change of settle(writer.batch, id, undefined, circumstances).changes) {
        const namespaced = affected(change, circumstances)
        if (namespaced !== undefined) changed.set(keyOf(change.id.hash), namespaced)
      }
    }
  }
  return [...changed.values()].sort((a, b) => compareHashes(a.hash, b.hash))
}

/** Forgets operations on ranges that nothing can arrive for any more. */
export function forgetRanges(batch: WriteBatch, account: Buffer, bucket: number): void {
  const usage = usageOf(batch, account)
  const ranges = usage.ranges.filter(({ stamp }) => orderBucket(stamp) > bucket)
  if (ranges.length < usage.ranges.length) writeUsage(batch, account, { ...usage, ranges })
}

function rememberRange(
  batch: WriteBatch,
  account: Buffer,
  range: StampedOperation,
  { settledMs }: Circumstances,
): void {
  batch.noteStamp(range.stamp)
  const usage = usageOf(batch, account)
  if (usage.ranges.some(({ bytes }) => bytes.equals(range.bytes))) return
  const recent = usage.ranges.filter(({ stamp }) => stampMs(stamp) >= settledMs)
  const ranges = [...recent, range].sort(compareOperations).slice(-RANGES_MAX)
  writeUsage(batch, account, { ...usage, ranges })
  batch.indexExpiry(orderBucket(range.stamp), { account, hash: ACCOUNT_ITSELF })
}

/** Cheap, and wrong only on the safe side: an account has thousands that are gone already. */
function mayConcern({ operation, stamp }: StampedOperation, locator: Locator): boolean {
  const { history } = locator
  // Late, or about messages that depend on one another: only a replay tells.
  if (history !== undefined && (locator.stamp >= stamp || meetsInAnyOutbox(history))) return true
  if (!isHeld(locator) || locator.stamp > stamp || locator.expiryMs <= stampMs(stamp)) return false
  if (operation.kind === 'delete-range') {
    return isInChoice(locator.namespace, operation.namespace) && locator.timestampMs <= operation.beforeMs
  }
  if (operation.kind !== 'expire-range') return false
  return isInChoice(locator.namespace, operation.namespace) && locator.expiryMs > operation.expiryMs
}

/** What is reported: messages that are gone, or end sooner. */
function affected({ id, before, after }: RecordChange, { nowMs }: Circumstances): NamespacedHash | undefined {
  if (before === undefined || !isLive(before, nowMs)) return undefined
  if (after !== undefined && isHeld(after) && after.expiryMs >= before.expiryMs) return undefined
  return { namespace: before.namespace, hash: hashFromBytes(id.hash) }
}
