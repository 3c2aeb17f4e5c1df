import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { encodeFunctionData, type Hex, keccak256, parseUnits } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMPILE_CACHE } from '../../devnet/built-program.ts'
import { type Anvil, startAnvil } from '../../devnet/chain/anvil.ts'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import { generateBlsSecretKey } from '../../src/crypto/bls.ts'
import { generateEd25519KeyPair } from '../../src/crypto/keys.ts'
import { createKeyFiles } from '../../src/node/key-files.ts'
import { serviceNodeContributionFactoryAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
import { createOperatorAccount, createOperatorView } from '../../src/staking/operator-account.ts'
import { planStart } from '../deployment/deployment-plan.ts'
import { createFounder, founderText, parseFounder } from '../deployment/founder.ts'
import { type NetworkFile, networkFileText, parseNetworkFile } from '../deployment/network-file.ts'
import {
  type PlannedStep,
  planNetwork,
  planNetworkFunding,
  planNetworkStart,
  requireNetwork,
  sendStep,
} from '../deployment/network-steps.ts'
import { parseParameters } from '../deployment/parameters-file.ts'
import { aggregateKeyOf } from './staking-network.ts'

// docs/own-network.md, command by command, with the files and the flags that it shows.

const SCRIPT = new URL('../../scripts/deploy-network.ts', import.meta.url).pathname
const GUIDE = new URL('../../docs/own-network.md', import.meta.url)
const MEMBERS = 7
const ADDRESS: Hex = '0x1111111111111111111111111111111111111111'
const SOME_NETWORK: NetworkFile = {
  ...{ chainId: 31337, epochLengthS: 600, deployedBlock: 0, minimumMembers: 7 },
  ...{ token: ADDRESS, rewards: ADDRESS, pool: ADDRESS, factory: ADDRESS },
  ...{ deployer: ADDRESS, firstNonce: 0, plan: `0x${'1'.repeat(64)}` },
}

let anvil: Anvil
let client: ChainClient
let folder: string
let guide: string
let commands: string[]

beforeAll(async () => {
  anvil = await startAnvil()
  const [deployer] = anvil.accounts
  if (deployer === undefined) throw new Error('The chain has accounts')
  client = createChainClient(anvil, deployer.privateKey)
  folder = await mkdtemp(join(tmpdir(), 'own-network-'))
  guide = await readFile(GUIDE, 'utf8')
  commands = guide.split('\n').filter((line) => line.startsWith('node scripts/deploy-network.ts'))
  const [, parameters = ''] = /```json\n(.*?)```/s.exec(guide) ?? []
  await writeFile(join(folder, 'parameters.json'), parameters)
  await writeFile(join(folder, 'deployer.key'), deployer.privateKey)
  await chmod(join(folder, 'deployer.key'), 0o600)
})
afterAll(async () => {
  await anvil[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Runs a line of the guide in the test's folder. A redirection is done here, since there is no shell. */
async function run(line: string): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  const [command = '', file] = line.replace('https://rpc.example', anvil.rpcUrl).split(' > ')
  const args = command.split(' ').slice(2)
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
  const outcome = await promisify(execFile)(process.execPath, [SCRIPT, ...args], { cwd: folder, env }).then(
    (output) => ({ ...output, failed: false }),
    (error: { stdout: string; stderr: string }) => ({ stdout: error.stdout, stderr: error.stderr, failed: true }),
  )
  if (file !== undefined) await writeFile(join(folder, file), outcome.stdout)
  return outcome
}

function commandOf(name: string, sends = true): string {
  const command = commands.find(
    (line) => line.includes(` ${name} `) && (name === 'member' || line.endsWith('--yes') === sends),
  )
  if (command === undefined) throw new Error(`The guide has no command ${name}`)
  return command
}

async function networkFile(): Promise<NetworkFile> {
  return parseNetworkFile(await readFile(join(folder, 'network.json'), 'utf8'))
}

const sentCount = () => client.getTransactionCount({ address: client.account.address })

test('the guide leads to a network of seven members with rewards', async () => {
  const look = await run(commandOf('deploy', false))
  expect(look).toMatchObject({ failed: false, stderr: expect.stringContaining('Nothing was sent') })
  expect(await sentCount()).toBe(0)
  expect(await run(commandOf('deploy'))).toMatchObject({ failed: false })
  expect(await sentCount()).toBe(11)
  // Once more changes nothing.
  expect(await run(commandOf('deploy'))).toMatchObject({ failed: false })
  expect(await sentCount()).toBe(11)

  const network = await networkFile()
  const preset = JSON.parse(await readFile(join(folder, 'preset.json'), 'utf8'))
  expect(preset).toEqual({
    staking: {
      ...{ chainId: 31337, epochLengthS: 600, deployedBlock: 0 },
      ...{ contract: network.rewards, contributionFactory: network.factory },
    },
  })
  const rewards = { address: network.rewards, abi: serviceNodeRewardsAbi } as const
  expect(await client.readContract({ ...rewards, functionName: 'isStarted' })).toBe(false)

  const operators = Array.from({ length: MEMBERS }, (_, index) => `0x${`${index + 1}`.repeat(40)}` as Hex)
  const keys = await Promise.all(
    operators.map(async (operator, index) => {
      const made = await createKeyFiles(join(folder, `keys-${index}`))
      const command = commandOf('member')
        .replace(/0x1{40}/, operator)
        .replace('data/keys', `keys-${index}`)
      const outcome = await run(command.replace('member-1.json', `member-${index + 1}.json`))
      expect(outcome).toMatchObject({ failed: false })
      return made
    }),
  )

  // With one member fewer, with none, and with one that proves nothing, it does not start.
  const start = commandOf('start')
  const refusal = async (command: string) => (await run(command)).stderr
  const sixth = await readFile(join(folder, 'member-6.json'), 'utf8')
  await writeFile(join(folder, 'forged.json'), sixth.replace(/0x6{40}/, '0x00000000000000000000000000000000000A11cE'))
  const refusals = await Promise.all([
    refusal(start.replace(' --member member-7.json', '')),
    refusal(start.replace(/ --member \S+/g, '')),
    refusal(start.replace('member-6.json', 'forged.json')),
  ])
  expect(refusals.map((sentence) => sentence.split(':')[0])).toEqual([
    ...['HAZARD_TOO_FEW_MEMBERS', 'HAZARD_NO_MEMBERS', 'HAZARD_PROOF_MISSING'],
  ])
  expect(await sentCount()).toBe(11)

  expect(await run(start)).toMatchObject({ failed: false })
  expect(await client.readContract({ ...rewards, functionName: 'isStarted' })).toBe(true)
  expect(await client.readContract({ ...rewards, functionName: 'totalNodes' })).toBe(7n)
  expect(await client.readContract({ ...rewards, functionName: 'blsNonSignerThreshold' })).toBe(2n)
  const members = keys.map(({ ed25519, bls }) => ({ ...bls, ed25519: ed25519.publicKey }))
  expect(await client.readContract({ ...rewards, functionName: 'aggregatePubkey' })).toEqual(aggregateKeyOf(members))
  const token = { address: network.token, abi: stakingTokenAbi, functionName: 'balanceOf' } as const
  expect(await client.readContract({ ...token, args: [network.rewards] })).toBe(7n * parseUnits('25000', 9))
  expect(await refusal(start)).toContain('started already')

  expect(await run(commandOf('fund'))).toMatchObject({ failed: false })
  expect(await client.readContract({ ...token, args: [network.pool] })).toBe(parseUnits('10000000', 9))
  const factory = { address: network.factory, abi: serviceNodeContributionFactoryAbi } as const
  expect(await client.readContract({ ...factory, functionName: 'stakingRewardsContract' })).toBe(network.rewards)
  expect(await sentCount()).toBe(11 + 3 + 2)
}, 120_000)

test('unsigned transactions, signed elsewhere and sent in order, make the same network', async () => {
  const [, account] = anvil.accounts
  if (account === undefined) throw new Error('The chain has accounts')
  const signer = privateKeyToAccount(account.privateKey)
  const command = commandOf('deploy')
    .replace('network.json', 'offline.json')
    .replace('--key-file deployer.key --yes', `--unsigned --from ${signer.address}`)
  const { stdout } = await run(command)
  const transactions: { chainId: number; nonce: number; to?: Hex; data: Hex }[] = JSON.parse(stdout)
  for (const { chainId, nonce, to, data } of transactions) {
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n, gas: 8_000_000n }
    const serialized = await signer.signTransaction({ chainId, nonce, data, ...(to && { to }), ...fees })
    await client.sendRawTransaction({ serializedTransaction: serialized })
    expect((await client.waitForTransactionReceipt({ hash: keccak256(serialized) })).status).toBe('success')
  }
  const network = parseNetworkFile(await readFile(join(folder, 'offline.json'), 'utf8'))
  const rewards = { address: network.rewards, abi: serviceNodeRewardsAbi } as const
  expect(await client.readContract({ ...rewards, functionName: 'owner' })).toBe(signer.address)
  expect(await client.readContract({ ...rewards, functionName: 'designatedToken' })).toBe(network.token)
}, 60_000)

test('an interrupted deployment and an interrupted start are gone on with', async () => {
  const [, , third] = anvil.accounts
  if (third === undefined) throw new Error('The chain has accounts')
  const options = { rpcUrl: anvil.rpcUrl, chainId: 31337, requestTimeoutMs: 20_000, replyMaxBytes: 4 * 1024 * 1024 }
  const account = createOperatorAccount(third.privateKey, options)
  const parameters = parseParameters(await readFile(join(folder, 'parameters.json'), 'utf8'))
  /** Sends only the first of what is left. */
  const sendSome = async (step: PlannedStep, count: number) =>
    await sendStep(account, { ...step, transactions: step.transactions.slice(0, count) }, () => {})

  const { network, ...step } = await planNetwork(account, parameters, undefined)
  await sendSome(step, 5)
  const rest = await planNetwork(account, parameters, network)
  expect(rest.network).toEqual(network)
  expect(rest.transactions).toEqual(step.transactions.slice(5))
  await sendSome(rest, 6)
  await requireNetwork(account.chain, network)

  const founders = Array.from({ length: MEMBERS }, () =>
    createFounder(network, ADDRESS, { ed25519: generateEd25519KeyPair(), blsSecretKey: generateBlsSecretKey() }),
  )
  const [first] = founders
  if (first === undefined) throw new Error('There are founders')
  const twice = planNetworkStart(account, network, [...founders, first])
  await expect(twice).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })

  // Somebody else could pay and open, but not name the members.
  const [, , , stranger] = anvil.accounts
  const stakes = parseUnits('25000', 9) * BigInt(MEMBERS)
  const give = { abi: stakingTokenAbi, functionName: 'transfer', args: [stranger?.address ?? ADDRESS, stakes] } as const
  const gift = { step: 'Give', to: network.token, data: encodeFunctionData(give) }
  const nonce = await account.chain.getTransactionCount({ address: account.address })
  await sendStep(account, { firstNonce: nonce, transactions: [gift] }, () => {})
  const byStranger = planNetworkStart(createOperatorView(stranger?.address ?? ADDRESS, options), network, founders)
  await expect(byStranger).rejects.toThrow('The contract refuses: Name 7 first members')

  // An attempt that named three of them only, as it may be with very many.
  const members = founders.slice(0, 3).map((founder) => ({ ...founder, addedTimestampS: 1n }))
  const some = planStart(network, parameters.stakingRequirementAtomic, members).slice(0, 1)
  await sendStep(account, { firstNonce: nonce + 1, transactions: some }, () => {})
  expect((await planNetworkStart(account, network, founders)).transactions[0]?.step).toBe('Name 4 first members')

  // Signed beforehand, the opening would be sent even if naming the members had failed: it comes by itself, afterwards.
  for (const left of [3, 2, 1]) {
    const start = await planNetworkStart(account, network, founders)
    expect(start.transactions).toHaveLength(left)
    const beforehand = await planNetworkStart(account, network, founders, { isSignedBeforehand: true })
    const isLeft = left > 1
    expect(beforehand.isOpeningLeft).toBe(isLeft)
    expect(beforehand.transactions).toEqual(isLeft ? start.transactions.slice(0, -1) : start.transactions)
    await sendSome(start, 1)
  }
  const again = planNetworkStart(account, network, founders)
  await expect(again).rejects.toMatchObject({ code: 'NETWORK_WRONG' })
  const tooMuch = planNetworkFunding(account, network, parameters.tokenSupplyAtomic)
  await expect(tooMuch).rejects.toMatchObject({ code: 'NETWORK_WRONG' })
}, 60_000)

