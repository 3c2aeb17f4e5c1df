// `npm run devnet` as the program that people and other programs start.

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtProgram } from '../../devnet/built-program.ts'
import { eventually } from '../support/eventually.ts'
import { commandOf, descendantsOf, isRunning } from '../support/processes.ts'
import { Program } from '../support/program.ts'

const DEVNET = join(import.meta.dirname, '../../devnet/main.ts')
const NODES = 7
/** From the registration on: final, and a new epoch. */
const READY_MAX_MS = 60_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-devnet-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

function startDevnet(...args: readonly string[]): Program {
  // What it makes for itself goes below our folder, so that we see what it leaves.
  return new Program(process.execPath, [DEVNET, ...args], { env: { TMPDIR: folder } })
}

interface ReadyNode {
  readonly id: number
  readonly ip: string
  readonly port: number
  readonly pubkey_ed25519: string
  readonly pubkey_x25519: string
  readonly metrics: string
  readonly pid: number
  readonly swarm: string
}

interface ReadyEvent {
  readonly seed: string
  readonly chain: { readonly rpc: string; readonly rewards: string; readonly token: string; readonly factory: string }
  readonly nodes: readonly ReadyNode[]
}

function eventOf<T>(program: Program, name: string): Promise<T> {
  return program.until(({ events }) => events.find(({ event }) => event === name) as T | undefined)
}

/** All processes that the devnet has started, nodes and chain included. */
function processesOf(program: Program): readonly number[] {
  return descendantsOf(program.pid)
}

async function untilGone(pids: readonly number[]): Promise<void> {
  await eventually('all processes end', () => pids.every((pid) => !isRunning(pid)) || undefined, 20_000)
}

const hex64 = expect.stringMatching(/^[0-9a-f]{64}$/)
const address = expect.stringMatching(/^0x[0-9a-fA-F]{40}$/)

test('--once tells its story to programs, leaves the network file, and ends with 0', async () => {
  const networkFile = join(folder, 'network.json')
  await using program = startDevnet('--nodes', '8', '--once', '--json', '--network-file', networkFile)
  const ready = await eventOf<ReadyEvent>(program, 'ready')
  const processes = processesOf(program)
  const { code, stdout, stderr } = await program.ended()

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  // Nothing but events: a program reads line by line.
  expect(program.events).toHaveLength(stdout.trimEnd().split('\n').length)
  expect(new Set(program.events.map(({ event }) => event))).toEqual(new Set(['progress', 'ready', 'story']))
  expect(ready).toEqual({
    event: 'ready',
    seed: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
    chain: {
      rpc: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      rewards: address,
      token: address,
      factory: address,
    },
    nodes: Array.from({ length: 8 }, (_, at) => ({
      id: at + 1,
      ip: `127.0.${at + 1}.1`,
      port: expect.any(Number),
      pubkey_ed25519: hex64,
      pubkey_x25519: hex64,
      metrics: expect.stringMatching(`^http://127.0.${at + 1}.1:\\d+/metrics$`),
      pid: expect.any(Number),
      swarm: expect.stringMatching(/^[0-9a-f]{1,16}$/),
    })),
  })
  expect(new Set(ready.nodes.map(({ pid }) => pid)).size).toBe(8)
  expect(program.events.at(-2)).toMatchObject({ event: 'story', delivered: true })
  expect(JSON.parse(await readFile(networkFile, 'utf8'))).toEqual({
    seed: ready.seed,
    snodes: ready.nodes.map(({ ip, port, pubkey_x25519, pubkey_ed25519 }) => ({
      ip,
      port,
      pubkey_x25519,
      pubkey_ed25519,
    })),
  })
  expect(processes.length).toBeGreaterThan(8)
  await untilGone(processes)
})

