// Brings a database of an older schema version along: locators, usage and revocation records are looked at in their order, a batch's worth at
// a time. Version 2 wrote those of version 1 anew. Version 3 keeps for thirty days what version 2 kept for eleven minutes, so the
// expiry index has to name it at another time. The version is raised first, so that an older Starling refuses what is half done;
// how far it has come is written with each batch, so that it goes on after a crash.
import {
  decodeTotals,
  decodeUsage,
  EMPTY_TOTALS,
  encodeTotals,
  migratedTotals,
  migratedUsage,
} from './counters-codec.ts'
import type { Database } from './database.ts'
import { type ExpiryReference, encodeExpiryEntry, orderBucket } from './expiry-entry.ts'
import {
  ACCOUNT_ITSELF,
  accountOfKey,
  expiryKey,
  hashOfKey,
  isLocatorKey,
  isRevocationsKey,
  MIGRATION_KEY,
  migratedRanges,
  SCHEMA_VERSION_KEY,
  TOTALS_KEY,
} from './keys.ts'
import { decodeLocator, migratedLocator } from './message-codec.ts'
import { orderBucketOf } from './message-records.ts'
import { decodeRevocations, migratedRevocations } from './revocation-codec.ts'

/** Records brought along in one batch: a few milliseconds' work. */
const PAGE_SIZE = 1_000
const BEGINNING = Buffer.alloc(1)

type Named = Map<number, ExpiryReference[]>

export async function beginMigration(database: Database, version: Buffer): Promise<void> {
  const totals = await database.get(TOTALS_KEY)
  const migrated = totals === undefined ? undefined : migratedTotals(totals)
  const batch = database.batch().put(SCHEMA_VERSION_KEY, version).put(MIGRATION_KEY, BEGINNING)
  if (migrated !== undefined) batch.put(TOTALS_KEY, migrated)
  await batch.write({ sync: true })
}

export async function isMigrating(database: Database): Promise<boolean> {
  return (await database.get(MIGRATION_KEY)) !== undefined
}

export async function migrate(database: Database): Promise<void> {
  const after = (await database.get(MIGRATION_KEY)) ?? BEGINNING
  for (const range of migratedRanges(after)) {
    await using iterator = database.iterator(range)
    for (let page = await iterator.nextv(PAGE_SIZE); page.length > 0; page = await iterator.nextv(PAGE_SIZE)) {
      await migratePage(database, page)
    }
  }
  await database.batch().del(MIGRATION_KEY).write({ sync: true })
}

async function migratePage(database: Database, page: readonly [Buffer, Buffer][]): Promise<void> {
  const batch = database.batch()
  const named: Named = new Map()
  for (const [key, record] of page) {
    const migrated = migratedRecord(key, record)
    if (migrated !== undefined) batch.put(key, migrated)
    nameAgain(named, key, migrated ?? record)
  }
  const record = await database.get(TOTALS_KEY)
  const totals = record === undefined ? { ...EMPTY_TOTALS } : decodeTotals(record)
  for (const [bucket, references] of named) {
    batch.put(expiryKey(bucket, totals.nextSequence++), encodeExpiryEntry(references))
  }
  if (named.size > 0) batch.put(TOTALS_KEY, encodeTotals(totals))
  const [last] = page[page.length - 1] ?? [BEGINNING]
  await batch.put(MIGRATION_KEY, last).write({ sync: true })
}

function migratedRecord(key: Buffer, record: Buffer): Buffer | undefined {
  if (isLocatorKey(key)) return migratedLocator(record)
  return isRevocationsKey(key) ? migratedRevocations(record) : migratedUsage(record)
}

/** What is remembered of the order of operations, where it can be forgotten. */
function nameAgain(named: Named, key: Buffer, record: Buffer): void {
  const account = accountOfKey(key)
  if (isLocatorKey(key)) {
    const bucket = orderBucketOf(decodeLocator(record))
    if (bucket !== undefined) pushTo(named, bucket, { account, hash: hashOfKey(key) })
    return
  }
  const operations = isRevocationsKey(key) ? decodeRevocations(record).changes : decodeUsage(record).ranges
  const buckets = new Set(operations.map(({ stamp }) => orderBucket(stamp)))
  for (const bucket of buckets) pushTo(named, bucket, { account, hash: ACCOUNT_ITSELF })
}

function pushTo(named: Named, bucket: number, reference: ExpiryReference): void {
  const references = named.get(bucket)
  if (references === undefined) named.set(bucket, [reference])
  else references.push(reference)
}
