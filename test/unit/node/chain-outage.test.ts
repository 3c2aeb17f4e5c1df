// A node without its chain: it starts, says what it waits for, and stops, whatever the RPC providers do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { builtProgram } from '../../../devnet/built-program.ts'
import { freePort } from '../../../devnet/free-port.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { parseServiceNodeArgs, type ServiceNodeArgs, serviceNodeFlags } from '../../../src/cli/options/service-node.ts'
import { showPeers } from '../../../src/cli/status/peers.ts'
import { showStatus } from '../../../src/cli/status/status.ts'
import { showSwarm } from '../../../src/cli/status/swarm.ts'
import { createKeyFiles } from '../../../src/node/key-files.ts'
import { createServiceNode } from '../../../src/node/service-node.ts'
import type { StatusProblem } from '../../../src/node/status.ts'
import { type RpcProxy, startRpcProxy } from '../staking/rpc-proxy.ts'

let folder: string
let provider: RpcProxy
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-node-'))
  // Nothing answers behind it.
  provider = await startRpcProxy('http://127.0.0.1:1')
})
afterEach(async () => {
  await provider[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** What an operator would configure, and a way to ask for the node's health. */
async function configure() {
  const keysFolder = join(folder, 'keys')
  await createKeyFiles(keysFolder)
  const metricsPort = await freePort('127.0.0.1')
  const configuration = {
    ...{ keysFolder, dataFolder: join(folder, 'data'), publicIp: '127.0.0.1', 'network.allowPrivateAddresses': true },
    ...{ 'network.listenAddress': '127.0.0.1', 'network.port': 0, 'rpc.listenAddress': '127.0.0.1', 'rpc.port': 0 },
    ...{ 'staking.chainId': 31337, 'staking.contract': `0x${'ab'.repeat(20)}`, 'staking.epochLengthS': 600 },
    ...{ 'staking.rpcUrls': [provider.url], 'metrics.port': metricsPort },
  }
  return { configuration, get: (path: string) => fetch(`http://127.0.0.1:${metricsPort}${path}`) }
}

async function start() {
  const { configuration, get } = await configure()
  const defaults = Object.entries(serviceNodeFlags).map(([name, flag]) => [name, flag.default])
  const { node } = parseServiceNodeArgs({ ...Object.fromEntries(defaults), ...configuration } as ServiceNodeArgs)
  return { starting: createServiceNode({ log: silentLogger }, node), get }
}

test('a node whose chain is away is alive, not ready and says why', async () => {
  provider.behaviour = { kind: 'down' }
  const { starting, get } = await start()
  await using node = await starting
  expect((await get('/startupz')).status).toBe(200)
  expect((await get('/livez')).status).toBe(200)
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({
    reasons: [{ part: 'membership' }],
    degraded: [{ part: 'chain', reason: expect.stringContaining('PROVIDERS_UNAVAILABLE') }],
  })
  expect(node.status()).toMatchObject({ stake: { kind: 'chain-unreachable' } })

  const args = { config: undefined, network: undefined, 'data-folder': join(folder, 'data'), json: true, strict: false }
  const { result, exitCode } = await showStatus(args)
  expect(exitCode).toBe(5)
  expect(result).toMatchObject({
    health: 'not-serving',
    sections: { node: { facts: { key: node.key } }, storage: { facts: { messages: 0 } } },
  })
  const codes = (result['problems'] as readonly StatusProblem[]).map(({ code }) => code)
  expect(codes).toEqual(['LIST_UNREAD', 'CHAIN_UNREACHABLE'])
  const page = (await showPeers({ ...args, count: 9 })).lines.concat((await showSwarm(args)).lines).join()
  expect(page).toBe(
    'No other service node is known.,This node is in no swarm: it is not in the service node list, or there is none yet.,,No other service node is known.',
  )
})

test('a node that still waits for its chain to answer is alive, and not ready', async () => {
  provider.behaviour = { kind: 'silent' }
  const { starting, get } = await start()
  const livez = await vi.waitFor(() => get('/livez'), { timeout: 30_000 })
  expect(livez.status).toBe(200)
  expect((await get('/startupz')).status).toBe(503)
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({
    reasons: [{ part: 'life-cycle', reason: 'Starting: its RPC providers are asked for the staking contract' }],
  })

  const args = { config: undefined, network: undefined, 'data-folder': join(folder, 'data'), json: true, strict: false }
  const { result, exitCode } = await showStatus(args)
  expect(exitCode).toBe(75)
  const reason = 'Starting: its RPC providers are asked for the staking contract'
  expect(result).toMatchObject({ health: 'not-serving', problems: [{ code: 'NODE_STARTING', reason }] })
  await expect(showPeers({ ...args, count: 9 })).rejects.toMatchObject({ code: 'NODE_STARTING' })

  // Who waits is let go on.
  await provider[Symbol.asyncDispose]()
  const node = await starting
  await node[Symbol.asyncDispose]()
})

test('a node that is stopped while it waits for its chain ends at once and well', async () => {
  provider.behaviour = { kind: 'silent' }
  const { configuration, get } = await configure()
  const path = join(folder, 'starling.yml')
  await writeFile(path, JSON.stringify({ network: 'devnet', ...configuration }))
  const { main, env } = builtProgram()
  const child = spawn(process.execPath, [main, 'run', '--config', path], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  })
  const exit = once(child, 'exit')
  await vi.waitFor(() => get('/livez'), { timeout: 30_000 })
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
})
