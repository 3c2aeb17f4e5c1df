import { bn254 } from '@noble/curves/bn254.js'
import fc from 'fast-check'
import { concatHex, encodeFunctionData, type Hex, parseEventLogs } from 'viem'
import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import {
  BlsMessage,
  type BlsSignatureParameter,
  blsPublicKeyParameter,
  blsSign,
  blsSignatureParameter,
  importBlsSecretKey,
} from '../../src/crypto/bls.ts'
import { exitMessage, liquidateMessage, rewardMessage } from '../../src/crypto/bls-messages.ts'
import { deployPool, NOBODY, type PooledStake } from './pooled-stake.ts'
import { depositOf, type ModelMember, paidTo, StakingModel, sum } from './staking-model.ts'
import {
  accountAt,
  aggregateKeyOf,
  aKeySet,
  contributor,
  createStakingNetwork,
  DAY_S,
  HOUR_S,
  integerOf,
  type Keys,
  mined,
  nowS,
  registrationOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

// Random sequences of everything that operators, contributors, members and the owner can do. After each call the chain must agree with
// the model on whether it succeeded, and no token, key or id may be anywhere but where the model has it.

const FOUNDERS = 4
const MAX_CONTRIBUTORS = 4
const CYCLE_S = 12 * HOUR_S
const FOUNDED_S = 1_700_000_000
const SEQUENCES = 8
const SEQUENCE_LENGTH_MAX = 40
/** Enough for any of the calls, so that none is estimated first: whether it succeeds is what is asked. */
const GAS = 6_000_000n

let network: StakingNetwork
let founders: Keys[]
let actors: ChainClient[]
let start: Hex
let startS: number

beforeAll(async () => {
  founders = Array.from({ length: FOUNDERS }, aKeySet)
  const mnemonic = generateMnemonic(english)
  const seedMembers = founders.map(({ publicKey, ed25519 }, index) => ({
    blsPubkey: blsPublicKeyParameter(publicKey),
    ed25519Pubkey: integerOf(ed25519),
    addedTimestampS: BigInt(FOUNDED_S),
    operator: mnemonicToAccount(mnemonic, { addressIndex: index + 1 }).address,
  }))
  const options = { startsEmpty: false, maxContributors: MAX_CONTRIBUTORS, seedMembers }
  network = await createStakingNetwork(options, { mnemonic })
  actors = founders.map((_, index) => createChainClient(network.anvil, accountAt(network, index + 1).privateKey))
  const { owner, tokenContract, rewards } = network
  for (const actor of actors) {
    const give = { ...tokenContract, functionName: 'transfer', args: [actor.account.address, 30n * STAKE] } as const
    await mined(owner, owner.writeContract(give))
    const approve = { ...tokenContract, functionName: 'approve', args: [rewards, 2n ** 255n] } as const
    await mined(actor, actor.writeContract(approve))
  }
  await network.fundPool(1000n * STAKE)
  startS = (await nowS(network)) + HOUR_S
  start = await owner.snapshot()
}, 120_000)
afterAll(() => network[Symbol.asyncDispose]())

interface World {
  readonly model: StakingModel
  /** Contracts of pooled stakes there have been; their balances are watched to the end. */
  readonly pools: PooledStake[]
}

async function fresh(): Promise<World> {
  await network.owner.revert({ id: start })
  start = await network.owner.snapshot()
  const model = new StakingModel({
    requirement: STAKE,
    thresholdMax: 4000,
    claimThreshold: 1_000_000_000_000_000n,
    ratios: { liquidator: 3n, pool: 17n, recipient: 9980n },
  })
  model.nowS = startS
  for (const [index, keys] of founders.entries()) {
    model.add(keys, [{ owner: actorAt(index).account.address, amount: STAKE }], FOUNDED_S)
  }
  const { owner, rewards, pool } = network
  for (const address of [owner.account.address, rewards, pool, ...actors.map(({ account }) => account.address)]) {
    model.balances.set(address, await tokensOf(address))
  }
  return { model, pools: [] }
}

const tokensOf = (address: Hex) =>
  network.owner.readContract({ ...network.tokenContract, functionName: 'balanceOf', args: [address] })

// ---------------------------------------------------------------------------------------------------------------- actions

/** Numbers from which an action chooses who, which and how much. */
interface Choice {
  readonly a: number
  readonly b: number
  readonly c: number
}

type Action = (world: World, choice: Choice) => Promise<void>

/** Sends a call in a block with the model's time, and says whether it succeeded. */
async function attempt(world: World, client: ChainClient, to: Hex, data: Hex) {
  world.model.nowS += 1
  await network.owner.setNextBlockTimestamp({ timestamp: BigInt(world.model.nowS) })
  const hash = await client.sendTransaction({ to, data, gas: GAS })
  return await client.waitForTransactionReceipt({ hash })
}

/** Sends a call of which the model knows whether it succeeds. True when it did. */
async function expectOutcome(world: World, client: ChainClient, to: Hex, data: Hex, may: () => boolean) {
  const receipt = await attempt(world, client, to, data)
  expect(receipt.status).toBe(may() ? 'success' : 'reverted')
  return receipt.status === 'success'
}

const rewardsData = encodeFunctionData<StakingNetwork['rewardsContract']['abi']>
const callData = (call: Omit<Parameters<typeof rewardsData>[0], 'abi'>) =>
  rewardsData({ ...call, abi: network.rewardsContract.abi } as Parameters<typeof rewardsData>[0])

function pick<Item>(items: readonly Item[], choice: number): Item | undefined {
  return items[choice % items.length]
}

function actorAt(choice: number): ChainClient {
  const actor = pick(actors, choice)
  if (actor === undefined) throw new Error('There are actors')
  return actor
}

/** The members' signature, all but the last few: the sum of signatures is the signature of the sum. */
function signedByAllBut(model: StakingModel, nonSigners: number, message: Uint8Array) {
  const members = [...model.members.values()]
  const signers = members.slice(0, members.length - nonSigners)
  const scalar = sum(signers.map(({ keys }) => integerOf(keys.secretKey))) % bn254.fields.Fr.ORDER
  const key = importBlsSecretKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'))
  const hashed = new BlsMessage(message, network.tags.hashToG2)
  const signature: BlsSignatureParameter =
    key === undefined ? { sigs0: 0n, sigs1: 0n, sigs2: 0n, sigs3: 0n } : blsSignatureParameter(blsSign(key, hashed))
  return { signature, ids: members.slice(members.length - nonSigners).map(({ id }) => id) }
}

const register: Action = async (world, { a, b, c }) => {
  const { model } = world
  const [actor, partner] = [actorAt(a).account.address, actorAt(b).account.address]
  // Now and then the keys of a node that has left, or of one that is there.
  const known = [...model.goneKeys, ...[...model.members.values()].map(({ keys }) => keys)]
  const keys = (c % 4 === 0 ? pick(known, b) : undefined) ?? aKeySet()
  const part = (model.parameters.requirement * BigInt(c % 90)) / 100n
  const parts =
    c % 2 === 0
      ? [{ owner: actor, amount: STAKE }]
      : [
          { owner: actor, amount: model.parameters.requirement - part },
          { owner: partner, amount: part },
        ]
  const contributors = parts.map(({ owner, amount }) => contributor(owner, amount))
  const args = registrationOf(network, keys, actor, contributors)
  const data = callData({ functionName: 'addBLSPublicKey', args })
  const isWhole = sum(parts.map(({ amount }) => amount)) === model.parameters.requirement
  const isOperators = (parts[0]?.amount ?? 0n) * 4n >= model.parameters.requirement
  const may = () =>
    model.keysAreFree(keys) && isWhole && isOperators && model.balance(actor) >= model.parameters.requirement
  if (!(await expectOutcome(world, actorAt(a), network.rewards, data, may))) return
  model.move(actor, network.rewards, model.parameters.requirement)
  model.add(keys, parts)
}

const openPool: Action = async (world, { a, b }) => {
  const { model, pools } = world
  if (model.pool !== undefined && !model.pool.finalized && model.pool.paid.length > 0) return
  const operator = actorAt(a)
  const keys = (b % 3 === 0 ? pick(model.goneKeys, b) : undefined) ?? aKeySet()
  await network.owner.setNextBlockTimestamp({ timestamp: BigInt(++model.nowS) })
  const made = await deployPool(network, { keys }, operator)
  pools.push(made)
  for (const actor of actors) {
    const approve = { functionName: 'approve', args: [made.address, 2n ** 255n] } as const
    const data = encodeFunctionData({ abi: network.tokenContract.abi, ...approve })
    await attempt(world, actor, network.token, data)
  }
  model.pool = {
    ...{ address: made.address, keys, operator: operator.account.address, paid: [], finalized: false },
    requirement: model.parameters.requirement,
  }
}

const poolData = (world: World, functionName: 'contributeFunds' | 'withdrawContribution' | 'reset', amount = 0n) => {
  const abi = world.pools.at(-1)?.contract.abi ?? []
  return functionName === 'contributeFunds'
    ? encodeFunctionData({ abi, functionName, args: [amount, NOBODY] } as never)
    : encodeFunctionData({ abi, functionName } as never)
}

const contribute: Action = async (world, { a, b, c }) => {
  const { model } = world
  const { pool } = model
  if (pool === undefined) return
  // The operator often, or little would ever be opened.
  const client = pool.paid.length === 0 && a % 4 !== 0 ? clientOf(pool.operator) : actorAt(a)
  const caller = client.account.address
  const missing = pool.requirement - paidTo(pool)
  const least = missing / BigInt(Math.max(1, MAX_CONTRIBUTORS - pool.paid.length))
  const amount = [missing, (missing * BigInt(c % 101)) / 100n, least + BigInt(c % 2), missing + 1n][b % 4] ?? 0n
  const fills = amount === missing
  const may = () =>
    model.mayContribute(pool, caller, amount, MAX_CONTRIBUTORS) &&
    model.balance(caller) >= amount &&
    !(fills && !model.keysAreFree(pool.keys))
  if (!(await expectOutcome(world, client, pool.address, poolData(world, 'contributeFunds', amount), may))) return
  const earlier = pool.paid.find(({ owner }) => owner === caller)
  if (earlier === undefined) pool.paid.push({ owner: caller, amount, atS: model.nowS })
  else Object.assign(earlier, { amount: earlier.amount + amount, atS: model.nowS })
  model.move(caller, pool.address, amount)
  if (!fills) return
  pool.finalized = true
  model.move(pool.address, network.rewards, pool.requirement)
  model.add(
    pool.keys,
    pool.paid.map(({ owner, amount: part }) => ({ owner, amount: part })),
  )
}

function clientOf(address: Hex): ChainClient {
  return actors.find(({ account }) => account.address === address) ?? actorAt(0)
}

const withdraw: Action = async (world, { a, c }) => {
  const { model } = world
  if (c % 2 === 0) model.nowS += DAY_S
  const { pool } = model
  if (pool === undefined) return
  // Mostly one who has paid.
  const client = c % 5 === 0 ? actorAt(a) : clientOf(pick(pool.paid, a)?.owner ?? NOBODY)
  const caller = client.account.address
  const own = pool.paid.find(({ owner }) => owner === caller)
  const isOperator = caller === pool.operator
  const may = () => !pool.finalized && own !== undefined && (isOperator || model.nowS >= own.atS + DAY_S)
  if (!(await expectOutcome(world, client, pool.address, poolData(world, 'withdrawContribution'), may))) return
  giveBack(model, (owner) => isOperator || owner === caller)
}

const reset: Action = async (world, { a }) => {
  const { model } = world
  const { pool } = model
  if (pool === undefined) return
  const may = () => actorAt(a).account.address === pool.operator
  if (!(await expectOutcome(world, actorAt(a), pool.address, poolData(world, 'reset'), may))) return
  if (!pool.finalized) giveBack(model, () => true)
  Object.assign(pool, { paid: [], finalized: false })
}

function giveBack(model: StakingModel, whose: (owner: Hex) => boolean): void {
  const { pool } = model
  if (pool === undefined) return
  for (const { owner, amount } of pool.paid.filter((part) => whose(part.owner))) model.move(pool.address, owner, amount)
  pool.paid = pool.paid.filter(({ owner }) => !whose(owner))
}

const askToLeave: Action = async (world, { a, b }) => {
  const { model } = world
  const member = pick([...model.members.values()], b)
  if (member === undefined) return
  const data = callData({ functionName: 'initiateExitBLSPublicKey', args: [member.id] })
  // Mostly one of those who may.
  const owner = pick(member.parts, b)?.owner
  const client = a % 5 === 0 ? actorAt(a) : clientOf(owner ?? NOBODY)
  const may = () => model.mayAskToLeave(member, client.account.address)
  if (!(await expectOutcome(world, client, network.rewards, data, may))) return
  if (member.leaveRequestS === 0) member.leaveRequestS = model.nowS
  member.latestLeaveRequestS = model.nowS
}

const exitUnsigned: Action = async (world, { a, b, c }) => {
  const { model } = world
  if (c % 2 === 0) model.nowS += 30 * DAY_S
  const leaving = [...model.members.values()].filter(({ leaveRequestS }) => leaveRequestS !== 0)
  const member = pick(leaving.length > 0 ? leaving : [...model.members.values()], b)
  if (member === undefined) return
  const data = callData({ functionName: 'exitBLSPublicKeyAfterWaitTime', args: [member.id] })
  const may = () => model.mayExitUnsigned(member)
  if (await expectOutcome(world, actorAt(a), network.rewards, data, may)) model.remove(member)
}

function removal(
  world: World,
  { b, c }: Choice,
  isExit: boolean,
): { member: ModelMember; missing: number; data: Hex } | undefined {
  const { model } = world
  const member = pick([...model.members.values()], b)
  if (member === undefined) return undefined
  // Sometimes one non-signer too many.
  const missing = Math.min(c % (model.threshold() + 2), model.members.size)
  const timestampS = model.nowS
  const message = (isExit ? exitMessage : liquidateMessage)(network.tags, member.keys.publicKey, timestampS)
  const { signature, ids } = signedByAllBut(model, missing, message)
  const args = [blsPublicKeyParameter(member.keys.publicKey), BigInt(timestampS), signature, ids] as const
  const functionName = isExit ? 'exitBLSPublicKeyWithSignature' : 'liquidateBLSPublicKeyWithSignature'
  return { member, missing, data: callData({ functionName, args }) }
}

const exitSigned: Action = async (world, choice) => {
  const { model } = world
  const call = removal(world, choice, true)
  if (call === undefined) return
  const may = () => model.mayExitSigned(call.member, call.missing)
  if (await expectOutcome(world, actorAt(choice.a), network.rewards, call.data, may)) model.remove(call.member)
}

const liquidate: Action = async (world, choice) => {
  const { model } = world
  const call = removal(world, choice, false)
  if (call === undefined) return
  const may = () => model.mayExitSigned(call.member, call.missing)
  if (!(await expectOutcome(world, actorAt(choice.a), network.rewards, call.data, may))) return
  const costs = model.liquidationOf(call.member)
  model.move(network.rewards, actorAt(choice.a).account.address, costs.caller)
  model.move(network.rewards, network.pool, costs.pool)
  model.remove(call.member, costs.caller + costs.pool)
}

/** The members sign what is owed for stakes, and a part of what the pool has released. */
const updateBalance: Action = async (world, { a, b, c }) => {
  const { model } = world
  const recipient = actorAt(b).account.address
  const reward = (model.released * BigInt(c % 50)) / 100n
  const { total, claimed } = model.recipient(recipient)
  const grown = total + reward + (model.owed.get(recipient) ?? 0n)
  const missing = Math.min(c % (model.threshold() + 2), model.members.size)
  const { signature, ids } = signedByAllBut(model, missing, rewardMessage(network.tags, recipient, grown))
  const data = callData({ functionName: 'updateRewardsBalance', args: [recipient, grown, signature, ids] })
  const may = () => grown > total && missing <= model.threshold() && model.members.size > 0
  if (!(await expectOutcome(world, actorAt(a), network.rewards, data, may))) return
  model.recipients.set(recipient, { total: grown, claimed })
  model.owed.delete(recipient)
  model.released -= reward
}

const claim: Action = async (world, { a, c }) => {
  const { model } = world
  const caller = actorAt(a).account.address
  const { total, claimed } = model.recipient(caller)
  const amount = c % 5 === 0 ? total - claimed + 1n : ((total - claimed) * BigInt(c % 101)) / 100n
  const data = callData({ functionName: 'claimRewards', args: [amount] })
  const may = () => model.mayClaim(caller, amount, CYCLE_S)
  if (!(await expectOutcome(world, actorAt(a), network.rewards, data, may))) return
  model.claim(caller, amount, CYCLE_S)
  model.move(network.rewards, caller, amount)
}

const payOut: Action = async (world, { a }) => {
  const { poolContract, rewards, pool } = network
  const data = encodeFunctionData({ abi: poolContract.abi, functionName: 'payoutReleased' })
  const receipt = await attempt(world, actorAt(a), pool, data)
  const [event] = parseEventLogs({ abi: poolContract.abi, logs: receipt.logs, eventName: 'FundsReleased' })
  const amount = event?.args.amount ?? 0n
  expect(amount).toBeLessThanOrEqual(world.model.balance(pool))
  world.model.move(pool, rewards, amount)
  world.model.released += amount
}

const passTime: Action = async ({ model }, { a }) => {
  model.nowS += [HOUR_S, 2 * HOUR_S, DAY_S, 30 * DAY_S][a % 4] ?? 0
}

const changeParameters: Action = async (world, { a, b }) => {
  const { parameters } = world.model
  const claimThreshold = STAKE * BigInt(1 + (b % 40))
  const ratios = { liquidator: BigInt(1 + (b % 7)), pool: BigInt(1 + (b % 11)), recipient: 100n }
  const requirement = b % 3 === 0 ? STAKE * 2n : STAKE
  const thresholdMax = 1 + (b % 3)
  const [data, change] = [
    [callData({ functionName: 'setStakingRequirement', args: [requirement] }), { requirement }],
    [callData({ functionName: 'setBLSNonSignerThresholdMax', args: [BigInt(thresholdMax)] }), { thresholdMax }],
    [callData({ functionName: 'setClaimThreshold', args: [claimThreshold] }), { claimThreshold }],
    [
      callData({ functionName: 'setLiquidationRatios', args: [ratios.liquidator, ratios.pool, ratios.recipient] }),
      { ratios },
    ],
  ][a % 4] as [Hex, Partial<typeof parameters>]
  await expectOutcome(world, network.owner, network.rewards, data, () => true)
  Object.assign(parameters, change)
}

const rederive: Action = async (world, { a }) => {
  const data = callData({ functionName: 'rederiveTotalNodesAndAggregatePubkey' })
  await expectOutcome(world, actorAt(a), network.rewards, data, () => true)
}

/** Some twice, so that they come oftener. */
const ACTIONS = {
  register,
  registerAgain: register,
  openPool,
  contribute,
  contributeMore: contribute,
  contributeAgain: contribute,
  withdraw,
  reset,
  askToLeave,
  askAgainToLeave: askToLeave,
  exitUnsigned,
  exitSigned,
  liquidate,
  updateBalance,
  claim,
  payOut,
  passTime,
  changeParameters,
  rederive,
} as const satisfies Record<string, Action>

// -------------------------------------------------------------------------------------------------------------- invariants

async function expectInvariants(world: World): Promise<void> {
  await Promise.all([expectTokens(world), expectMembers(world), expectPool(world)])
}

/** No token is created or lost, and each is where the model has it. */
async function expectTokens({ model, pools }: World): Promise<void> {
  for (const { address } of pools) if (!model.balances.has(address)) model.balances.set(address, 0n)
  const addresses = [...model.balances.keys()]
  const balances = await Promise.all(addresses.map(tokensOf))
  expect(Object.fromEntries(addresses.map((address, index) => [address, balances[index]]))).toEqual(
    Object.fromEntries(model.balances),
  )
  const supply = await network.owner.readContract({ ...network.tokenContract, functionName: 'totalSupply' })
  expect(sum(balances)).toBe(supply)
  expect(model.balance(network.rewards)).toBe(model.accountedFor())
  for (const { address } of pools) {
    expect(model.balance(address)).toBe(
      address === model.pool?.address && !model.pool.finalized ? paidTo(model.pool) : 0n,
    )
  }
  for (const { total, claimed } of model.recipients.values()) expect(claimed).toBeLessThanOrEqual(total)
}

async function expectMembers({ model }: World): Promise<void> {
  const { owner, rewardsContract } = network
  const read = <
    Name extends 'totalNodes' | 'nextServiceNodeID' | 'blsNonSignerThreshold' | 'aggregatePubkey' | 'allServiceNodeIDs',
  >(
    functionName: Name,
  ) => owner.readContract({ ...rewardsContract, functionName })
  const members = [...model.members.values()]
  const [ids, keys] = await read('allServiceNodeIDs')
  expect(ids).toEqual(members.map(({ id }) => id))
  expect(ids).toEqual([...ids].sort((first, second) => Number(first - second)))
  expect(ids.filter((id) => model.goneIds.has(id))).toEqual([])
  expect(keys).toEqual(members.map(({ keys: own }) => blsPublicKeyParameter(own.publicKey)))
  expect(await read('totalNodes')).toBe(BigInt(members.length))
  expect(await read('nextServiceNodeID')).toBe(model.nextId)
  expect(await read('blsNonSignerThreshold')).toBe(BigInt(model.threshold()))
  expect(await read('aggregatePubkey')).toEqual(aggregateKeyOf(members.map(({ keys: own }) => own)))
  await Promise.all(members.map(expectMember))
  const gone = model.goneKeys.filter((own) => model.keysAreFree(own))
  expect(await Promise.all(gone.map(idsOf))).toEqual(gone.map(() => [0n, 0n]))
}

async function expectMember(member: ModelMember): Promise<void> {
  const call = { ...network.rewardsContract, functionName: 'serviceNodes', args: [member.id] } as const
  expect(await network.owner.readContract(call)).toMatchObject({
    operator: member.parts[0]?.owner,
    deposit: depositOf(member),
    addedTimestamp: BigInt(member.addedS),
    leaveRequestTimestamp: BigInt(member.leaveRequestS),
    latestLeaveRequestTimestamp: BigInt(member.latestLeaveRequestS),
    contributors: member.parts.map(({ owner, amount }) => contributor(owner, amount)),
  })
  expect(await idsOf(member.keys)).toEqual([member.id, member.id])
}

/** The id under which the contract knows each of the two keys. */
async function idsOf({ publicKey, ed25519 }: Keys): Promise<readonly bigint[]> {
  const { X, Y } = blsPublicKeyParameter(publicKey)
  const bytes = concatHex([word(X), word(Y)])
  const { owner, rewardsContract } = network
  return await Promise.all([
    owner.readContract({ ...rewardsContract, functionName: 'serviceNodeIDs', args: [bytes] }),
    owner.readContract({
      ...rewardsContract,
      functionName: 'ed25519ToServiceNodeID',
      args: [integerOf(ed25519)],
    }),
  ])
}

const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

async function expectPool({ model, pools }: World): Promise<void> {
  const contract = pools.at(-1)?.contract
  if (contract === undefined || model.pool === undefined) return
  const [addresses, , amounts] = await network.owner.readContract({ ...contract, functionName: 'getContributions' })
  const paid = new Map(model.pool.paid.map(({ owner, amount }) => [owner, amount]))
  expect(new Map(addresses.map((address, index) => [address, amounts[index]]))).toEqual(paid)
  if (addresses.length > 0) expect(addresses[0]).toBe(model.pool.operator)
  const status = await network.owner.readContract({ ...contract, functionName: 'status' })
  expect(status).toBe(model.pool.finalized ? 3 : paid.size === 0 ? 0 : 1)
}

// ------------------------------------------------------------------------------------------------------------------- tests

const number = fc.nat({ max: 10_000 })
const step = fc.record({
  action: fc.constantFrom(...(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[])),
  a: number,
  b: number,
  c: number,
})

test('whatever happens in whatever order, every token, key and id is where it belongs', async () => {
  const sequences = fc.array(step, { minLength: SEQUENCE_LENGTH_MAX / 2, maxLength: SEQUENCE_LENGTH_MAX, size: 'max' })
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const world = await fresh()
      await expectInvariants(world)
      for (const { action, ...choice } of steps) {
        await ACTIONS[action](world, choice)
        await expectInvariants(world)
      }
    }),
    { numRuns: SEQUENCES, endOnFailure: true },
  )
}, 300_000)
