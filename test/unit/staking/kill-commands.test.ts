import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import {
  type CommandWorld,
  isKilledAtEffect,
  type Operator,
  type Run,
  starlingHere,
  startStarling,
} from './command-world.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { createSignedWorld, type SigningNode } from './signing-node.ts'
import { STAKE } from './staked-chain.ts'

// kill -9 between each two steps of what moves money, then the same command again: exactly one effect each. The command runs in a
// process of its own. It kills itself before each of its effects in turn, or its provider goes silent while a transaction is under
// way, and that is when it is killed.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const SEND = 'eth_sendRawTransaction'
const RECEIPT = 'eth_getTransactionReceipt'
const FIFTEEN_DAYS_S = (15 * DAY) / SECOND

/** Where a provider cuts a command with two transactions off; one with one has the first. */
interface Cut {
  readonly title: string
  readonly method: string
  readonly nth: number
  readonly when: 'before' | 'after'
}
const NO_ANSWER: Cut = { title: 'sent, with no answer', method: SEND, nth: 1, when: 'after' }
const NO_SECOND_ANSWER: Cut = { title: 'the second sent, with no answer', method: SEND, nth: 2, when: 'after' }
const IN_JOURNAL: Cut = { title: 'signed and in the journal, not sent', method: SEND, nth: 1, when: 'before' }
const SECOND_IN_JOURNAL: Cut = { title: 'the second signed, not sent', method: SEND, nth: 2, when: 'before' }
const NO_RECEIPT: Cut = { title: 'mined, with no receipt seen', method: RECEIPT, nth: 1, when: 'before' }

/** Commands that are killed at the same time, each of an account of its own. */
const AT_ONCE = 3
/** Each exit changes the members whose signature the others have. */
const ONE_BY_ONE = 1

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

/**
 * Has the command killed before its first effect, its second, and so on, until one ends by itself: then each place was reached.
 * @returns how many places there are
 */
async function killedEverywhere<T extends Staked>(
  name: string,
  make: () => Promise<T>,
  check: (stake: T) => Promise<void>,
  atOnce = AT_ONCE,
): Promise<number> {
  for (let first = 1; ; first += atOnce) {
    const stakes: T[] = []
    for (let index = 0; index < atOnce; index++) stakes.push(await make())
    const killed = await Promise.all(stakes.map((stake, index) => isKilledAtEffect(first + index, words(name, stake))))
    for (const stake of stakes) await check(stake)
    const ended = killed.indexOf(false)
    if (ended >= 0) return first + ended - 1
  }
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

/** Runs it once or twice more: what was told and noted down as told is not told again. */
async function finished(name: string, stake: Staked, outcomes: readonly string[]): Promise<void> {
  const run = await again(name, stake)
  expect(run).toMatchObject({ exitCode: 0 })
  expect(outcomes).toContain(run.json['outcome'])
}

async function registeredOnce(stake: Staked): Promise<void> {
  await finished('register', stake, ['registered', 'already-registered'])
  expect(await again('register', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'already-registered' } })
  expect(await world.tokensOf(stake.operator.address)).toBe(0n)
  // The approval and the registration, no more.
  expect(await world.transactionsOf(stake.operator.address)).toBe(2)
  node.signers.push(await world.nodeOf(stake.keysFolder))
}

// In one test: who has registered leaves, so that no stake is made twice.
test('register, request-exit and exit, killed before each of their effects', { timeout: 480_000 }, async () => {
  const joined = await joinedWhenKilled()
  const leaving = await leavingWhenKilled(joined)
  await world.passTime(FIFTEEN_DAYS_S)
  await leftWhenKilled(leaving)
})

async function joinedWhenKilled(): Promise<Staked[]> {
  const joined: Staked[] = []
  const added = await addedEvents('NewServiceNodeV2', async () => {
    const check = async (stake: Staked) => {
      await registeredOnce(stake)
      joined.push(stake)
    }
    // The lock, each state of the journal, both transactions, what is printed, and what is noted afterwards.
    expect(await killedEverywhere('register', aStake, check)).toBeGreaterThan(12)
  })
  expect(added).toBe(joined.length)
  return joined
}

async function leavingWhenKilled(joined: Staked[]): Promise<Staked[]> {
  const leaving: Staked[] = []
  const requests = await addedEvents('ServiceNodeExitRequest', async () => {
    const next = async () => joined.pop() ?? (await registered())
    const check = async (stake: Staked) => {
      await finished('request-exit', stake, ['exit-requested', 'already-leaving'])
      leaving.push(stake)
    }
    expect(await killedEverywhere('request-exit', next, check)).toBeGreaterThan(6)
  })
  expect(requests).toBe(leaving.length)
  return leaving
}

async function leftWhenKilled(leaving: Staked[]): Promise<void> {
  const left: Staked[] = []
  const exits = await addedEvents('ServiceNodeExit', async () => {
    const next = async () => leaving.pop() ?? (await anotherLeaving())
    const check = async (stake: Staked) => {
      const run = await again('exit', stake)
      // Told and noted down: then nothing is left that could exit.
      expect(run.json).toMatchObject(run.exitCode === 0 ? { outcome: 'exited' } : { error: { code: 'STAKE_MISSING' } })
      expect(await world.transactionsOf(stake.operator.address)).toBe(4)
      left.push(stake)
    }
    expect(await killedEverywhere('exit', next, check, ONE_BY_ONE)).toBeGreaterThan(6)
  })
  expect(exits).toBe(left.length)
}

/** An exit has an effect or two more than a request: what the request left open is noted as final. */
async function anotherLeaving(): Promise<Staked> {
  const stake = await registered()
  await finished('request-exit', stake, ['exit-requested'])
  await world.passTime(FIFTEEN_DAYS_S)
  return stake
}

async function aClaim(): Promise<Staked> {
  const stake = { keysFolder: await world.newFolder(), operator: await world.newOperator({ tokens: 0n }) }
  node.totals.set(stake.operator.address.toLowerCase(), 1_000_000n)
  return stake
}

async function claimedOnce(stake: Staked): Promise<void> {
  await finished('claim', stake, ['claimed', 'nothing-to-claim'])
  expect(await again('claim', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'nothing-to-claim' } })
  expect(await world.tokensOf(stake.operator.address)).toBe(1_000_000n)
  expect(await world.transactionsOf(stake.operator.address)).toBe(2)
}

test.for([IN_JOURNAL, NO_ANSWER, NO_RECEIPT, SECOND_IN_JOURNAL, NO_SECOND_ANSWER])(
  'claim, killed when $title',
  async (cut) => {
    const stake = await aClaim()
    await killedAt(cut, 'claim', stake)
    await claimedOnce(stake)
  },
)

test('unstake, killed in each of its steps, gives the stake back once', async () => {
  const stake = await registered()
  await killedAt(NO_ANSWER, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 75, json: { outcome: 'waiting' } })
  await world.passTime(FIFTEEN_DAYS_S)
  await killedAt(IN_JOURNAL, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 75, json: { outcome: 'waiting' } })
  node.totals.set(stake.operator.address.toLowerCase(), STAKE)
  node.ledgerBlock = await world.chain.client.getBlockNumber()
  await killedAt(NO_RECEIPT, 'unstake', stake)
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'claimed' } })
  expect(await again('unstake', stake)).toMatchObject({ exitCode: 0, json: { outcome: 'done' } })
  expect(await world.tokensOf(stake.operator.address)).toBe(STAKE)
})
