import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Hex, parseEventLogs } from 'viem'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createChainClient } from '../../../devnet/chain/chain-client.ts'
import { verifySignature } from '../../../src/crypto/signature.ts'
import { readKeyFiles } from '../../../src/node/key-files.ts'
import { serviceNodeRewardsAbi, stakingTokenAbi } from '../../../src/staking/abi.ts'
import { type CommandWorld, createCommandWorld, starlingHere as starling, startStarling } from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { aNode, STAKE } from './staked-chain.ts'

// Registration and status, in this process; what is killed runs in one of its own.
vi.setConfig({ testTimeout: 180_000 })

let world: CommandWorld
let chain: CommandWorld['chain']
beforeAll(async () => {
  world = await createCommandWorld()
  chain = world.chain
})
afterAll(() => world[Symbol.asyncDispose]())

const newNode = () => world.newNode()
const keyFile = (privateKey: Hex) => world.keyFile(privateKey)
const target = (rpcUrl?: string) => world.target(rpcUrl)
const tokensOf = (address: Hex) => world.tokensOf(address)
const transactionsOf = (address: Hex) => world.transactionsOf(address)
const memberCount = () => world.memberCount()
const registerArguments = (keysFolder: string, operatorKeyFile: string) => [
  ...['stake', 'register', '--keys-folder', keysFolder, '--operator-key-file', operatorKeyFile, '--send'],
  ...target(),
]
const register = (keysFolder: string, operatorKeyFile: string, ...rest: readonly string[]) =>
  starling(...registerArguments(keysFolder, operatorKeyFile), ...rest)

test('a dry run sends nothing, a run stakes, and another run does not stake twice', async () => {
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  const operatorKeyFile = await keyFile(operator.privateKey)

  const dryRun = await register(keysFolder, operatorKeyFile, '--dry-run')
  expect(dryRun).toMatchObject({
    exitCode: 0,
    json: { outcome: 'dry-run', sent: false, plan: { stake: '25000', needsApproval: true, simulation: 'succeeded' } },
  })
  expect(await transactionsOf(operator.address)).toBe(0)
  expect(await tokensOf(operator.address)).toBe(STAKE)

  const members = await memberCount()
  const run = await register(keysFolder, operatorKeyFile, '--yes')
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'registered', sent: true } })
  expect(await transactionsOf(operator.address)).toBe(2)
  expect(await tokensOf(operator.address)).toBe(0n)
  expect(await memberCount()).toBe(members + 1n)
  expect(run.stdout + run.stderr).not.toContain(operator.privateKey.slice(2))

  const status = () => starling('stake', 'status', '--keys-folder', keysFolder, ...target())
  expect(await status()).toMatchObject({ exitCode: 75, json: { state: 'pending-finality' } })
  await chain.finalize()
  expect(await status()).toMatchObject({
    exitCode: 0,
    json: { state: 'active', member: { stakeAtomic: String(STAKE), operator: operator.address.toLowerCase() } },
  })

  const again = await register(keysFolder, operatorKeyFile, '--yes')
  expect(again).toMatchObject({ exitCode: 0, json: { outcome: 'already-registered', sent: false, state: 'active' } })
  expect(await transactionsOf(operator.address)).toBe(2)
})

test('a registration carries signatures that the keys of the node made', async () => {
  const keysFolder = await newNode()
  const { privateKey } = await chain.fundedAccount()
  const run = await register(keysFolder, await keyFile(privateKey), '--yes')
  const keys = await readKeyFiles(keysFolder)
  const { logs } = await chain.client.getTransactionReceipt({ hash: run.json['transaction'] as Hex })
  const [event] = parseEventLogs({ abi: serviceNodeRewardsAbi, eventName: 'NewServiceNodeV2', logs })
  const params = event?.args.serviceNode
  const half = (value: bigint | undefined) => Buffer.from((value ?? 0n).toString(16).padStart(64, '0'), 'hex')
  const signature = Buffer.concat([half(params?.serviceNodeSignature1), half(params?.serviceNodeSignature2)])
  const message = Buffer.concat([keys.ed25519.publicKey, keys.bls.publicKey])
  expect(verifySignature(signature, message, keys.ed25519.publicKey)).toBe(true)
})

