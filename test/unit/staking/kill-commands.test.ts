import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import { type CommandWorld, type Operator, type Run, starlingHere, startStarling } from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { createSignedWorld, type SigningNode } from './signing-node.ts'
import { STAKE } from './staked-chain.ts'

// kill -9 between each two steps of what moves money, then the same command again: exactly one effect each. The command runs in a
// process of its own behind a provider that goes silent at the step; that is when it is killed.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const SEND = 'eth_sendRawTransaction'
const RECEIPT = 'eth_getTransactionReceipt'
const FIFTEEN_DAYS_S = (15 * DAY) / SECOND

/** Where a command with two transactions can be cut off; one with one has the first three. */
interface Cut {
  readonly title: string
  readonly method: string
  readonly nth: number
  readonly when: 'before' | 'after'
}
const FIRST: readonly Cut[] = [
  { title: 'signed and in the journal, not sent', method: SEND, nth: 1, when: 'before' },
  { title: 'sent, with no answer', method: SEND, nth: 1, when: 'after' },
  { title: 'mined, with no receipt seen', method: RECEIPT, nth: 1, when: 'before' },
]
const SECOND_CUTS: readonly Cut[] = [
  { title: 'the second signed, not sent', method: SEND, nth: 2, when: 'before' },
  { title: 'the second sent, with no answer', method: SEND, nth: 2, when: 'after' },
]

let signed: Awaited<ReturnType<typeof createSignedWorld>>
let world: CommandWorld
let node: SigningNode
beforeAll(async () => {
  signed = await createSignedWorld()
  world = signed.world
  node = signed.node
})
afterAll(() => signed[Symbol.asyncDispose]())

interface Staked {
  readonly keysFolder: string
  readonly operator: Operator
}

function words(name: string, { keysFolder, operator }: Staked, rpcUrl?: string): readonly string[] {
  return [
    ...['stake', name, '--keys-folder', keysFolder, '--data-folder', node.dataFolder, ...world.target(rpcUrl)],
    ...['--operator-key-file', operator.keyFile, '--send', '--yes'],
  ]
}

const again = (name: string, stake: Staked): Promise<Run> => starlingHere(...words(name, stake))

async function killedAt({ method, nth, when }: Cut, name: string, stake: Staked): Promise<void> {
  await using provider = await startRpcProxy(world.chain.anvil.rpcUrl)
  const stopped = new Promise<void>((resolve) => {
    provider.behaviour = { kind: 'stopping', method, nth, when, stopped: resolve }
  })
  const child = startStarling(...words(name, stake, provider.url))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await Promise.race([stopped, ended])
  expect(child.exitCode).toBe(null)
  child.kill('SIGKILL')
  await ended
}

async function aStake(): Promise<Staked> {
  return { keysFolder: await world.newNode(), operator: await world.newOperator() }
}

async function registered(): Promise<Staked> {
  const stake = await aStake()
  expect(await again('register', stake)).toMatchObject({ exitCode: 0 })
  node.signers.push(await world.nodeOf(stake.keysFolder))
  return stake
}

/** How often an account has used the contract: each transaction that did something emits one event of its kind. */
async function eventsOf(
  eventName: 'NewServiceNodeV2' | 'ServiceNodeExitRequest' | 'ServiceNodeExit' | 'RewardsClaimed',
) {
  return await world.chain.client.getContractEvents({
    address: world.chain.staking.rewards,
    abi: serviceNodeRewardsAbi,
    eventName,
    fromBlock: 0n,
  })
}

async function addedEvents(eventName: Parameters<typeof eventsOf>[0], work: () => Promise<void>): Promise<number> {
  const before = (await eventsOf(eventName)).length
  await work()
  return (await eventsOf(eventName)).length - before
}

test.for([...FIRST, ...SECOND_CUTS])('register, killed when $title', async (cut) => {
  const stake = await aStake()
  const added = await addedEvents('NewServiceNodeV2', async () => {
    await killedAt(cut, 'register', stake)
    expect(await again('register', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'registered' } })
    expect(await again('register', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'already-registered' } })
  })
  expect(added).toBe(1)
  expect(await world.tokensOf(stake.operator.address)).toBe(0n)
  // The approval and the registration, no more.
  expect(await world.transactionsOf(stake.operator.address)).toBe(2)
  node.signers.push(await world.nodeOf(stake.keysFolder))
})

test.for(FIRST)('request-exit and exit, killed when $title', async (cut) => {
  const stake = await registered()
  const requests = await addedEvents('ServiceNodeExitRequest', async () => {
    await killedAt(cut, 'request-exit', stake)
    expect(await again('request-exit', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'exit-requested' } })
  })
  expect(requests).toBe(1)
  await world.passTime(FIFTEEN_DAYS_S)
  const exits = await addedEvents('ServiceNodeExit', async () => {
    await killedAt(cut, 'exit', stake)
    expect(await again('exit', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'exited' } })
  })
  expect(exits).toBe(1)
  expect(await world.transactionsOf(stake.operator.address)).toBe(4)
})

test.for([...FIRST, ...SECOND_CUTS])('claim, killed when $title', async (cut) => {
  const stake = { keysFolder: await world.newFolder(), operator: await world.newOperator({ tokens: 0n }) }
  node.totals.set(stake.operator.address.toLowerCase(), 1_000_000n)
  const claims = await addedEvents('RewardsClaimed', async () => {
    await killedAt(cut, 'claim', stake)
    expect(await again('claim', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'claimed' } })
    expect(await again('claim', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'nothing-to-claim' } })
  })
  expect(claims).toBe(1)
  expect(await world.tokensOf(stake.operator.address)).toBe(1_000_000n)
  expect(await world.transactionsOf(stake.operator.address)).toBe(2)
})

test('unstake, killed in each of its steps, gives the stake back once', async () => {
  const stake = await registered()
  const [inJournal, sent, mined] = FIRST
  if (inJournal === undefined || sent === undefined || mined === undefined) throw new Error('There are three cuts')
  await killedAt(sent, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 75, json: { outcome: 'waiting' } })
  await world.passTime(FIFTEEN_DAYS_S)
  await killedAt(inJournal, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 75, json: { outcome: 'waiting' } })
  node.totals.set(stake.operator.address.toLowerCase(), STAKE)
  node.ledgerBlock = await world.chain.client.getBlockNumber()
  await killedAt(mined, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'claimed' } })
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'done' } })
  expect(await world.tokensOf(stake.operator.address)).toBe(STAKE)
})
