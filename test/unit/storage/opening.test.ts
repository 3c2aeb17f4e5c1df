import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { SCHEMA_VERSION_KEY } from '../../../src/storage/keys.ts'
import { openMessageStore } from '../../../src/storage/level-message-store.ts'
import { createStorageMetrics } from '../../../src/storage/metrics.ts'
import { defaultStorageOptions } from '../../../src/storage/options.ts'
import { aMessage, makeFolder, openTestStore } from './store-fixture.ts'

const open = (path: string) =>
  openMessageStore(
    { log: silentLogger, clock: systemClock, metrics: createStorageMetrics(createMetricsRegistry()) },
    { ...defaultStorageOptions, freeDiskMinBytes: 0, path },
  )

const openPlain = (path: string) => new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })

async function contents(path: string) {
  await using database = openPlain(path)
  return await database.iterator().all()
}

test('a second store on the same folder is refused with what to do', async () => {
  await using fixture = await openTestStore()
  await expect(open(fixture.path)).rejects.toMatchObject({
    code: 'DATABASE_LOCKED',
    message: expect.stringMatching(/Another process has the message database .* open\. Stop the node/),
  })
  expect(await fixture.store.store(aMessage())).toMatchObject({ outcome: 'new' })
})

test('a database of a newer version is refused and left as it is', async () => {
  await using folder = await makeFolder()
  const newer = Buffer.from([0, 0, 0, 4])
  {
    await using database = openPlain(folder.path)
    await database.put(SCHEMA_VERSION_KEY, newer)
    await database.put(Buffer.from([1]), Buffer.from('what only the newer version understands'))
  }
  const before = await contents(folder.path)
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'SCHEMA_UNSUPPORTED',
    message: expect.stringContaining('schema version 4, and this version of Starling knows up to 3'),
    details: { version: 4, known: 3 },
  })
  expect(await contents(folder.path)).toEqual(before)
})

test.each([
  ['no bytes', Buffer.alloc(0)],
  ['too many bytes', Buffer.alloc(5)],
  ['version 0', Buffer.alloc(4)],
])('a schema version of %s is refused', async (_, record) => {
  await using folder = await makeFolder()
  {
    await using database = openPlain(folder.path)
    await database.put(SCHEMA_VERSION_KEY, record)
  }
  await expect(open(folder.path)).rejects.toMatchObject({ code: 'SCHEMA_UNSUPPORTED' })
})

test('a LevelDB database of something else is refused and left as it is', async () => {
  await using folder = await makeFolder()
  {
    await using database = openPlain(folder.path)
    await database.put(Buffer.from('somebody'), Buffer.from('else'))
  }
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'SCHEMA_UNSUPPORTED',
    message: expect.stringContaining('not a message database'),
  })
  expect(await contents(folder.path)).toHaveLength(1)
})

test('files that LevelDB cannot read are told apart from other failures', async () => {
  await using folder = await makeFolder()
  const path = join(folder.path, 'messages')
  await (await open(path))[Symbol.asyncDispose]()
  await writeFile(join(path, 'CURRENT'), 'nonsense')
  await expect(open(path)).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' })

  const file = join(folder.path, 'file')
  await writeFile(file, '')
  await expect(open(file)).rejects.toMatchObject({ code: 'DATABASE_OPEN_FAILED' })
})

test('a store that failed to open does not keep the folder locked', async () => {
  await using folder = await makeFolder()
  {
    await using database = openPlain(folder.path)
    await database.put(SCHEMA_VERSION_KEY, Buffer.alloc(5))
  }
  await expect(open(folder.path)).rejects.toMatchObject({ code: 'SCHEMA_UNSUPPORTED' })
  await expect(open(folder.path)).rejects.toMatchObject({ code: 'SCHEMA_UNSUPPORTED' })
})

test('a new folder is readable by its owner only', async () => {
  await using folder = await makeFolder()
  const path = join(folder.path, 'a', 'b')
  await using _ = await open(path)
  expect((await stat(path)).mode & 0o777).toBe(0o700)
  expect(await readdir(path)).toContain('CURRENT')
})

test('a folder that was there keeps its mode', async () => {
  await using folder = await makeFolder()
  const path = join(folder.path, 'ours')
  await mkdir(path)
  await chmod(path, 0o750)
  await using _ = await open(path)
  expect((await stat(path)).mode & 0o777).toBe(0o750)
})
