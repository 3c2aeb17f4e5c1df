// Starting, failing to start, waiting, draining and ending, as an operator's supervisor sees them.

import { once } from 'node:events'
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { nodesThatHold } from '../../devnet/copies.ts'
import { freePort } from '../../devnet/free-port.ts'
import type { DevnetNode } from '../../devnet/network.ts'
import { callNode } from '../../devnet/node-request.ts'
import { storeRequest } from '../../src/client/index.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { SCHEMA_VERSION_KEY } from '../../src/storage/keys.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { SCHEMA_VERSION } from '../../src/storage/schema-version.ts'
import { createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { beginRequest } from '../support/hanging-request.ts'
import { readReadiness } from '../support/node-metrics.ts'
import { createNotifyStandIn } from '../support/notify-stand-in.ts'
import { newAccount } from '../support/people.ts'
import { isRunning } from '../support/processes.ts'
import { type ProgramEnd, runStarling, startStarling } from '../support/program.ts'
import { restartOneByOne } from '../support/rolling-restart.ts'

const NODES = 4
/** What an orderly end may take. */
const STOP_MAX_MS = 10_000
const INFO = JSON.stringify({ method: 'info', params: {} })

let devnet: Awaited<ReturnType<typeof startTestDevnet>>
/** Configured and with keys, but without a stake; never started by the devnet before a test says so. */
let spare: DevnetNode
let spareOperator: Awaited<ReturnType<typeof devnet.createOperator>>
beforeAll(async () => {
  devnet = await startTestDevnet({ nodes: NODES, epochLengthS: 2 })
  spareOperator = await devnet.createOperator(NODES + 1)
  spare = await devnet.prepare(NODES + 1, spareOperator)
})
afterAll(async () => {
  await spare?.runner[Symbol.asyncDispose]()
  await devnet?.[Symbol.asyncDispose]()
})

function nodeAt(index: number): DevnetNode {
  const node = devnet.nodes[index]
  if (node === undefined) throw new Error(`There is no node ${index}`)
  return node
}

async function untilStopping({ logPath }: DevnetNode): Promise<void> {
  await eventually('the node says that it stops', async () =>
    (await readFile(logPath, 'utf8')).includes('"Stopping: requests under way') ? true : undefined,
  )
}

describe('SIGTERM', () => {
  const node = () => nodeAt(0)
  // Each test has a fresh log, so that what an earlier run said is not taken for this one's.
  afterEach(async () => {
    await node().runner.stop('SIGKILL')
    await rm(node().logPath)
    await devnet.start(node())
  })

  test('lets requests under way finish, takes no new ones, and ends with 0', async () => {
    const hanging = await beginRequest(node(), INFO)
    const startedMs = performance.now()
    const exit = node().runner.stop('SIGTERM')
    await untilStopping(node())
    await eventually('new connections are refused', async () => {
      const refused = await callNode(node(), 'info', {}).then(
        () => false,
        () => true,
      )
      return refused || undefined
    })
    expect(await hanging.finish()).toBe(200)
    expect(await exit).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(STOP_MAX_MS)
  })

  test('with a client that hangs ends with 0 all the same', async () => {
    const hanging = await beginRequest(node(), INFO)
    const startedMs = performance.now()
    expect(await node().runner.stop('SIGTERM')).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(STOP_MAX_MS)
    hanging.abandon()
  })

  test.for([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('followed by %s ends at once with %i', async ([second, code]) => {
    const hanging = await beginRequest(node(), INFO)
    const first = node().runner.stop('SIGTERM')
    await untilStopping(node())
    // The hanging request would keep it for seconds more.
    expect(await node().runner.stop(second)).toBe(code)
    expect(await first).toBe(code)
    hanging.abandon()
  })
})

describe('a start that cannot succeed', () => {
  /** As `spare`, but for what is given. */
  function runSpare(...args: readonly string[]): Promise<ProgramEnd> {
    return runStarling(['run', '--config', join(spare.folder, 'starling.yml'), ...args])
  }

  /** The one line that says why. */
  function reasonOf({ stdout }: ProgramEnd): { code: string; message: string } {
    const errors = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string; error?: { code: string; message: string } })
      .filter(({ level }) => level === 'error')
    expect(errors).toMatchObject([{ msg: 'The service node cannot run', error: { code: expect.any(String) } }])
    return errors[0]?.error ?? { code: '', message: '' }
  }

  test.for(['rpc', 'network', 'metrics'] as const)('because the port of %s is taken says which', async (group) => {
    const other = createServer().listen(0, spare.ip)
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const end = await runSpare(`--${group}.port`, String(port))
    other.close()
    expect(end).toMatchObject({ code: 69, stderr: '' })
    const { code, message } = reasonOf(end)
    expect(code).toBe('LISTEN_FAILED')
    expect(message).toContain(`port ${port} of ${spare.ip} already: stop it, or give another ${group}.port`)
  })

  test('because another node has the data folder says so', async () => {
    const end = await runSpare('--dataFolder', join(nodeAt(1).folder, 'data'))
    expect([end.code, reasonOf(end).code]).toEqual([69, 'DATABASE_LOCKED'])
    expect(reasonOf(end).message).toContain('give this one another data folder')
    expect((await readReadiness(nodeAt(1))).status).toBe(200)
  })

  test('because the chain is another one says which', async () => {
    const end = await runSpare('--staking.chainId', '1')
    expect([end.code, reasonOf(end).code]).toEqual([5, 'CHAIN_WRONG'])
    expect(reasonOf(end).message).toMatch(/serves chain 31337, not 1$/)
  })

  test('because the contract is none says so', async () => {
    const end = await runSpare('--staking.contract', devnet.chain.deployment.token)
    expect([end.code, reasonOf(end).code]).toEqual([5, 'CONTRACT_WRONG'])
  })

  test('because there are no keys, or others can read them, says what to do', async () => {
    const missing = await runSpare('--keysFolder', join(spare.folder, 'nothing'))
    expect([missing.code, reasonOf(missing).code]).toEqual([3, 'SECRET_FILE_MISSING'])
    const keysFolder = join(spare.folder, 'exposed-keys')
    await cp(spareOperator.keysFolder, keysFolder, { recursive: true })
    await chmod(join(keysFolder, 'key_ed25519'), 0o644)
    const exposed = await runSpare('--keysFolder', keysFolder)
    expect([exposed.code, reasonOf(exposed).code]).toEqual([3, 'SECRET_FILE_EXPOSED'])
    expect(reasonOf(exposed).message).toContain('run: chmod 600')
  })

  test('because the data folder cannot be made says where', async () => {
    const file = join(spare.folder, 'a-file')
    await writeFile(file, '')
    const end = await runSpare('--dataFolder', join(file, 'data'))
    expect([end.code, reasonOf(end).code]).toEqual([1, 'DATA_FOLDER_UNUSABLE'])
    expect(reasonOf(end).message).toContain('give another dataFolder')
  })

  test('because a newer Starling wrote the database says what to do, and changes nothing', async () => {
    const dataFolder = join(spare.folder, 'newer-data')
    await mkdir(dataFolder)
    const newer = Buffer.of(0, 0, 0, SCHEMA_VERSION + 1)
    const open = () => openDatabase({ ...defaultStorageOptions, path: join(dataFolder, 'messages') })
    await using made = await open()
    await made.put(SCHEMA_VERSION_KEY, newer)
    await made.close()
    const end = await runSpare('--dataFolder', dataFolder)
    expect([end.code, reasonOf(end).code]).toEqual([2, 'SCHEMA_UNSUPPORTED'])
    expect(reasonOf(end).message).toContain('Run the newer Starling again, or start with an empty data folder')
    await using left = await open()
    expect(await left.get(SCHEMA_VERSION_KEY)).toEqual(newer)
  })

  test('leaves nothing behind that keeps the next one from starting', async () => {
    await using program = startStarling(['run', '--config', join(spare.folder, 'starling.yml')])
    await eventually('the node lives', async () => (await fetch(`${spare.metricsUrl}/livez`)).ok || undefined)
    program.kill('SIGTERM')
    expect((await program.ended()).code).toBe(0)
  })
})

describe('a node that has to wait', () => {
  /** What /readyz says once all parts have started. */
  const startedReadiness = () =>
    eventually('the node has started', async () => {
      const { status, reasons } = await readReadiness(spare)
      return reasons.some(({ part }) => part === 'life-cycle') ? undefined : { status, reasons }
    })

  test('for the chain lives, says why it is not ready, and goes on when the chain comes', async () => {
    const port = await freePort('127.0.0.1')
    const rpcUrl = `http://127.0.0.1:${port}`
    const config = ['run', '--config', join(spare.folder, 'starling.yml')]
    // A folder without the list of an earlier run.
    const fresh = ['--dataFolder', join(spare.folder, 'fresh-data'), '--staking.rpcUrls', rpcUrl]
    const notify = await createNotifyStandIn(spare.folder)
    const env = { NOTIFY_SOCKET: '/run/notify', PATH: notify.PATH, WATCHDOG_USEC: '3000000' }
    await using program = startStarling([...config, ...fresh], { env })
    const readiness = await startedReadiness()
    // Its supervisor learns that it has started, why it does not serve, and that it lives.
    await eventually('the supervisor is told', async () => {
      const said = (await notify.said()).join('\n')
      const expected = ['READY=1', 'STATUS=Not serving: No service node list', '|WATCHDOG=1\n']
      return expected.every((text) => said.includes(text)) || undefined
    })
    expect((await fetch(`${spare.metricsUrl}/livez`)).status).toBe(200)
    expect(readiness).toMatchObject({ status: 503, reasons: [{ part: 'membership' }] })
    expect(program.stdout).toContain('PROVIDER_UNREACHABLE')

    await using _ = await forwardTo(new URL(devnet.chain.anvil.rpcUrl), port)
    const later = await eventually('it has read the list', async () => {
      const { reasons } = await readReadiness(spare)
      return reasons.every(({ part }) => part !== 'membership') ? reasons : undefined
    })
    expect(later).toMatchObject([{ part: 'stake' }])
    program.kill('SIGINT')
    expect((await program.ended()).code).toBe(0)
    await eventually('the supervisor is told of the end', async () =>
      (await notify.said()).some((text) => text.includes('STOPPING=1')) ? true : undefined,
    )
  })

  test('for a provider that never answers lives, says that it starts, and ends with 0 when it is told to', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const config = ['run', '--config', join(spare.folder, 'starling.yml')]
    const fresh = ['--dataFolder', join(spare.folder, 'other-data'), '--staking.rpcUrls', `http://127.0.0.1:${port}`]
    await using program = startStarling([...config, ...fresh])
    await eventually('the node lives', async () => (await fetch(`${spare.metricsUrl}/livez`)).ok || undefined)
    expect(await readReadiness(spare)).toMatchObject({ status: 503, reasons: [{ part: 'life-cycle' }] })
    const startedMs = performance.now()
    program.kill('SIGTERM')
    expect((await program.ended()).code).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(STOP_MAX_MS)
    silent.close()
  })

  test('for its stake lives, says what to do, and serves when it is staked', async () => {
    const served = devnet.start(spare)
    served.catch(() => {})
    const waiting = await startedReadiness()
    expect(waiting).toEqual({
      status: 503,
      reasons: [{ part: 'stake', reason: expect.stringContaining('starling stake register') }],
    })
    expect((await fetch(`${spare.metricsUrl}/livez`)).status).toBe(200)
    expect((await callNode(spare, 'info', {})).status).toBe(503)

    await devnet.chain.register(spareOperator)
    await served
    expect((await callNode(spare, 'info', {})).status).toBe(200)
  })
})