describe('while it runs', () => {
  let program: Program
  let ready: ReadyEvent
  beforeAll(async () => {
    program = startDevnet('--nodes', String(NODES), '--json')
    ready = await eventOf<ReadyEvent>(program, 'ready')
    await eventOf(program, 'story')
  })
  afterAll(() => program?.[Symbol.asyncDispose]())

  test('its seed answers POST /json_rpc in plain HTTP as clients expect', async () => {
    const { status, contentType, body } = await post(new URL('json_rpc', ready.seed), {
      jsonrpc: '2.0',
      id: 0,
      method: 'get_n_service_nodes',
      params: { active_only: true, fields: { public_ip: true, storage_port: true, pubkey_ed25519: true } },
    })
    expect({ status, contentType }).toEqual({ status: 200, contentType: 'application/json' })
    const { result } = JSON.parse(body) as { result: { service_node_states: Record<string, unknown>[] } }
    const listed = result.service_node_states.map((state) => [state['pubkey_ed25519'], state['public_ip']])
    expect(new Map(listed as [string, string][])).toEqual(
      new Map(ready.nodes.map(({ pubkey_ed25519, ip }) => [pubkey_ed25519, ip])),
    )
  })

  test('each node says on its metrics address that it serves', async () => {
    for (const { metrics } of ready.nodes) {
      expect((await fetch(metrics)).status).toBe(200)
      expect((await fetch(new URL('/readyz', metrics))).status).toBe(200)
    }
  })

  test("the commands that it prints make a node of one's own, which serves", async () => {
    const own = await eventOf<{ commands: string[]; metricsUrl: string }>(program, 'own-node')
    const [init, register, run] = own.commands.map((command) => command.split(' ')) as [string[], string[], string[]]
    for (const command of [init, register]) {
      await using done = new Program(process.execPath, [builtProgram().main, ...command])
      expect(await done.ended()).toMatchObject({ code: 0 })
    }
    await using node = new Program(process.execPath, [builtProgram().main, ...run])
    const isReady = async () =>
      (await fetch(`${own.metricsUrl}/readyz`).catch(() => undefined))?.ok === true || undefined
    await eventually('the node serves', isReady, READY_MAX_MS)
    node.kill('SIGTERM')
    expect(await node.ended()).toMatchObject({ code: 0 })
  })

  test('Ctrl-C ends it with 0 and leaves neither process nor file', async () => {
    const processes = processesOf(program)
    expect(processes).toEqual(expect.arrayContaining(ready.nodes.map(({ pid }) => pid)))
    expect(processes.some((pid) => commandOf(pid).includes('anvil'))).toBe(true)
    program.kill('SIGINT')
    expect((await program.ended()).code).toBe(0)
    await untilGone(processes)
    expect((await readdir(folder)).filter((name) => name.startsWith('starling-devnet-'))).toEqual([])
  })
})

test('kill -9 of the devnet leaves neither a node nor the chain behind', async () => {
  await using program = startDevnet('--nodes', String(NODES), '--json', '--folder', join(folder, 'killed'))
  const ready = await eventOf<ReadyEvent>(program, 'ready')
  const processes = processesOf(program)
  const nodes = ready.nodes.map(({ pid }) => pid)
  expect(nodes.every(isRunning)).toBe(true)
  expect(processes).toEqual(expect.arrayContaining(nodes))
  program.kill('SIGKILL')
  await untilGone(processes)
})

test('--in-process runs all nodes in one process, people read what happens, and --keep keeps what was written', async () => {
  await using program = startDevnet('--nodes', String(NODES), '--in-process', '--keep')
  const said = await program.until(({ stdout }) => (stdout.includes('Ctrl-C stops') ? stdout : undefined))
  expect(said).toContain('Registering 7 service nodes by real transactions')
  expect(said).toMatch(/Alice's way +Alice -> node \d -> node \d -> node \d -> node \d/)
  expect(said).toMatch(/Bob reads +"Hello Bob/)
  expect(said).toContain('npm start --silent -- receive --seed http://127.0.0.1:')
  expect(processesOf(program).filter((pid) => commandOf(pid).includes('cli/main.'))).toEqual([])

  program.kill('SIGTERM')
  expect(await program.ended()).toMatchObject({ code: 0 })
  const [kept] = (await readdir(folder)).filter((name) => name.startsWith('starling-devnet-'))
  for (const name of ['node-001/data/messages', 'node-001/keys/key_ed25519', 'node-001/starling.log', 'bob.account']) {
    expect([name, existsSync(join(folder, kept ?? '', name))]).toEqual([name, true])
  }
})

test.for([
  [['--nodes', '6'], '--nodes must be a whole number from 7 to 250'],
  [['--nodes', 'many'], '--nodes must be a whole number from 7 to 250'],
  [['--epoch-seconds', '0'], '--epoch-seconds must be a whole number'],
  [['--log-level', 'loud'], 'Invalid values'],
  [['--twice'], 'Unknown argument: twice'],
] as const)('%j is refused in words', async ([args, words]) => {
  await using program = startDevnet(...args)
  const { code, stdout, stderr } = await program.ended()
  expect(code).toBe(1)
  expect(stderr).toContain(words)
  expect(stdout).toBe('')
})

async function post(url: URL, body: object): Promise<{ status: number; contentType: string; body: string }> {
  const outgoing = request(url, { method: 'POST', agent: false }).end(JSON.stringify(body))
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of reply.setEncoding('utf8')) text += chunk
  return { status: reply.statusCode ?? 0, contentType: reply.headers['content-type'] ?? '', body: text }
}
