import { appendFile, chmod, chown, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HOUR, systemClock } from '../../../src/base/clock.ts'
import { backUpClosedDatabase } from '../../../src/storage/backup/closed-database.ts'
import { MANIFEST_FILE, RECORDS_FILE } from '../../../src/storage/backup/manifest.ts'
import { restoreBackup } from '../../../src/storage/backup/restore-backup.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { SCHEMA_VERSION_KEY } from '../../../src/storage/keys.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import {
  ALICE,
  aMessage,
  BOB,
  everything,
  makeFolder,
  openTestStore,
  START_MS,
  type TestStore,
  uniqueData,
} from './store-fixture.ts'

const NETWORK = 'ab'.repeat(32)
const origin = { network: NETWORK, node: 'cd'.repeat(32), starling: '1.2.3' }
const run = { signal: new AbortController().signal }
const code = (value: string) => expect.objectContaining({ code: value })

/** Every record of a database that nobody has open. */
async function recordsOf(path: string): Promise<string[]> {
  await using database = await openDatabase({ ...defaultStorageOptions, path })
  const records = await database.iterator().all()
  return records.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`)
}

/** Something of every kind: long and short messages, an outbox, tombstones, revocations, requests, hints, marks. */
async function fillStore({ store }: TestStore): Promise<void> {
  const messages = Array.from({ length: 600 }, (_, at) => aMessage({ data: uniqueData(at % 50 === 0 ? 20_000 : 300) }))
  await Promise.all(messages.map((message) => store.store(message)))
  await store.store(aMessage({ account: BOB, namespace: -1 }))
  const stamp = (START_MS + 1000) * 1000
  const [first] = messages
  if (first === undefined) throw new Error('unreachable')
  await store.delete(ALICE, [first.hash], { stamp, request: Buffer.from('{"method":"delete"}') })
  await store.revocations.revoke(BOB, [Buffer.alloc(36, 3)])
  await store.hints.add(origin.node as never, Buffer.from('a hint'), START_MS + HOUR)
  await store.marks.write('joined', Buffer.from('half'))
}

/** A backup of a store with something in it; the store is closed. */
async function aBackup() {
  const folder = await makeFolder()
  const to = join(folder.path, 'backups', 'monday')
  await using fixture = await openTestStore()
  await fillStore(fixture)
  const manifest = await fixture.store.backUp({ folder: to, origin }, run)
  return { ...folder, to, manifest, data: join(folder.path, 'data', 'messages') }
}

const restore = (from: string, to: string, network = NETWORK) => restoreBackup({ from, to, network }, run)

test('what is restored is what was held at the moment of the backup, record by record', async () => {
  await using fixture = await openTestStore()
  await fillStore(fixture)
  await using folder = await makeFolder()
  const to = join(folder.path, 'backup')
  const manifest = await fixture.store.backUp({ folder: to, origin }, run)
  await fixture.store[Symbol.asyncDispose]()
  const restored = join(folder.path, 'data', 'messages')
  expect(await restore(to, restored)).toEqual(manifest)
  expect(manifest).toMatchObject({ ...origin, createdAt: new Date(START_MS).toISOString(), schema: 3, messages: 600 })
  const records = await recordsOf(fixture.path)
  expect(await recordsOf(restored)).toEqual(records)
  expect(manifest.records).toBe(records.length)
  await fixture.reopen()
})

test('changes go on while a backup is made, and none of them is in it', async () => {
  await using fixture = await openTestStore({ backupBytesPerSecondMax: 2_000_000 })
  const { store } = fixture
  await fillStore(fixture)
  await store[Symbol.asyncDispose]()
  const before = await recordsOf(fixture.path)
  await fixture.reopen()
  await using folder = await makeFolder()
  const to = join(folder.path, 'backup')
  const progress: number[] = []
  const late: Promise<unknown>[] = []
  const onProgress = ({ bytes }: { bytes: number }) => {
    progress.push(bytes)
    late.push(fixture.store.store(aMessage({ account: BOB })), fixture.store.deleteAll(ALICE, 'all'))
  }
  await fixture.store.backUp({ folder: to, origin }, { ...run, onProgress })
  await Promise.all(late)
  expect(progress.length).toBeGreaterThan(1)
  expect((await fixture.store.retrieve({ account: ALICE, namespace: 0, ...everything })).messages).toEqual([])
  await restore(to, join(folder.path, 'messages'))
  expect(await recordsOf(join(folder.path, 'messages'))).toEqual(before)
})

test('a restored node holds against late copies what had been deleted before the backup', async () => {
  await using folder = await makeFolder()
  const to = join(folder.path, 'backup')
  const message = aMessage()
  {
    await using fixture = await openTestStore()
    await fixture.store.store(message, { stamp: START_MS * 1000 })
    await fixture.store.delete(ALICE, [message.hash])
    await fixture.store.backUp({ folder: to, origin }, run)
  }
  await using restored = await openTestStore()
  await restored.store[Symbol.asyncDispose]()
  await rm(restored.path, { recursive: true })
  await restore(to, restored.path)
  await restored.reopen()
  expect(await restored.store.store(message, { stamp: START_MS * 1000 })).toMatchObject({ outcome: 'obsolete' })
})

test('a backup is for its owner only, and never overwrites', async () => {
  await using backup = await aBackup()
  expect((await stat(backup.to)).mode & 0o777).toBe(0o700)
  for (const name of [MANIFEST_FILE, RECORDS_FILE]) {
    expect((await stat(join(backup.to, name))).mode & 0o777).toBe(0o600)
  }
  await using fixture = await openTestStore()
  const before = await readFile(join(backup.to, MANIFEST_FILE))
  await expect(fixture.store.backUp({ folder: backup.to, origin }, run)).rejects.toEqual(code('BACKUP_EXISTS'))
  expect(await readFile(join(backup.to, MANIFEST_FILE))).toEqual(before)
  await mkdir(join(backup.path, 'empty'))
  const empty = { folder: join(backup.path, 'empty'), origin }
  await expect(fixture.store.backUp(empty, run)).rejects.toEqual(code('BACKUP_EXISTS'))
})

test('a backup that is called off, or finds no room, leaves nothing behind', async () => {
  await using folder = await makeFolder()
  await using fixture = await openTestStore({ backupBytesPerSecondMax: 100_000 })
  await fillStore(fixture)
  const to = { folder: join(folder.path, 'backup'), origin }
  const stopping = new AbortController()
  const onProgress = () => stopping.abort(new Error('Called off'))
  await expect(fixture.store.backUp(to, { signal: stopping.signal, onProgress })).rejects.toThrow('Called off')
  expect(await readdir(folder.path)).toEqual([])
  await using little = await openTestStore({}, { freeDiskBytes: plentyOnce() })
  await little.store.store(aMessage())
  await expect(little.store.backUp(to, run)).rejects.toEqual(code('BACKUP_NO_ROOM'))
  expect(await readdir(folder.path)).toEqual([])
})

/** Plenty while the store opens, and then none. */
function plentyOnce() {
  let left = 1
  return async () => (left-- > 0 ? 2 ** 40 : 0)
}

test('a stopped node is backed up as well, and a folder without messages is not', async () => {
  await using folder = await makeFolder()
  const parts = { clock: systemClock }
  const nothing = { folder: join(folder.path, 'backup'), origin }
  await expect(backUpClosedDatabase(parts, folder.path, nothing, run)).rejects.toEqual(code('BACKUP_NOTHING'))
  expect(await readdir(folder.path)).toEqual([])
  await using fixture = await openTestStore()
  await fillStore(fixture)
  await expect(backUpClosedDatabase(parts, fixture.path, nothing, run)).rejects.toEqual(code('DATABASE_LOCKED'))
  await fixture.store[Symbol.asyncDispose]()
  await backUpClosedDatabase(parts, fixture.path, nothing, run)
  await restore(nothing.folder, join(folder.path, 'messages'))
  expect(await recordsOf(join(folder.path, 'messages'))).toEqual(await recordsOf(fixture.path))
  await fixture.reopen()
})

test('a database of a newer version is not backed up', async () => {
  await using folder = await makeFolder()
  {
    await using database = await openDatabase({ ...defaultStorageOptions, path: join(folder.path, 'messages') })
    await database.put(SCHEMA_VERSION_KEY, Buffer.from([0, 0, 0, 9]))
  }
  const target = { folder: join(folder.path, 'backup'), origin }
  const made = backUpClosedDatabase({ clock: systemClock }, join(folder.path, 'messages'), target, run)
  await expect(made).rejects.toEqual(code('SCHEMA_UNSUPPORTED'))
  expect(await readdir(folder.path)).toEqual(['messages'])
})

test('nothing is restored over messages, or of another network, or without a finished backup', async () => {
  await using backup = await aBackup()
  await expect(restore(backup.to, backup.data, 'ef'.repeat(32))).rejects.toMatchObject({
    code: 'BACKUP_OF_OTHER_NETWORK',
    message: expect.stringContaining('of the network abababab, and this node is of efefefef'),
  })
  await restore(backup.to, backup.data)
  await expect(restore(backup.to, backup.data)).rejects.toMatchObject({
    code: 'RESTORE_NOT_EMPTY',
    message: expect.stringContaining('stop the node, move that folder away'),
  })
  await rm(join(backup.to, MANIFEST_FILE))
  await expect(restore(backup.to, `${backup.data}2`)).rejects.toEqual(code('BACKUP_MISSING'))
  await expect(restore(join(backup.path, 'nowhere'), `${backup.data}2`)).rejects.toEqual(code('BACKUP_MISSING'))
})

test.each([
  ['a newer format', { version: 2 }, 'BACKUP_TOO_NEW'],
  ['a newer schema', { schema: 4 }, 'BACKUP_TOO_NEW'],
  ['another format', { format: 'tar' }, 'BACKUP_DAMAGED'],
  ['half a checksum', { recordsSha256: 'ab' }, 'BACKUP_DAMAGED'],
  ['a number below nothing', { records: -1 }, 'BACKUP_DAMAGED'],
  ['no network', { network: undefined }, 'BACKUP_DAMAGED'],
  ['another schema than the records', { schema: 2 }, 'BACKUP_DAMAGED'],
  ['another count than the records', { records: 7 }, 'BACKUP_DAMAGED'],
])('a manifest with %s is refused, and nothing is left', async (_, changes, expected) => {
  await using backup = await aBackup()
  const path = join(backup.to, MANIFEST_FILE)
  const document = { ...JSON.parse(await readFile(path, 'utf8')), ...changes }
  await writeFile(path, JSON.stringify(document))
  await expect(restore(backup.to, backup.data)).rejects.toEqual(code(expected))
  expect(await readdir(join(backup.path, 'data')).catch(() => [])).toEqual([])
})

test.each<readonly [string, (path: string) => Promise<void>]>([
  ['a bit turned', (path) => turnBit(path)],
  ['its end cut off', async (path) => truncate(path, (await stat(path)).size - 1)],
  ['more behind it', (path) => appendFile(path, 'x')],
  ['no content', (path) => truncate(path, 0)],
  ['no file', (path) => rm(path)],
])('records with %s are refused, and nothing is left', async (_, spoil) => {
  await using backup = await aBackup()
  await spoil(join(backup.to, RECORDS_FILE))
  await expect(restore(backup.to, backup.data)).rejects.toEqual(code('BACKUP_DAMAGED'))
  expect(await readdir(join(backup.path, 'data'))).toEqual([])
})

async function turnBit(path: string): Promise<void> {
  const bytes = await readFile(path)
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(path, bytes)
}

test('what a restore left that was killed is no obstacle', async () => {
  await using backup = await aBackup()
  await mkdir(`${backup.data}.restoring`, { recursive: true })
  await writeFile(join(`${backup.data}.restoring`, 'CURRENT'), 'nonsense')
  await restore(backup.to, backup.data)
  expect(await readdir(join(backup.path, 'data'))).toEqual(['messages'])
})

test.runIf(process.getuid?.() !== 0)('a folder that cannot be written is named', async () => {
  await using backup = await aBackup()
  await chmod(backup.path, 0o500)
  await expect(restore(backup.to, backup.data)).rejects.toEqual(code('BACKUP_FAILED'))
  await chmod(backup.path, 0o700)
})

test.runIf(process.getuid?.() === 0)("root neither opens nor makes a database in another user's folder", async () => {
  await using backup = await aBackup()
  const data = join(backup.path, 'data')
  await mkdir(data)
  await chown(data, 12_345, 12_345)
  await expect(restore(backup.to, backup.data)).rejects.toMatchObject({
    code: 'BACKUP_OWNER',
    message: expect.stringContaining("sudo -u '#12345'"),
  })
  expect(await readdir(data)).toEqual([])
  await chown(data, 0, 0)
  await restore(backup.to, backup.data)
  await chown(backup.data, 12_345, 12_345)
  const target = { folder: join(backup.path, 'second'), origin }
  const made = backUpClosedDatabase({ clock: systemClock }, backup.data, target, run)
  await expect(made).rejects.toEqual(code('BACKUP_OWNER'))
})
