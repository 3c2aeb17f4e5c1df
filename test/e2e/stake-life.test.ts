// A stake's whole life by the command line alone, among sixteen real nodes of which at last a third keeps silent or lies. The chain
// begins sixteen days ago, so that the waits of the contract pass by travelling to now, where the clocks of the nodes are.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeFunctionData, type Hex, parseEventLogs } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultStakingOptions } from '../../contracts/deployment/network-parameters.ts'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import type { Devnet, DevnetNode } from '../../devnet/network.ts'
import { callNode, listFrom } from '../../devnet/node-request.ts'
import type { Operator } from '../../devnet/stakes.ts'
import { membersOnChain, networkOf } from '../../devnet/swarms.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/base/clock.ts'
import { adminSocketPath, createAdminClient } from '../../src/cli/admin-client.ts'
import { createKeyFiles, readKeyFiles } from '../../src/node/key-files.ts'
import { encodeSignatureRequest } from '../../src/protocol/peer-api/signature-request.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import { rewardRatePoolAbi, serviceNodeRewardsAbi, stakingTokenAbi } from '../../src/staking/abi.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { FalseSigner } from '../support/false-signer.ts'
import { readMetrics, readReadiness } from '../support/node-metrics.ts'
import { runStarling } from '../support/program.ts'
import { Stranger } from '../support/stranger.ts'

const NODES = 16
const EPOCH_S = 2
/** As many as need not sign: one of them lies, the others keep silent. */
const NON_SIGNERS = Math.floor(NODES / 3)
const STAKE = defaultStakingOptions.stakingRequirementAtomic
/** Rewards are counted for each twenty minutes, so that one period begins and ends while nothing else changes. */
const PERIOD_S = 20 * 60
/** The newest final block may be an hour old for members that sign; a chain that is behind the clocks can still be moved on. */
const BEHIND_MS = 30 * MINUTE

let devnet: Devnet & { folder: string }
let client: ChainClient
let genesisS: number
/** The node under test, and who pays for it. */
let node: DevnetNode
let operator: Operator
/** What its operator's account has earned besides the stake. */
let earnedAtomic: bigint
/** Begins right after the block that the last journey led to. */
let periodEndS: number
/** Keys of those who do not sign in the end. */
const nonSigners: ServiceNodeKey[] = []

const stopped: DevnetNode[] = []
let falseSigner: FalseSigner | undefined

beforeAll(async () => {
  genesisS = Math.floor((Date.now() - 16 * DAY - HOUR) / SECOND)
  devnet = await startTestDevnet({
    ...{ nodes: NODES - 1, epochLengthS: EPOCH_S, genesisTimestampS: genesisS, logLevel: 'warn' },
    // Sixteen nodes that look at everything each second keep half a core busy.
    settings: {
      'staking.rewardsPeriodS': PERIOD_S,
      'staking.ownStakeIntervalS': 4,
      'staking.rewardsIntervalS': 4,
    },
  })
  operator = await devnet.createOperator(NODES)
  node = await devnet.prepare(NODES, operator)
  client = createChainClient(devnet.chain.anvil, operator.privateKey)
  for (const one of [...devnet.nodes, node]) {
    const account = devnet.chain.anvil.accounts[one.index]
    await writeFile(keyFileOf(one), `${account?.privateKey}\n`, { mode: 0o600 })
  }
})

afterAll(async () => {
  await falseSigner?.[Symbol.asyncDispose]()
  // A stopped process does not hear that it should end.
  for (const { runner } of stopped) await runner.stop('SIGKILL')
  await node?.runner[Symbol.asyncDispose]()
  await devnet?.[Symbol.asyncDispose]()
})

test('a node that its operator registers serves', async () => {
  const served = devnet.start(node)
  served.catch(() => {})
  const run = await stake(node, 'register', ...sending(node))
  expect(run).toMatchObject({ code: 0, json: { outcome: 'registered', sent: true } })
  await served
  expect((await callNode(node, 'info', {})).status).toBe(200)
  expect((await membersOnChain(devnet.chain)).map(({ key }) => key)).toContain(node.key)
  expect(await tokensOf(walletOf(node))).toBe(0n)
  expect(await stake(node, 'status')).toMatchObject({ code: 0, json: { state: 'active' } })
})