test('a chain or a network file that is another one is refused before anything is sent', async () => {
  const before = await sentCount()
  const parameters = await readFile(join(folder, 'parameters.json'), 'utf8')
  await writeFile(join(folder, 'foreign.json'), parameters.replace('31337', '42161'))
  const deploy = commandOf('deploy').replace('network.json', 'new.json').replace('preset.json', 'new-preset.json')
  const foreign = await run(deploy.replace('parameters.json', 'foreign.json'))
  expect(foreign).toMatchObject({ failed: true, stderr: expect.stringContaining('NETWORK_WRONG') })
  await writeFile(join(folder, 'two.json'), parameters.replace('"minimumMembers": 7', '"minimumMembers": 2'))
  const two = await run(deploy.replace('parameters.json', 'two.json'))
  expect(two.stderr).toContain('HAZARD_MINIMUM_MEMBERS')
  const changed = commandOf('deploy').replace('parameters.json', 'two.json')
  await writeFile(join(folder, 'two.json'), parameters.replace('1000000"', '2000000"'))
  expect((await run(changed)).stderr).toContain('other parameters')
  expect(await sentCount()).toBe(before)
}, 60_000)

test('parameters are read strictly', () => {
  const token = { name: 'T', symbol: 'T', supply: '1000000' }
  const valid = { chainId: 1, proxyAdminOwner: '0x00000000000000000000000000000000000A11cE', token }
  expect(parseParameters(JSON.stringify(valid))).toMatchObject({
    tokenSupplyAtomic: 1_000_000_000_000_000n,
    minimumMembers: 7,
    stakingRequirementAtomic: 25_000_000_000_000n,
  })
  const invalid: readonly object[] = [
    {},
    { ...valid, chainId: '1' },
    { ...valid, proxyAdminOwner: '0x0000000000000000000000000000000000000000' },
    { ...valid, proxyAdminOwner: undefined },
    { ...valid, claimTreshold: '1' },
    { ...valid, claimThreshold: 1_000_000 },
    { ...valid, claimThreshold: '1.0000000001' },
    { ...valid, claimThreshold: '-1' },
    { ...valid, token: { ...token, decimals: 18 } },
    { ...valid, token: { ...token, symbol: 'T T' } },
    { ...valid, maxContributors: 0 },
    { ...valid, liquidationRatios: { liquidator: 0 } },
    { ...valid, liquidationRatios: [] },
  ]
  for (const parameters of [...invalid.map((value) => JSON.stringify(value)), '', '[]', 'null', '{']) {
    expect(() => parseParameters(parameters)).toThrow(expect.objectContaining({ code: 'PARAMETERS_INVALID' }))
  }
})