test('too few tokens, or no ether, end with exit code 6 before anything is sent', async () => {
  const keysFolder = await newNode()
  const poor = await chain.fundedAccount({ tokens: STAKE - 1n })
  expect(await register(keysFolder, await keyFile(poor.privateKey), '--yes')).toMatchObject({
    exitCode: 6,
    json: { error: { code: 'TOKENS_INSUFFICIENT' } },
  })
  const dry = await chain.fundedAccount({ wei: 0n })
  expect(await register(keysFolder, await keyFile(dry.privateKey), '--yes')).toMatchObject({
    exitCode: 6,
    json: { error: { code: 'GAS_FUNDS_INSUFFICIENT' } },
  })
  const nearlyDry = await chain.fundedAccount({ wei: 1000n })
  expect(await register(keysFolder, await keyFile(nearlyDry.privateKey), '--yes')).toMatchObject({
    exitCode: 6,
    json: { error: { code: 'GAS_FUNDS_INSUFFICIENT' } },
  })
  expect(await transactionsOf(poor.address)).toBe(0)
})

test('another chain, another contract and an unreachable provider end with exit code 5', async () => {
  const keysFolder = await newNode()
  const status = (...args: readonly string[]) =>
    starling('stake', 'status', '--keys-folder', keysFolder, '--json', ...args)
  const { rpcUrl } = chain.anvil
  const contract = chain.staking.rewards
  expect(await status('--rpc', rpcUrl, '--contract', contract, '--chain-id', '42161')).toMatchObject({
    exitCode: 5,
    json: { error: { code: 'CHAIN_WRONG' } },
  })
  const token = chain.staking.token
  expect(await status('--rpc', rpcUrl, '--contract', token, '--chain-id', '31337')).toMatchObject({
    exitCode: 5,
    json: { error: { code: 'CONTRACT_WRONG' } },
  })
  const secretUrl = 'http://127.0.0.1:1/v2/sEcReTkEy'
  const unreachable = await status('--rpc', secretUrl, '--contract', contract, '--chain-id', '31337')
  expect(unreachable.exitCode).toBe(5)
  expect(unreachable.stdout + unreachable.stderr).not.toContain('sEcReTkEy')
})

test('a provider that does not tell its chain is asked for nothing else', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  provider.behaviour = { kind: 'refusing', method: 'eth_chainId' }
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  const words = ['--keys-folder', keysFolder, '--operator-key-file', await keyFile(operator.privateKey)]
  expect(await starling('stake', 'register', ...words, '--send', '--yes', ...target(provider.url))).toMatchObject({
    exitCode: 5,
    json: { error: { code: 'PROVIDERS_UNAVAILABLE', details: { faults: 'PROVIDER_REFUSED' } } },
  })
  expect(await transactionsOf(operator.address)).toBe(0)
})

test('a node that is not registered has exit code 6, and a squatted key exit code 1', async () => {
  const keysFolder = await newNode()
  const status = await starling('stake', 'status', '--keys-folder', keysFolder, ...target())
  expect(status).toMatchObject({
    exitCode: 6,
    json: { state: 'not-registered', nextCommand: 'starling stake register' },
  })

  const { ed25519 } = await readKeyFiles(keysFolder)
  await chain.register(aNode({ ed25519 }))
  expect(await starling('stake', 'status', '--keys-folder', keysFolder, ...target())).toMatchObject({
    exitCode: 1,
    json: { state: 'key-mismatch' },
  })
  const operator = await chain.fundedAccount()
  expect(await register(keysFolder, await keyFile(operator.privateKey), '--yes')).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'KEYS_TAKEN' } },
  })
})

test('without a terminal nothing is sent unless --yes is given', async () => {
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  expect(await register(keysFolder, await keyFile(operator.privateKey))).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'CONFIRMATION_IMPOSSIBLE' } },
  })
  expect(await transactionsOf(operator.address)).toBe(0)
})