test('its exit is refused before its time, and so is that of who is no member', async () => {
  expect(await stake(node, 'request-exit', ...sending(node))).toMatchObject({
    code: 0,
    json: { outcome: 'exit-requested' },
  })
  const keysFolder = join(devnet.folder, 'nobody')
  await createKeyFiles(keysFolder)
  const [early, nobody] = await Promise.all([
    stake(node, 'exit', ...sending(node)),
    stake(node, 'exit', ...sending(node), '--keys-folder', keysFolder),
  ])
  expect(early).toMatchObject({ code: 75, json: { error: { code: 'WAIT_NOT_OVER' } } })
  expect(nobody).toMatchObject({ code: 6, json: { error: { code: 'STAKE_MISSING' } } })
  expect(await members()).toHaveLength(NODES)
})

test('whatever its operator’s settings say, members do not sign before the time, nor for who is no member, nor for strangers', async () => {
  // Half way, the pool pays what the members share, and another operator asks to leave.
  const hasty = nodeAt(0)
  await devnet.chain.travelTo(genesisS + (8 * DAY) / SECOND)
  earnedAtomic = (await releaseRewards()) / BigInt(NODES)
  expect(earnedAtomic).toBeGreaterThan(0n)
  expect(await stake(hasty, 'request-exit', ...sending(hasty))).toMatchObject({ code: 0 })
  await travelToPresent()

  const config = join(devnet.folder, 'hasty.yml')
  const configuration = JSON.parse(await readFile(configOf(hasty), 'utf8')) as object
  await writeFile(config, JSON.stringify({ ...configuration, 'swarm.unlockDays': 0 }))
  const [early, nobody, stranger] = await Promise.all([
    starling('stake', 'exit', '--config', config, ...sending(hasty)),
    askForExitOf(join(devnet.folder, 'nobody')),
    answerToStranger(),
  ])
  const refused = (reason: string) => ({
    code: 'SIGNATURES_INSUFFICIENT',
    details: { signed: 0, members: NODES, [reason]: NODES },
  })
  expect(early).toMatchObject({ code: 75, json: { error: refused('too-early') } })
  expect(nobody).toMatchObject(refused('not-a-member'))
  expect(stranger).toBeUndefined()
  expect(await members()).toHaveLength(NODES)
})

test('with a third silent or false, it leaves by the signatures of the others', async () => {
  await silenceAThird()
  const [before] = [await members()]
  const run = await stake(node, 'exit', ...sending(node))
  expect(run).toMatchObject({
    code: 0,
    json: {
      outcome: 'exited',
      plan: {
        signatures: {
          ...{ signed: NODES - NON_SIGNERS, members: NODES },
          refusals: { silent: NON_SIGNERS - 1, 'false-signature': 1 },
        },
      },
    },
  })
  expect(falseSigner?.asked).toEqual(['exit'])
  const { logs, call } = await minedBy(run)
  expect(call).toMatchObject({ functionName: 'exitBLSPublicKeyWithSignature' })
  expect(call.args?.[3]).toEqual(idsOf(nonSigners, before))
  expect(parseEventLogs({ abi: serviceNodeRewardsAbi, logs })).toMatchObject([
    { eventName: 'ServiceNodeExit', args: { serviceNodeID: idsOf([node.key], before)[0], returnedAmount: STAKE } },
  ])
  expect((await members()).map(({ key }) => key)).toEqual(
    before.map(({ key }) => key).filter((key) => key !== node.key),
  )
  // The exit by itself pays nothing.
  expect(await tokensOf(walletOf(node))).toBe(0n)
})

