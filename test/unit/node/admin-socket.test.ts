import { once } from 'node:events'
import { chmod, link, lstat, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { adminSocketPath, createAdminClient } from '../../../src/cli/admin-client.ts'
import { blsPublicKey, generateBlsSecretKey } from '../../../src/crypto/bls.ts'
import { type AdminRewards, type AdminStatus, createAdminRoutes } from '../../../src/node/admin-routes.ts'
import { startAdminSocket } from '../../../src/node/admin-socket.ts'
import { createStartingRoutes, startingStatus } from '../../../src/node/starting-status.ts'
import { StakingError } from '../../../src/staking/errors.ts'
import type {
  CollectedSignature,
  SignatureSource,
  SignatureSubject,
} from '../../../src/staking/signatures/signature-source.ts'
import { aNodeStatus } from '../../support/node-status.ts'

const code = (value: string) => expect.objectContaining({ code: value })
// Nothing here ends early: each test has its own time.
const { signal } = new AbortController()
const key = blsPublicKey(generateBlsSecretKey())
const exit: SignatureSubject = { kind: 'exit', blsPublicKey: key }
const RECIPIENT = `0x${'ab'.repeat(20)}` as const

const collected: CollectedSignature = {
  kind: 'exit',
  timestampS: 1_800_000_000,
  signature: { sigs0: 1n << 250n, sigs1: 2n, sigs2: 3n, sigs3: 4n },
  nonSigners: [3n, (1n << 64n) - 1n],
  signed: 5,
  members: 7,
  refusals: { silent: 1, busy: 1 },
}

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-admin-'))
  path = adminSocketPath(folder)
})
afterEach(() => rm(folder, { recursive: true }))

const told: AdminStatus = {
  status: async () => aNodeStatus(),
  peers: (countMax) => ({ version: 1, takenAtMs: countMax, members: 1, peers: [] }),
  swarm: async () => {
    throw new StakingError('EPOCH_UNKNOWN', 'There is no epoch yet')
  },
  settings: () => ({ version: 1, settings: { 'metrics.port': '9100' } }),
}

function start(
  collect: SignatureSource['collect'] = async () => collected,
  rewards?: AdminRewards,
): Promise<AsyncDisposable> {
  const handle = createAdminRoutes({ told, signatures: { collect }, rewards })
  return startAdminSocket({ log: silentLogger, handle }, { path })
}

/** A request as any program could send it. */
async function raw(method: string, target: string, body = ''): Promise<{ status: number | undefined; body: string }> {
  const sent = request({ socketPath: path, method, path: target, agent: false })
  sent.on('error', () => {})
  sent.end(body)
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, body: await text(response) }
}

test('status, signatures and rewards come through it as they are', async () => {
  const place = { index: 9, blockNumber: 1n << 60n, root: 'ab'.repeat(32) }
  const rewards = { current: () => place, total: () => ({ ...place, totalAtomic: 1n << 200n }) }
  const asked: SignatureSubject[] = []
  const source = async (subject: SignatureSubject) => {
    asked.push(subject)
    return subject.kind === 'reward'
      ? { ...collected, kind: subject.kind, totalAtomic: 1n << 200n }
      : { ...collected, kind: subject.kind }
  }
  await using _ = await start(source, rewards)
  const client = createAdminClient({ socketPath: path })
  expect(await client.status(signal)).toEqual(aNodeStatus())
  expect(await client.peers(7, signal)).toEqual({ version: 1, takenAtMs: 7, members: 1, peers: [] })
  expect(await client.settings(signal)).toEqual({ version: 1, settings: { 'metrics.port': '9100' } })
  await expect(client.swarm(signal)).rejects.toEqual(code('EPOCH_UNKNOWN'))
  expect(await client.collect(exit, signal)).toEqual(collected)
  const reward = { kind: 'reward', recipient: RECIPIENT } as const
  expect(await client.collect(reward, signal)).toMatchObject({ kind: 'reward', totalAtomic: 1n << 200n })
  expect(asked.map((subject) => (subject.kind === 'reward' ? subject.recipient : toHex(subject.blsPublicKey)))).toEqual(
    [toHex(key), RECIPIENT],
  )
  const block = String(1n << 60n)
  expect(await client.rewards(undefined, signal)).toEqual({ index: 9, block, root: place.root })
  expect(await client.rewards(RECIPIENT, signal)).toMatchObject({ index: 9, block, total: String(1n << 200n) })
})

test('a refusal has the code, the words and the counts that the node gives it', async () => {
  const details = { signed: 3, members: 9, silent: 6 }
  await using _ = await start(async () => {
    throw new StakingError('SIGNATURES_INSUFFICIENT', '3 of 9 members signed', { details })
  })
  const client = createAdminClient({ socketPath: path })
  const refusal = { code: 'SIGNATURES_INSUFFICIENT', message: '3 of 9 members signed', details }
  await expect(client.collect(exit, signal)).rejects.toMatchObject(refusal)
  await expect(client.rewards(RECIPIENT, signal)).rejects.toEqual(code('REWARDS_UNKNOWN'))
})

test('what a part does not tell in time is refused, and the socket answers on', async () => {
  const hanging = { ...told, swarm: () => new Promise<never>(() => {}) }
  const signatures = { collect: async () => collected }
  const handle = createAdminRoutes({ told: hanging, signatures, rewards: undefined }, { readMaxMs: 20 })
  await using _ = await startAdminSocket({ log: silentLogger, handle }, { path })
  const client = createAdminClient({ socketPath: path })
  await expect(client.swarm(signal)).rejects.toMatchObject({ code: 'STOPPED' })
  expect(await client.status(signal)).toMatchObject({ health: 'serving' })
  expect(await raw('GET', '/v1/peers?count=100000')).toMatchObject({ status: 400 })
})

