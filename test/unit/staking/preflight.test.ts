import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChainClient } from '../../../devnet/chain/chain-client.ts'
import { freePort } from '../../../devnet/free-port.ts'
import { readKeyFiles } from '../../../src/node/key-files.ts'
import { stakingTokenAbi } from '../../../src/staking/abi.ts'
import { type CommandWorld, createCommandWorld, type Run, starlingHere } from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { aNode } from './staked-chain.ts'

let world: CommandWorld
beforeAll(async () => {
  world = await createCommandWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

/** A node whose every check passes but what a single provider and a small test network cannot pass. */
async function aPlace(settings: Record<string, unknown> = {}) {
  const keysFolder = await world.newNode()
  const config = join(world.folder, `config-${crypto.randomUUID()}.yml`)
  const ports = { 'rpc.port': await freePort('127.0.0.1'), 'network.port': await freePort('127.0.0.1') }
  await writeFile(config, JSON.stringify({ keysFolder, publicIp: '8.8.8.8', ...ports, ...settings }))
  return { keysFolder, config, ports }
}

const preflight = (config: string, operator: string | undefined, target = world.target()) =>
  starlingHere(
    ...['stake', 'preflight', '--config', config, ...target],
    ...(operator === undefined ? [] : ['--operator', operator]),
  )

interface Check {
  readonly id: string
  readonly status: string
  readonly remedy: string | null
}
const checksOf = (run: Run) => run.json['checks'] as readonly Check[]
const failures = (run: Run) => checksOf(run).flatMap(({ id, status }) => (status === 'fail' ? [id] : []))
const statusOf = (run: Run, id: string) => checksOf(run).find((check) => check.id === id)?.status

test('a node that can be registered passes, with what is only doubtful said', async () => {
  const { config } = await aPlace()
  const { address } = await world.newOperator()
  const run = await preflight(config, address)
  expect(run).toMatchObject({ exitCode: 0, json: { ready: true } })
  expect(failures(run)).toEqual([])
  expect(checksOf(run).length).toBeGreaterThanOrEqual(20)
  expect(new Set(checksOf(run).map(({ id }) => id)).size).toBe(checksOf(run).length)
  expect(statusOf(run, 'providers-count')).toBe('warn')
  expect(statusOf(run, 'providers-agree')).toBe('skipped')
  for (const { status, remedy } of checksOf(run)) expect(remedy === null).toBe(status === 'ok' || status === 'skipped')
  expect(await world.transactionsOf(address)).toBe(0)
})

test('what is missing is named with its remedy, and the first failure makes the exit code', async () => {
  const { config, keysFolder, ports } = await aPlace({ publicIp: '192.168.1.2' })
  const { address } = await world.newOperator({ tokens: 5n, wei: 0n })
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(ports['rpc.port'], () => resolve()))
  try {
    const run = await preflight(config, address)
    expect(failures(run)).toEqual(['public-ip', 'port-clients', 'token-balance', 'gas-funds'])
    expect(run.exitCode).toBe(2)
    for (const { status, remedy } of checksOf(run)) if (status === 'fail') expect(remedy).toMatch(/^[A-Z]/)
  } finally {
    await new Promise((resolve) => taken.close(resolve))
  }
  await chmod(join(keysFolder, 'key_bls'), 0o644)
  const exposed = await preflight(config, address)
  expect(exposed.exitCode).toBe(3)
  expect(failures(exposed)).toContain('key-files')
  expect(statusOf(exposed, 'keys-well-formed')).toBe('skipped')
  expect(statusOf(exposed, 'proof-of-possession')).toBe('skipped')
})

test('a squatted key and a mixed-up one are told apart', async () => {
  const squatted = await aPlace()
  const { ed25519 } = await readKeyFiles(squatted.keysFolder)
  await world.chain.register(aNode({ ed25519 }))
  expect(failures(await preflight(squatted.config, undefined))).toEqual(['ed25519-unused'])
  const replaced = await aPlace()
  const { bls } = await readKeyFiles(replaced.keysFolder)
  await world.chain.register(aNode({ blsSecretKey: bls.secretKey }))
  const run = await preflight(replaced.config, undefined)
  expect(failures(run)).toEqual(['bls-unused'])
  expect(run.exitCode).toBe(1)
  expect(statusOf(run, 'token-balance')).toBe('skipped')
})

test('an allowance beyond the stake is a warning', async () => {
  const { config } = await aPlace()
  const { address, privateKey } = await world.newOperator()
  const client = createChainClient(world.chain.anvil, privateKey)
  const approval = { address: world.chain.staking.token, abi: stakingTokenAbi, functionName: 'approve' } as const
  const hash = await client.writeContract({ ...approval, args: [world.chain.staking.rewards, 2n ** 255n] })
  await client.waitForTransactionReceipt({ hash })
  expect(statusOf(await preflight(config, address), 'allowance')).toBe('warn')
})

test('providers that disagree, or serve another chain, fail', async () => {
  const { config } = await aPlace()
  await using liar = await startRpcProxy(world.chain.anvil.rpcUrl)
  const both = ['--rpc', liar.url, ...world.target()]
  const { address } = await world.newOperator()
  expect(statusOf(await preflight(config, address, both), 'providers-agree')).toBe('ok')
  const otherHash = (method: string, result: unknown) =>
    method === 'eth_getBlockByNumber' ? { ...(result as object), hash: `0x${'ee'.repeat(32)}` } : result
  liar.behaviour = { kind: 'lying', lie: otherHash }
  const disagreeing = await preflight(config, address, both)
  expect(failures(disagreeing)).toEqual(['providers-agree'])
  expect(disagreeing.exitCode).toBe(5)
  liar.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_chainId' ? '0x1' : result) }
  expect(failures(await preflight(config, address, both))).toContain('chain-id')
})

test('without any provider everything about the chain fails with a remedy, and no URL is shown', async () => {
  const { config } = await aPlace()
  const { address } = await world.newOperator()
  const secret = ['--rpc', 'http://127.0.0.1:1/v2/sEcReTkEy', ...world.target().slice(2)]
  const run = await preflight(config, address, secret)
  expect(run.exitCode).toBe(5)
  expect(failures(run)).toEqual(
    expect.arrayContaining(['chain-id', 'contract', 'head-age', 'token-balance', 'gas-price']),
  )
  for (const { status, remedy } of checksOf(run)) if (status === 'fail') expect(remedy).toMatch(/^[A-Z]/)
  expect(run.stdout + run.stderr).not.toContain('sEcReTkEy')
})