test('its stake and what it has earned are signed by the same two thirds, and paid to the digit', async () => {
  await untilGone()
  await devnet.chain.travelTo(periodEndS + 1)
  const owed = STAKE + earnedAtomic
  const recipient = walletOf(node)
  // All of them have to sign.
  const signers = devnet.nodes.filter(({ key }) => !nonSigners.includes(key))
  const counts = (each: DevnetNode) =>
    eventually(`node ${each.index} has counted the stake as returned`, async () => {
      const { total } = await adminOf(each).rewards(recipient, AbortSignal.timeout(10_000))
      return total === owed.toString() || undefined
    })
  await Promise.all(signers.map(counts))
  expect(await stake(node, 'rewards', '--operator', recipient)).toMatchObject({
    code: 0,
    json: { claimableAtomic: owed.toString(), claimableNowAtomic: '0', recordedAtomic: '0' },
  })

  const run = await stake(node, 'claim', ...sending(node))
  expect(run).toMatchObject({ code: 0, json: { outcome: 'claimed', plan: { amountAtomic: owed.toString() } } })
  const update = await minedBy(run, 0)
  expect(update.call).toMatchObject({ functionName: 'updateRewardsBalance' })
  expect(update.call.args?.[3]).toEqual(idsOf(nonSigners, await members()))
  const claimed = await minedBy(run, 1)
  expect(parseEventLogs({ abi: serviceNodeRewardsAbi, logs: [...update.logs, ...claimed.logs] })).toMatchObject([
    { eventName: 'RewardsBalanceUpdated', args: { recipientAddress: recipient, amount: owed, previousBalance: 0n } },
    { eventName: 'RewardsClaimed', args: { recipientAddress: recipient, amount: owed } },
  ])
  expect(await tokensOf(recipient)).toBe(owed)
  const rewards = { address: devnet.chain.deployment.rewards, abi: serviceNodeRewardsAbi } as const
  expect(await client.readContract({ ...rewards, functionName: 'recipients', args: [recipient] })).toEqual([owed, owed])

  const [again, status] = await Promise.all([stake(node, 'claim', ...sending(node)), stake(node, 'status')])
  expect(again).toMatchObject({ code: 0, json: { outcome: 'nothing-to-claim', sent: false } })
  expect(status).toMatchObject({ code: 6, json: { state: 'gone', nextCommand: 'starling stake unstake' } })
})

interface Run {
  readonly code: number | null
  readonly stderr: string
  readonly json: Readonly<Record<string, unknown>>
}

async function starling(...words: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await runStarling([...words, '--json'])
  return { code, stderr, json: JSON.parse(stdout) as Run['json'] }
}

/** `starling stake …` as the operator of a node runs it, with the node's own configuration. */
function stake(of: DevnetNode, command: string, ...flags: readonly string[]): Promise<Run> {
  return starling('stake', command, '--config', configOf(of), ...flags)
}

const sending = (of: DevnetNode) => ['--operator-key-file', keyFileOf(of), '--send', '--yes']
const configOf = ({ folder }: DevnetNode) => join(folder, 'starling.yml')
const keyFileOf = ({ folder }: DevnetNode) => join(folder, 'operator.key')
const members = () => membersOnChain(devnet.chain)

function walletOf({ index }: DevnetNode): Hex {
  return devnet.chain.anvil.accounts[index]?.address ?? '0x'
}

function nodeAt(index: number): DevnetNode {
  const found = devnet.nodes[index]
  if (found === undefined) throw new Error(`There is no node ${index}`)
  return found
}

function idsOf(keys: readonly ServiceNodeKey[], listed: Awaited<ReturnType<typeof members>>): readonly bigint[] {
  return listed.filter(({ key }) => keys.includes(key)).map(({ id }) => id)
}

function tokensOf(address: Hex): Promise<bigint> {
  const token = { address: devnet.chain.deployment.token, abi: stakingTokenAbi } as const
  return client.readContract({ ...token, functionName: 'balanceOf', args: [address] })
}

/** A transaction that a command sent, as the chain has it. */
async function minedBy({ json }: Run, at = 0) {
  const hash = (json['transactions'] as { hash: Hex }[])[at]?.hash ?? '0x'
  const [{ input }, { logs }] = await Promise.all([
    client.getTransaction({ hash }),
    client.getTransactionReceipt({ hash }),
  ])
  return { logs, call: decodeFunctionData({ abi: serviceNodeRewardsAbi, data: input }) }
}

