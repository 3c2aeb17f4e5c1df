import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getAddress, type Hex, hexToBigInt, hexToNumber } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChainClient } from '../../../devnet/chain/chain-client.ts'
import { createWalletFile } from '../../../src/cli/wallet/wallet-file.ts'
import { safeChecksum } from '../../../src/staking/operator/safe-checksum.ts'
import type { UnsignedTransaction } from '../../../src/staking/operator/unsigned.ts'
import { type CommandWorld, createCommandWorld, starlingHere } from './command-world.ts'
import { STAKE } from './staked-chain.ts'

// What is handed out to be signed elsewhere, and what nothing is handed out for.

let world: CommandWorld
beforeAll(async () => {
  world = await createCommandWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const register = (keysFolder: string, ...rest: readonly string[]) =>
  starlingHere('stake', 'register', '--keys-folder', keysFolder, ...world.target(), ...rest)

test('without --send the transactions are printed, and signed offline they register the node', async () => {
  const keysFolder = await world.newNode()
  const { address, privateKey } = await world.newOperator()
  const run = await register(keysFolder, '--operator', address)
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'unsigned', sent: false, file: null } })
  expect(await world.transactionsOf(address)).toBe(0)

  const offline = privateKeyToAccount(privateKey)
  const transactions = run.json['transactions'] as readonly UnsignedTransaction[]
  expect(transactions).toHaveLength(2)
  for (const transaction of transactions) {
    expect(transaction).toMatchObject({ from: address, value: '0x0', type: '0x2' })
    const serializedTransaction = await offline.signTransaction({
      type: 'eip1559',
      chainId: hexToNumber(transaction.chainId as Hex),
      nonce: hexToNumber(transaction.nonce as Hex),
      to: transaction.to as Hex,
      data: transaction.data as Hex,
      gas: hexToBigInt(transaction.gas as Hex),
      maxFeePerGas: hexToBigInt(transaction.maxFeePerGas as Hex),
      maxPriorityFeePerGas: hexToBigInt(transaction.maxPriorityFeePerGas as Hex),
    })
    const hash = await world.chain.client.sendRawTransaction({ serializedTransaction })
    expect((await world.chain.client.waitForTransactionReceipt({ hash })).status).toBe('success')
  }
  expect(await world.memberId(keysFolder)).toBeGreaterThan(0n)
  expect(await world.tokensOf(address)).toBe(0n)
})

test('a file takes the transactions, also as a batch for a Safe, which needs no ether; none is overwritten', async () => {
  const keysFolder = await world.newNode()
  const { address } = await world.newOperator({ wei: 0n })
  const file = join(world.folder, 'batch.json')
  const batch = ['--operator', address, '--unsigned', file, '--unsigned-form', 'safe']
  expect(await register(keysFolder, ...batch)).toMatchObject({ exitCode: 0, json: { file } })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const written = JSON.parse(await readFile(file, 'utf8'))
  const { checksum, ...meta } = written.meta
  expect(safeChecksum({ ...written, meta })).toBe(checksum)
  expect(written).toMatchObject({
    version: '1.0',
    chainId: String(world.chain.anvil.chainId),
    meta: { createdFromSafeAddress: address },
    transactions: [
      { to: world.chain.staking.token, value: '0', data: expect.stringMatching(/^0x095ea7b3/) },
      { to: getAddress(world.chain.staking.rewards), value: '0', data: expect.stringMatching(/^0xbc7efecc/) },
    ],
  })
  expect(await register(keysFolder, ...batch)).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'OPTION_INVALID' } },
  })
})

test('what is shown names chain, contract, account, amounts before and after, gas and the result of the simulation', async () => {
  const keysFolder = await world.newNode()
  const { address } = await world.newOperator({ tokens: STAKE + 1n })
  const { rpcUrl, chainId } = world.chain.anvil
  const target = ['--rpc', rpcUrl, '--contract', world.chain.staking.rewards, '--chain-id', String(chainId)]
  const run = await starlingHere(
    'stake',
    'register',
    '--keys-folder',
    keysFolder,
    ...target,
    '--operator',
    address,
    '--dry-run',
  )
  expect(run.stdout).toMatch(/^Chain +31337\nContract +0x[0-9a-fA-F]{40}\nAccount +0x/)
  expect(run.stdout).toMatch(/^Balance +25000\.000000001 STAR, after it 0\.000000001 STAR$/m)
  expect(run.stdout).toMatch(/^Transactions 1\. Let 0x\w{40} take exactly 25000 STAR \(to 0x\w{40}, gas \d+\)$/m)
  expect(run.stdout).toMatch(/^Gas +\d+, at most 0\.\d+ ether; the account holds 1 ether$/m)
  expect(run.stdout).toMatch(/^Simulation +succeeded/m)
  expect(run.stdout).toContain('Nothing was signed or sent (--dry-run).')
})

