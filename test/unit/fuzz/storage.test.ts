// Ten thousand mutations of records as a store has written them, for each decoder of what lies on disk.
import { expect, test } from 'vitest'
import { DAY, HOUR } from '../../../src/base/clock.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { decodeTotals, decodeUsage } from '../../../src/storage/counters-codec.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { decodeExpiryEntry } from '../../../src/storage/expiry-entry.ts'
import { decodeHint, decodeHintQueue } from '../../../src/storage/hint-codec.ts'
import * as keys from '../../../src/storage/keys.ts'
import { decodeLocator, decodeRow } from '../../../src/storage/message-codec.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { decodeOutboxList } from '../../../src/storage/outbox-list.ts'
import { decodeRequest, decodeRequestLog } from '../../../src/storage/request-codec.ts'
import { decodeRevocationLists, decodeRevocations } from '../../../src/storage/revocation-codec.ts'
import { createChance } from '../../support/chance.ts'
import { decodersIn, type FuzzTarget, fuzz } from '../../support/fuzz.ts'
import { ALICE, aMessage, openTestStore, START_MS, uniqueData } from '../storage/store-fixture.ts'

/** Records as a store has written them. */
async function storageDecoders(): Promise<readonly FuzzTarget[]> {
  await using store = await openTestStore()
  const [large, deleted, expiring] = [aMessage({ data: uniqueData(10_000) }), aMessage(), aMessage()]
  const inOutbox = [1, 2].map((ms) => aMessage({ namespace: -21, timestampMs: START_MS + ms }))
  for (const message of [aMessage(), large, deleted, expiring, ...inOutbox]) await store.store.store(message)
  // What operations leave behind is kept beside the messages, and of those that are gone.
  const requested = (stamp: number) => ({ stamp: START_MS * 1000 + stamp, request: Buffer.from('{}') })
  await store.store.delete(ALICE, [deleted.hash], requested(900))
  await store.store.expire(ALICE, [{ hash: expiring.hash, expiryMs: START_MS + HOUR }], 'shorten')
  await store.store.deleteBefore(ALICE, 'all', START_MS - HOUR, requested(901))
  await store.store.expire(ALICE, [{ hash: large.hash, expiryMs: START_MS + DAY }], 'set', requested(902))
  const peer = 'ab'.repeat(32) as ServiceNodeKey
  await store.store.hints.add(peer, Buffer.from('{}'), START_MS + HOUR)
  await store.store.expireAll(ALICE, 0, START_MS + HOUR)
  await store.store.revocations.revoke(ALICE, [Buffer.alloc(36, 1), Buffer.alloc(36, 2)])
  await store.store[Symbol.asyncDispose]()
  await using database = await openDatabase({ ...defaultStorageOptions, path: store.path })
  const records: [Buffer, Buffer][] = await database.iterator().all()
  const account = keys.accountBytes(ALICE)
  /** All whose keys begin as this one does, and are as long. */
  const like = (name: string, decode: (bytes: Buffer) => unknown, key: Buffer, prefix = 1): FuzzTarget => ({
    name,
    seeds: records
      .filter(([each]) => each.length === key.length && each.subarray(0, prefix).equals(key.subarray(0, prefix)))
      .map(([, value]) => value),
    decode,
    throws: StorageError,
  })
  const place = { namespace: 0, sequence: 0 }
  return [
    like('decodeRow', decodeRow, keys.rowKey(account, place)),
    like('decodeLocator', decodeLocator, keys.locatorKey(account, Buffer.alloc(keys.HASH_SIZE))),
    like('decodeUsage', decodeUsage, keys.usageKey(account)),
    like('decodeTotals', decodeTotals, keys.TOTALS_KEY, 2),
    like('decodeExpiryEntry', decodeExpiryEntry, keys.expiryKey(1, 1)),
    like('decodeOutboxList', decodeOutboxList, keys.outboxKey(account, -21)),
    like('decodeRequestLog', decodeRequestLog, keys.requestLogKey(account)),
    like('decodeRequest', decodeRequest, keys.requestKey(account, Buffer.alloc(keys.REQUEST_NAME_SIZE))),
    like('decodeHintQueue', decodeHintQueue, keys.hintQueueKey(Buffer.alloc(32))),
    like('decodeHint', decodeHint, keys.hintKey(Buffer.alloc(32), 1)),
    like('decodeRevocations', decodeRevocations, keys.revocationsKey(account)),
    like('decodeRevocationLists', decodeRevocationLists, keys.REVOCATION_LISTS_KEY, 2),
  ]
}

const DECODERS = await storageDecoders()
/** Parts of others, which hand them their bytes. */
const PARTS = ['decodeHistory', 'decodeOperations', 'decodeNamespace']

test('every decoder of what lies on disk is fuzzed', () => {
  const fuzzed = new Set([...DECODERS.map(({ name }) => name), ...PARTS])
  expect(decodersIn('storage').filter((name) => name.startsWith('decode') && !fuzzed.has(name))).toEqual([])
})

test.each(DECODERS)('$name takes or refuses mutations', (target) => {
  expect(target.seeds).not.toEqual([])
  fuzz(target, createChance())
})