/** Has the pool pay what it owes, as anybody may. */
async function releaseRewards(): Promise<bigint> {
  const pool = { address: devnet.chain.deployment.pool, abi: rewardRatePoolAbi } as const
  const hash = await client.writeContract({ ...pool, functionName: 'payoutReleased', gas: 300_000n })
  const { logs } = await client.waitForTransactionReceipt({ hash })
  const [released] = parseEventLogs({ abi: rewardRatePoolAbi, logs, eventName: 'FundsReleased' })
  return released?.args.amount ?? 0n
}

/** To the beginning of a period of rewards, near enough to now for members to sign, and until all of them have seen it. */
async function travelToPresent(): Promise<void> {
  const startS = Math.floor((Date.now() - BEHIND_MS) / SECOND / PERIOD_S) * PERIOD_S
  periodEndS = startS + PERIOD_S
  await devnet.chain.travelTo(startS + 1)
  await Promise.all([...devnet.nodes, node].map((one) => untilEpoch(one, startS / EPOCH_S)))
}

function untilEpoch(of: DevnetNode, index: number): Promise<true> {
  return eventually(`node ${of.index} has reached the epoch`, async () => {
    const epoch = (await readMetrics(of)).sum('starling_staking_epoch_index')
    return epoch >= index || undefined
  })
}

/** What the members say who are asked by an operator's own node, without the checks of the command. */
async function askForExitOf(keysFolder: string): Promise<unknown> {
  const { bls } = await readKeyFiles(keysFolder)
  const subject = { kind: 'exit', blsPublicKey: bls.publicKey } as const
  return await adminOf(node)
    .collect(subject, AbortSignal.timeout(60_000))
    .catch((error: unknown) => error)
}

const adminOf = ({ folder }: DevnetNode) => createAdminClient({ socketPath: adminSocketPath(join(folder, 'data')) })

/** Of a member, to somebody without a stake who asks it to sign. */
async function answerToStranger(): Promise<unknown> {
  const { ed25519 } = await readKeyFiles(join(devnet.folder, 'nobody'))
  const [member] = await members()
  const request = { kind: 'exit', bls: member?.bls ?? '', timestampS: Math.floor(Date.now() / MINUTE) * 60 } as const
  await using stranger = await Stranger.create(ed25519, networkOf(devnet.chain))
  return await stranger.ask(nodeAt(0).multiaddr, 'sign', encodeSignatureRequest(request))
}

/** Two nodes are killed, two stand still, and one more makes way for a liar with its stake. */
async function silenceAThird(): Promise<void> {
  const [liar, ...silent] = devnet.nodes.slice(-NON_SIGNERS) as [DevnetNode, ...DevnetNode[]]
  nonSigners.push(...[liar, ...silent].map(({ key }) => key))
  for (const one of silent.slice(0, 2)) await one.runner.stop('SIGKILL')
  for (const one of silent.slice(2)) {
    process.kill(one.runner.pid ?? 0, 'SIGSTOP')
    stopped.push(one)
  }
  await liar.runner.stop('SIGKILL')
  falseSigner = await FalseSigner.start({
    ...{ keys: await readKeyFiles(join(liar.folder, 'keys')), members: await members() },
    ...{ chainId: devnet.chain.anvil.chainId, contract: devnet.chain.deployment.rewards },
    ...{ ip: liar.ip, peerPort: Number(liar.multiaddr.split('/')[4]), httpsPort: liar.httpsPort },
    bootstrap: [nodeAt(0).multiaddr, node.multiaddr],
  })
  await eventually('the liar has met the node', () => falseSigner?.connected().includes(node.key) || undefined)
}

/** The others do not list it any more, and it says so itself. */
async function untilGone(): Promise<void> {
  await eventually('nobody lists the node', async () => {
    const listed = await listFrom(nodeAt(0))
    return listed.every(({ key }) => key !== node.key) || undefined
  })
  await eventually('the node serves no more', async () => {
    const { reasons } = await readReadiness(node)
    return reasons.some(({ reason }) => reason.includes('has left')) || undefined
  })
  expect((await callNode(node, 'info', {})).status).toBe(503)
}