test('an account must be known, a key must be there to send, and a mistyped address is not taken', async () => {
  const keysFolder = await world.newNode()
  const { address } = await world.newOperator()
  const unknown = { exitCode: 2, json: { error: { code: 'OPERATOR_UNKNOWN' } } }
  expect(await register(keysFolder)).toMatchObject(unknown)
  expect(await register(keysFolder, '--operator', address, '--send', '--yes')).toMatchObject(unknown)
  const other = address.replace(/[a-fA-F](?=[^a-fA-F]*$)/, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  )
  const invalid = { exitCode: 2, json: { error: { code: 'OPTION_INVALID' } } }
  expect(await register(keysFolder, '--operator', other)).toMatchObject(invalid)
})

test("on Session's own contract nothing is prepared unless its software is said to run beside this node", async () => {
  const keysFolder = await world.newNode()
  const { address } = await world.newOperator()
  const args = ['--network', 'mainnet', '--rpc', world.chain.anvil.rpcUrl, '--operator', address, '--json']
  const mainnet = (...rest: readonly string[]) =>
    starlingHere('stake', 'register', '--keys-folder', keysFolder, ...args, ...rest)
  expect(await mainnet()).toMatchObject({ exitCode: 2, json: { error: { code: 'SESSION_NODE_UNCONFIRMED' } } })
  // Past that, the preset's chain is asked for, which this one is not.
  for (const flag of ['--beside-session-node', '--dry-run']) {
    expect(await mainnet(flag)).toMatchObject({ exitCode: 5, json: { error: { code: 'CHAIN_WRONG' } } })
  }
})

test("chain, contract and folders are taken from the node's configuration, and flags come first", async () => {
  const keysFolder = await world.newNode()
  const config = join(world.folder, 'starling.yml')
  const { rpcUrl, chainId } = world.chain.anvil
  const staking = { rpcUrls: [rpcUrl], chainId, contract: world.chain.staking.rewards }
  await writeFile(config, JSON.stringify({ keysFolder, staking }))
  const status = (...rest: readonly string[]) => starlingHere('stake', 'status', '--config', config, '--json', ...rest)
  expect(await status()).toMatchObject({ exitCode: 6, json: { state: 'not-registered' } })
  expect(await status('--chain-id', '5')).toMatchObject({ exitCode: 5, json: { error: { code: 'CHAIN_WRONG' } } })
  expect(await starlingHere('stake', 'status', '--rpc', rpcUrl, '--json')).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'OPTION_INVALID', message: expect.stringContaining('--chain-id') } },
  })
})

test('a keystore and the file with its passphrase sign and send', async () => {
  const keysFolder = await world.newNode()
  const { address, privateKey } = await world.newOperator()
  const folder = await world.newFolder()
  const keystore = join(folder, 'operator.json')
  await createWalletFile(keystore, Buffer.from(privateKey.slice(2), 'hex'), Buffer.from('four words of mine'))
  const passphrase = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const withPassphrase = (file: string) =>
    register(keysFolder, '--keystore', keystore, '--passphrase-file', file, '--send', '--yes')
  expect(await withPassphrase(await passphrase('wrong', 'four words of yours'))).toMatchObject({
    exitCode: 3,
    json: { error: { code: 'KEYSTORE_PASSPHRASE_WRONG' } },
  })
  const run = await withPassphrase(await passphrase('right', 'four words of mine\n'))
  expect(run).toMatchObject({ exitCode: 0, json: { outcome: 'registered', plan: { operator: address } } })
  expect(run.stdout + run.stderr).not.toContain(privateKey.slice(2))
})

test('to print and to send are two wishes, and only one is granted', async () => {
  const { keyFile, address } = await world.newOperator()
  const file = join(world.folder, 'never.json')
  const both = ['--operator-key-file', keyFile, '--send', '--yes', '--unsigned', file]
  expect(await register(await world.newNode(), ...both)).toMatchObject({
    exitCode: 2,
    json: { error: { code: 'OPTION_INVALID' } },
  })
  expect(await world.transactionsOf(address)).toBe(0)
})

test('nothing is printed for a place that something under way has, but a Safe has an order of its own', async () => {
  const { address, privateKey } = await world.newOperator()
  const keysFolder = await world.newNode()
  await world.chain.client.setAutomine(false)
  try {
    const client = createChainClient(world.chain.anvil, privateKey)
    await client.sendTransaction({ to: address, value: 0n, nonce: 0, gas: 21_000n })
    expect(await register(keysFolder, '--operator', address)).toMatchObject({
      exitCode: 75,
      json: { error: { code: 'TRANSACTION_PENDING' } },
    })
    const safe = await register(keysFolder, '--operator', address, '--unsigned-form', 'safe')
    expect(safe).toMatchObject({ exitCode: 0, json: { outcome: 'unsigned' } })
  } finally {
    await world.chain.client.setAutomine(true)
    await world.chain.client.mine({ blocks: 1 })
  }
})