test('exposed and malformed keys end with exit code 3', async () => {
  const keysFolder = await newNode()
  const { privateKey } = await chain.fundedAccount()
  const exposed = await keyFile(privateKey)
  await chmod(exposed, 0o644)
  const run = await register(keysFolder, exposed, '--yes')
  expect(run).toMatchObject({ exitCode: 3, json: { error: { code: 'SECRET_FILE_EXPOSED' } } })
  expect(run.stderr).toContain(`chmod 600 ${exposed}`)

  expect(await register(keysFolder, await keyFile(`0x${'f'.repeat(64)}`), '--yes')).toMatchObject({
    exitCode: 3,
    json: { error: { code: 'SECRET_FILE_INVALID' } },
  })
  expect(await starling('keys', 'show', '--keys-folder', join(world.folder, 'nowhere'))).toMatchObject({ exitCode: 3 })
})

test('keys are created once, and shown without their secrets', async () => {
  const keysFolder = join(world.folder, 'new', 'keys')
  const create = () => starling('keys', 'create', '--keys-folder', keysFolder)
  expect(await create()).toMatchObject({ exitCode: 0 })
  const keys = await readKeyFiles(keysFolder)
  expect(await create()).toMatchObject({ exitCode: 3 })
  const run = await starling('keys', 'show', '--keys-folder', keysFolder, '--json')
  expect(run.json).toEqual({
    folder: keysFolder,
    ed25519: Buffer.from(keys.ed25519.publicKey).toString('hex'),
    x25519: expect.stringMatching(/^[0-9a-f]{64}$/),
    bls: Buffer.from(keys.bls.publicKey).toString('hex'),
  })
  const people = await starling('keys', 'show', '--keys-folder', keysFolder)
  const seed = Buffer.from(keys.ed25519.secretKey.subarray(0, 32)).toString('hex')
  expect(people.stdout).toContain(Buffer.from(keys.ed25519.publicKey).toString('hex'))
  expect(people.stdout + run.stdout).not.toContain(seed)
})

test('a damaged journal stops what would sign, and not the look at the stake', async () => {
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  const journal = join(keysFolder, `transactions-${chain.anvil.chainId}-${operator.address.toLowerCase()}.json`)
  await writeFile(journal, '{"sha256":', { mode: 0o600 })
  expect(await register(keysFolder, await keyFile(operator.privateKey), '--yes')).toMatchObject({
    exitCode: 1,
    json: { error: { code: 'STATE_FILE_DAMAGED', message: expect.stringContaining(journal) } },
  })
  expect(await transactionsOf(operator.address)).toBe(0)
  expect(await starling('stake', 'status', '--keys-folder', keysFolder, ...target())).toMatchObject({
    exitCode: 6,
    json: { state: 'not-registered', transactions: [], journalFault: expect.stringContaining(journal) },
  })
})

test('a paused contract is a reason to try later', async () => {
  const pausing = { address: chain.staking.rewards, abi: serviceNodeRewardsAbi } as const
  const send = async (functionName: 'pause' | 'unpause') =>
    chain.client.waitForTransactionReceipt({ hash: await chain.client.writeContract({ ...pausing, functionName }) })
  const keysFolder = await newNode()
  const { privateKey } = await chain.fundedAccount()
  await send('pause')
  try {
    expect(await register(keysFolder, await keyFile(privateKey), '--yes')).toMatchObject({
      exitCode: 75,
      json: { error: { code: 'CONTRACT_CLOSED' } },
    })
  } finally {
    await send('unpause')
  }
})