test('files of members and of the network are read strictly', () => {
  const founder = createFounder({ chainId: 31337, rewards: SOME_NETWORK.rewards }, SOME_NETWORK.deployer, {
    ed25519: generateEd25519KeyPair(),
    blsSecretKey: generateBlsSecretKey(),
  })
  expect(parseFounder(founderText(founder))).toEqual(founder)
  expect(parseNetworkFile(networkFileText(SOME_NETWORK))).toEqual(SOME_NETWORK)
  const invalid = { code: 'PARAMETERS_INVALID' }
  for (const [text, parse] of [
    [founderText(founder), parseFounder],
    [networkFileText(SOME_NETWORK), parseNetworkFile],
  ] as const) {
    const whole: Record<string, unknown> = JSON.parse(text)
    for (const field of Object.keys(whole)) {
      for (const value of [undefined, null, '', '0x', -1, [], {}, `${text}0`]) {
        expect(() => parse(JSON.stringify({ ...whole, [field]: value }))).toThrow(expect.objectContaining(invalid))
      }
    }
    expect(() => parse(JSON.stringify({ ...whole, more: 1 }))).toThrow(expect.objectContaining(invalid))
    // Without its last byte, which is a line end, it is still whole.
    for (let length = 0; length < text.length - 1; length++) {
      expect(() => parse(text.slice(0, length))).toThrow(expect.objectContaining(invalid))
    }
  }
})
