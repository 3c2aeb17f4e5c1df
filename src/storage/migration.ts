// Brings a database of schema version 1 along: locators, usage and revocation records are written anew, in their order and a
// batch's worth at a time. The version is raised first, so that a Starling that knows only version 1 refuses what is half done; how
// far it has come is written with each batch, so that it goes on after a crash.
import { migratedTotals, migratedUsage } from './counters-codec.ts'
import type { Database } from './database.ts'
import {
  isLocatorKey,
  isRevocationsKey,
  MIGRATION_KEY,
  migratedRanges,
  SCHEMA_VERSION_KEY,
  TOTALS_KEY,
} from './keys.ts'
import { migratedLocator } from './message-codec.ts'
import { migratedRevocations } from './revocation-codec.ts'

/** Records brought along in one batch: a few milliseconds' work. */
const PAGE_SIZE = 1_000
const BEGINNING = Buffer.alloc(1)

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
      const batch = database.batch()
      for (const [key, record] of page) {
        const migrated = migratedRecord(key, record)
        if (migrated !== undefined) batch.put(key, migrated)
      }
      const [last] = page[page.length - 1] ?? [after]
      await batch.put(MIGRATION_KEY, last).write({ sync: true })
    }
  }
  await database.batch().del(MIGRATION_KEY).write({ sync: true })
}

function migratedRecord(key: Buffer, record: Buffer): Buffer | undefined {
  if (isLocatorKey(key)) return migratedLocator(record)
  return isRevocationsKey(key) ? migratedRevocations(record) : migratedUsage(record)
}