test('a restart of all nodes, one after the other under load, fails no request that is made twice, and loses nothing', async () => {
  const chance = createChance()
  console.log(`TEST_SEED=${chance.seed}`)
  const { restarts, failures, acknowledged, missing } = await restartOneByOne(devnet, [...devnet.nodes, spare], chance)
  expect(restarts.map(({ exitCode }) => exitCode)).toEqual(Array(NODES + 1).fill(0))
  expect(Math.max(...restarts.map(({ stopMs }) => stopMs))).toBeLessThan(STOP_MAX_MS)
  expect(failures).toEqual([])
  expect(acknowledged).toBeGreaterThan(0)
  expect(missing).toBe(0)
})

// The last one: the chain does not come back.
test('a node that restarts while the chain is away serves from the list that it kept', async () => {
  const node = nodeAt(2)
  const { pid } = devnet.chain.anvil
  await devnet.chain.anvil[Symbol.asyncDispose]()
  expect(isRunning(pid)).toBe(false)
  const told = await eventually('the outage is told', async () => {
    const readiness = await readReadiness(node)
    return readiness.degraded.some(({ part }) => part === 'chain') ? readiness : undefined
  })
  expect(told).toMatchObject({ status: 200, reasons: [] })
  expect((await fetch(`${node.metricsUrl}/livez`)).status).toBe(200)
  expect(await node.runner.stop('SIGTERM')).toBe(0)
  await devnet.start(node)

  const owner = newAccount()
  const message = { account: owner.id, namespace: 0, data: Buffer.from('kept'), timestampMs: Date.now(), ttlMs: 60_000 }
  const { method, params } = storeRequest(message, undefined)
  const { status, body } = await callNode(node, method, params)
  expect(status).toBe(200)
  const { hash } = body as { hash: Parameters<typeof nodesThatHold>[0] }
  // Whether the list had the newest member already when the chain went is up to chance.
  const holding = await nodesThatHold(hash, owner, devnet.nodes)
  expect(holding.map(({ index }) => index)).toEqual([1, 2, 3, 4])
})

/** Lets a port of this machine lead to another one. */
async function forwardTo(target: URL, port: number): Promise<AsyncDisposable> {
  const server = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname)
    incoming.on('error', () => outgoing.destroy()).pipe(outgoing)
    outgoing.on('error', () => incoming.destroy()).pipe(incoming)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
