// Databases that older versions wrote, every record as they left it, opened by this one. A fixture is kept for each schema version that there was.
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DAY, systemClock } from '../../../src/base/clock.ts'
import type { AccountId } from '../../../src/protocol/account.ts'
import type { MessageHash } from '../../../src/protocol/message.ts'
import { backUpClosedDatabase } from '../../../src/storage/backup/closed-database.ts'
import { restoreBackup } from '../../../src/storage/backup/restore-backup.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { SCHEMA_VERSION } from '../../../src/storage/schema-version.ts'
import { everything, makeFolder, openTestStore, START_MS, type TestStore } from './store-fixture.ts'

interface Held {
  readonly account: AccountId
  readonly namespace: number
  readonly hash: MessageHash
  readonly timestampMs: number
  readonly expiryMs: number
  readonly data: string
}

interface Fixture {
  readonly source: string
  /** When it was closed. */
  readonly nowMs: number
  readonly statistics: { readonly messages: number; readonly dataBytes: number }
  readonly held: readonly Held[]
  /** Deleted or replaced. */
  readonly gone: readonly { readonly account: AccountId; readonly hash: MessageHash }[]
  readonly revoked: { readonly account: AccountId; readonly tokens: readonly string[] }
  /** Key and value, hex. */
  readonly records: readonly string[]
}

const OLDER = Array.from({ length: SCHEMA_VERSION - 1 }, (_, at) => at + 1)

function fixtureOf(version: number): Fixture {
  const path = join(import.meta.dirname, `../../vectors/storage-schema-${version}.json`)
  return JSON.parse(readFileSync(path, 'utf8')) as Fixture
}

async function write(path: string, { records }: Fixture): Promise<void> {
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const batch = database.batch()
  for (const record of records) {
    const [key = '', value = ''] = record.split(' ')
    batch.put(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'))
  }
  await batch.write()
}

/** A store on what `make` puts into its folder, at the moment of the fixture. */
async function openOn(fixture: Fixture, make: (path: string) => Promise<void>): Promise<TestStore> {
  const opened = await openTestStore()
  await opened.store[Symbol.asyncDispose]()
  await rm(opened.path, { recursive: true })
  await make(opened.path)
  opened.clock.pass(fixture.nowMs - START_MS)
  await opened.reopen()
  return opened
}

async function expectWhole({ store }: TestStore, { held, gone, revoked, statistics }: Fixture): Promise<void> {
  for (const { data, ...message } of held) {
    const { messages } = await store.retrieve({ account: message.account, namespace: message.namespace, ...everything })
    expect(messages).toContainEqual({ ...message, data: Buffer.from(data) })
  }
  for (const { account, hash } of gone) expect(await store.expiries(account, [hash])).toEqual([])
  expect(store.statistics()).toEqual(statistics)
  const tokens = store.revocations.revoked(revoked.account).map((token) => Buffer.from(token).toString('hex'))
  expect(tokens).toEqual(revoked.tokens)
}

describe.each(OLDER)('a database of schema version %i', (version) => {
  const fixture = fixtureOf(version)

  test('is read as it was by the version that wrote it, before and after another start', async () => {
    await using opened = await openOn(fixture, (path) => write(path, fixture))
    await expectWhole(opened, fixture)
    await opened.reopen()
    await expectWhole(opened, fixture)
  })

  test('goes on: what it holds can be deleted, and what is left expires and is swept', async () => {
    await using opened = await openOn(fixture, (path) => write(path, fixture))
    const [first] = fixture.held
    if (first === undefined) throw new Error('The fixture holds something')
    expect(await opened.store.delete(first.account, [first.hash])).toEqual([first.hash])
    opened.clock.pass(31 * DAY)
    expect(await opened.store.sweepNow()).toBe(fixture.held.length - 1)
    expect(opened.store.statistics()).toEqual({ messages: 0, dataBytes: 0 })
  })

  test('can be backed up by this version while its node is stopped, and restored', async () => {
    await using folder = await makeFolder()
    const [path, backup] = [join(folder.path, 'messages'), join(folder.path, 'backup')]
    await write(path, fixture)
    const run = { signal: new AbortController().signal }
    const origin = { network: 'ab'.repeat(32), node: 'cd'.repeat(32), starling: '1.2.3' }
    const made = await backUpClosedDatabase({ clock: systemClock }, path, { folder: backup, origin }, run)
    expect(made).toMatchObject({ schema: version, ...fixture.statistics, records: fixture.records.length })
    const restore = (to: string) => restoreBackup({ from: backup, to, network: origin.network }, run)
    await using opened = await openOn(fixture, async (to) => void (await restore(to)))
    await expectWhole(opened, fixture)
  })
})

test('what version 2 remembered of a deletion still holds against a copy that comes late', async () => {
  const fixture = fixtureOf(2)
  await using opened = await openOn(fixture, (path) => write(path, fixture))
  const [deleted] = fixture.gone
  if (deleted === undefined) throw new Error('The fixture has a deleted message')
  const message = {
    ...deleted,
    namespace: 0,
    data: Buffer.from('deleted'),
    timestampMs: START_MS,
    expiryMs: START_MS + DAY,
  }
  expect(await opened.store.store(message, { stamp: START_MS * 1000 })).toMatchObject({ outcome: 'obsolete' })
})
