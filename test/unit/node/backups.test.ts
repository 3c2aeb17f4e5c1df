// Backups that the operator asks the running node for, over its socket.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { adminSocketPath, createAdminClient } from '../../../src/cli/admin-client.ts'
import { createAdminRoutes } from '../../../src/node/admin-routes.ts'
import { startAdminSocket } from '../../../src/node/admin-socket.ts'
import { createBackups } from '../../../src/node/backups.ts'
import { readManifest } from '../../../src/storage/backup/manifest.ts'
import { eventually } from '../../support/eventually.ts'
import { aMessage, makeFolder, openTestStore, uniqueData } from '../storage/store-fixture.ts'

// Nothing here ends early: each test has its own time.
const { signal } = new AbortController()
const code = (value: string) => expect.objectContaining({ code: value })

async function aNode(backupBytesPerSecondMax?: number) {
  await using parts = new AsyncDisposableStack()
  const folder = parts.use(await makeFolder())
  const fixture = parts.use(
    await openTestStore(backupBytesPerSecondMax === undefined ? {} : { backupBytesPerSecondMax }),
  )
  const many = Array.from({ length: 40 }, () => fixture.store.store(aMessage({ data: uniqueData(20_000) })))
  await Promise.all(many)
  const origin = { network: 'ab'.repeat(32), node: 'cd'.repeat(32), starling: '1.2.3' }
  const backups = parts.use(createBackups({ log: silentLogger, messages: fixture.store, origin }))
  const signatures = { collect: () => Promise.reject(new Error('Nobody asks')) }
  const handle = createAdminRoutes({ signatures, rewards: undefined, backups })
  parts.use(await startAdminSocket({ log: silentLogger, handle }, { path: adminSocketPath(folder.path) }))
  const client = createAdminClient({ socketPath: adminSocketPath(folder.path) })
  const moved = parts.move()
  return { client, folder: folder.path, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

test('a backup is begun, watched and found', async () => {
  await using node = await aNode()
  expect(await node.client.backup(signal)).toEqual({ state: 'none' })
  const to = join(node.folder, 'backup')
  expect(await node.client.startBackup(to, signal)).toMatchObject({ state: 'running', folder: to })
  const done = await eventually('the backup is done', async () => {
    const status = await node.client.backup(signal)
    return status['state'] === 'done' ? status : undefined
  })
  expect(done['manifest']).toEqual(await readManifest(to))
  expect(done['manifest']).toMatchObject({ messages: 40, node: 'cd'.repeat(32) })
  await node.client.startBackup(to, signal)
  const refusal = await eventually('the second is refused', () =>
    node.client.backup(signal).then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  expect(refusal).toEqual(code('BACKUP_EXISTS'))
})

test('a second one is refused while one is made, and the first can be called off', async () => {
  await using node = await aNode(10_000)
  const to = join(node.folder, 'backup')
  await node.client.startBackup(to, signal)
  await expect(node.client.startBackup(`${to}2`, signal)).rejects.toEqual(code('BACKUP_RUNNING'))
  await expect(node.client.cancelBackup(signal)).rejects.toMatchObject({
    message: expect.stringContaining('called off'),
  })
  await expect(readManifest(to)).rejects.toEqual(code('BACKUP_MISSING'))
  await expect(node.client.startBackup('here', signal)).rejects.toEqual(code('REQUEST_MALFORMED'))
})