test('killed between sending and the receipt, then run again, the command stakes exactly once', async () => {
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  const operatorKeyFile = await keyFile(operator.privateKey)
  const approval = await createChainClient(chain.anvil, operator.privateKey).writeContract({
    address: chain.staking.token,
    abi: stakingTokenAbi,
    functionName: 'approve',
    args: [chain.staking.rewards, STAKE],
  })
  await chain.client.waitForTransactionReceipt({ hash: approval })
  await chain.client.setAutomine(false)
  try {
    const killed = startStarling(...registerArguments(keysFolder, operatorKeyFile), '--yes')
    const pending = () => chain.client.getTransactionCount({ address: operator.address, blockTag: 'pending' })
    await vi.waitUntil(async () => (await pending()) === 2, { timeout: 120_000 })
    const ended = new Promise((resolve) => killed.once('exit', resolve))
    killed.kill('SIGKILL')
    await ended
    expect(await register(keysFolder, operatorKeyFile, '--dry-run')).toMatchObject({
      exitCode: 75,
      json: { error: { code: 'TRANSACTION_PENDING' } },
    })
  } finally {
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })
  }
  expect(await register(keysFolder, operatorKeyFile, '--yes')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'registered', resumed: true },
  })
  expect(await register(keysFolder, operatorKeyFile, '--yes')).toMatchObject({
    exitCode: 0,
    json: { outcome: 'already-registered', sent: false },
  })
  expect(await tokensOf(operator.address)).toBe(0n)
  expect(await transactionsOf(operator.address)).toBe(2)
})

test('a transaction whose answer is lost is waited for', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const lie = (method: string, result: unknown) => {
    // The transaction has been passed on; then the connection breaks.
    if (method === 'eth_sendRawTransaction') throw new Error('The connection breaks')
    return result
  }
  provider.behaviour = { kind: 'lying', lie }
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount()
  const args = [
    '--keys-folder',
    keysFolder,
    '--operator-key-file',
    await keyFile(operator.privateKey),
    '--send',
    '--yes',
  ]
  const run = await starling('stake', 'register', ...args, ...target(provider.url))
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'registered' } })
  expect(provider.methods.filter((method) => method === 'eth_sendRawTransaction')).toHaveLength(2)
  expect(await transactionsOf(operator.address)).toBe(2)
})

test('an approval beyond the stake is lowered first, so that none is left afterwards', async () => {
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount({ tokens: 2n * STAKE })
  const token = { address: chain.staking.token, abi: stakingTokenAbi } as const
  const args = [chain.staking.rewards, 2n ** 255n] as const
  const approval = createChainClient(chain.anvil, operator.privateKey).writeContract({
    ...{ ...token, functionName: 'approve', args },
  })
  await chain.client.waitForTransactionReceipt({ hash: await approval })
  const run = await register(keysFolder, await keyFile(operator.privateKey), '--yes')
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'registered', plan: { needsApproval: true } } })
  const left = { functionName: 'allowance', args: [operator.address, chain.staking.rewards] } as const
  expect(await chain.client.readContract({ ...token, ...left })).toBe(0n)
  expect(await tokensOf(operator.address)).toBe(STAKE)
})

test('a provider with an absurd price of gas does not get at the ether of an account', async () => {
  await using provider = await startRpcProxy(chain.anvil.rpcUrl)
  const lie = (method: string, result: unknown) => (method === 'eth_maxPriorityFeePerGas' ? '0x174876e80000' : result)
  provider.behaviour = { kind: 'lying', lie }
  const keysFolder = await newNode()
  const operator = await chain.fundedAccount({ wei: 10n ** 24n })
  const operatorKeyFile = await keyFile(operator.privateKey)
  const words = ['stake', 'register', '--keys-folder', keysFolder, '--operator-key-file', operatorKeyFile]
  const run = (...rest: readonly string[]) => starling(...words, '--send', '--yes', ...target(provider.url), ...rest)
  expect(await run()).toMatchObject({ exitCode: 75, json: { error: { code: 'GAS_COST_TOO_HIGH' } } })
  expect(await run('--gas-cost-max', 'much')).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'OPTION_INVALID' } },
  })
  expect(await transactionsOf(operator.address)).toBe(0)
  expect(await run('--gas-cost-max', '1000')).toMatchObject({ exitCode: 0, json: { outcome: 'registered' } })
})

test('what --yes does not ask is shown all the same, before it is signed', async () => {
  const operator = await chain.fundedAccount()
  const run = await register(await newNode(), await keyFile(operator.privateKey), '--yes')
  const shown = run.stderr.indexOf('25000 STAR')
  expect(shown).toBeGreaterThan(0)
  expect(shown).toBeLessThan(run.stderr.indexOf('Sending 0x'))
})