test('while the node starts, it tells that and what it waits for, whatever is asked', async () => {
  const handle = createStartingRoutes(() => startingStatus(7, 'Starting: its databases are opened'))
  await using _ = await startAdminSocket({ log: silentLogger, handle }, { path })
  const client = createAdminClient({ socketPath: path })
  const problems = [expect.objectContaining({ code: 'NODE_STARTING', reason: 'Starting: its databases are opened' })]
  expect(await client.status(signal)).toMatchObject({ takenAtMs: 7, health: 'not-serving', problems })
  const refusal = { code: 'NODE_STARTING', message: expect.stringContaining('Starting: its databases are opened') }
  await expect(client.peers(7, signal)).rejects.toMatchObject(refusal)
  await expect(client.startBackup('/somewhere', signal)).rejects.toMatchObject(refusal)
  expect(await raw('GET', '/v1/elsewhere')).toMatchObject({ status: 503 })
})

test('it may be closed twice', async () => {
  const node = await start()
  await Promise.all([node[Symbol.asyncDispose](), node[Symbol.asyncDispose]()])
  await node[Symbol.asyncDispose]()
  await expect(lstat(path)).rejects.toEqual(code('ENOENT'))
})

test('only its user can open it, and it goes with the node', async () => {
  const node = await start()
  expect((await lstat(path)).mode & 0o777).toBe(0o600)
  await node[Symbol.asyncDispose]()
  await expect(lstat(path)).rejects.toEqual(code('ENOENT'))
  await expect(createAdminClient({ socketPath: path }).status(signal)).rejects.toEqual(code('NODE_NOT_RUNNING'))
})

test('a socket that a killed node left behind is replaced', async () => {
  const dead = createServer().listen(path)
  await once(dead, 'listening')
  // Closing takes the file away, so another name keeps it, as a kill would.
  await link(path, `${path}.kept`)
  dead.close()
  await once(dead, 'close')
  await link(`${path}.kept`, path)
  await expect(createAdminClient({ socketPath: path }).status(signal)).rejects.toEqual(code('NODE_NOT_RUNNING'))
  await using _ = await start()
  expect(await createAdminClient({ socketPath: path }).status(signal)).toMatchObject({ health: 'serving' })
})

test('it replaces nothing that somebody listens on, no other file, and needs a short path', async () => {
  const other: Server = createServer().listen(path)
  await once(other, 'listening')
  await expect(start()).rejects.toEqual(code('ADMIN_SOCKET_UNUSABLE'))
  other.close()
  await once(other, 'close')
  await writeFile(path, 'a file')
  await expect(start()).rejects.toEqual(code('ADMIN_SOCKET_UNUSABLE'))
  const long = startAdminSocket(
    { log: silentLogger, handle: async () => ({ status: 200, body: {} }) },
    { path: join(folder, 'x'.repeat(120)) },
  )
  await expect(long).rejects.toThrow('shorter dataFolder')
})

test.runIf(process.getuid?.() !== 0)('another user is told that no node runs for it', async () => {
  await using _ = await start()
  await chmod(path, 0)
  await expect(createAdminClient({ socketPath: path }).status(signal)).rejects.toEqual(code('NODE_NOT_RUNNING'))
})

test('what is no request is refused, and nothing large is read', async () => {
  await using _ = await start()
  expect(await raw('GET', '/v1/elsewhere')).toMatchObject({ status: 404 })
  expect(await raw('POST', '/v1/status')).toMatchObject({ status: 404 })
  for (const body of ['', '{', '[]', '{"kind":"exit"}', '{"kind":"theft"}', '{"kind":"reward","recipient":"0x12"}']) {
    expect(await raw('POST', '/v1/signatures', body)).toMatchObject({ status: 400 })
  }
  expect(await raw('POST', '/v1/signatures', `"${'x'.repeat(5000)}"`)).toMatchObject({ status: 413 })
  expect(await raw('GET', '/v1/rewards?recipient=me')).toMatchObject({ status: 400 })
  const socket = connect(path)
  socket.end('this is not HTTP\r\n\r\n')
  expect(await text(socket)).toContain('400')
})

test('whoever goes away, and a node that stops, end what is under way', async () => {
  const asked = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<AbortSignal>()]
  let count = 0
  const hanging: SignatureSource['collect'] = (_, abort) => {
    asked[count++]?.resolve(abort)
    return new Promise((_resolve, reject) => abort.addEventListener('abort', () => reject(abort.reason)))
  }
  const node = await start(hanging)
  const caller = new AbortController()
  const client = createAdminClient({ socketPath: path })
  const called = expect(client.collect(exit, caller.signal)).rejects.toThrow('called off')
  const under = await asked[0]?.promise
  caller.abort(new Error('called off'))
  await called
  if (under !== undefined && !under.aborted) await once(under, 'abort')
  const waiting = expect(client.collect(exit, signal)).rejects.toEqual(code('NODE_SILENT'))
  await asked[1]?.promise
  await node[Symbol.asyncDispose]()
  await waiting
})

test('an answer of another program is not believed', async () => {
  const other = createHttpServer((_, response) => response.end('"no"')).listen(path)
  await once(other, 'listening')
  const client = createAdminClient({ socketPath: path })
  await expect(client.status(signal)).rejects.toEqual(code('NODE_ANSWER_MALFORMED'))
  await expect(client.collect(exit, signal)).rejects.toEqual(code('NODE_ANSWER_MALFORMED'))
  other.closeAllConnections()
  other.close()
  await once(other, 'close')
})
