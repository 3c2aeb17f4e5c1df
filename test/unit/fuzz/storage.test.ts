// Ten thousand mutations of records as a store has written them, for each decoder of what lies on disk.
import { expect, test } from 'vitest'
import { decodeTotals, decodeUsage } from '../../../src/storage/counters-codec.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { decodeExpiryEntry } from '../../../src/storage/expiry-entry.ts'
import * as keys from '../../../src/storage/keys.ts'
import { decodeLocator, decodeRow } from '../../../src/storage/message-codec.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { decodeRevocationLists, decodeRevocations } from '../../../src/storage/revocation-codec.ts'
import { createChance } from '../../support/chance.ts'
import { type FuzzTarget, fuzz } from '../../support/fuzz.ts'
import { ALICE, aMessage, openTestStore, uniqueData } from '../storage/store-fixture.ts'

/** Records as a store has written them. */
async function storageDecoders(): Promise<readonly FuzzTarget[]> {
  await using store = await openTestStore()
  await store.store.store(aMessage())
  await store.store.store(aMessage({ data: uniqueData(10_000) }))
  await store.store.store(aMessage({ namespace: -21 }))
  await store.store.revocations.revoke(ALICE, [Buffer.alloc(36, 1), Buffer.alloc(36, 2)])
  await store.store[Symbol.asyncDispose]()
  await using database = await openDatabase({ ...defaultStorageOptions, path: store.path })
  const records: [Buffer, Buffer][] = await database.iterator().all()
  const account = keys.accountBytes(ALICE)
  /** All whose keys begin as this one does. */
  const like = (name: string, decode: (bytes: Buffer) => unknown, key: Buffer, prefix = 1): FuzzTarget => ({
    name,
    seeds: records
      .filter(([each]) => each.subarray(0, prefix).equals(key.subarray(0, prefix)))
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
    like('decodeRevocations', decodeRevocations, keys.revocationsKey(account)),
    like('decodeRevocationLists', decodeRevocationLists, keys.REVOCATION_LISTS_KEY, 2),
  ]
}

test.each(await storageDecoders())('$name takes or refuses mutations', (target) => {
  expect(target.seeds).not.toEqual([])
  fuzz(target, createChance())
})
