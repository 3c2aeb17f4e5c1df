import fc from 'fast-check'
import { concatHex, type Hex } from 'viem'
import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { contribute, MAX_CONTRIBUTORS, openPool, reset, withdraw } from './pool-actions.ts'
import { NOBODY } from './pooled-stake.ts'
import {
  askToLeave,
  changeParameters,
  claim,
  exitSigned,
  exitUnsigned,
  liquidate,
  passTime,
  payOut,
  rederive,
  register,
  updateBalance,
} from './stake-actions.ts'
import { depositOf, type ModelMember, paidTo, StakingModel, sum } from './staking-model.ts'
import {
  accountAt,
  aggregateKeyOf,
  aKeySet,
  contributor,
  createStakingNetwork,
  HOUR_S,
  integerOf,
  type Keys,
  mined,
  nowS,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'
import type { Action, World } from './staking-world.ts'

// Random sequences of everything that operators, contributors, members and the owner can do. After each call the chain must agree with
// the model on whether it succeeded, and no token, key or id may be anywhere but where the model has it.

const FOUNDERS = 4
const FOUNDED_S = 1_700_000_000
const SEQUENCES = 8
const SEQUENCE_LENGTH_MAX = 40
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
    model.add(keys, [{ owner: actors[index]?.account.address ?? NOBODY, amount: STAKE }], FOUNDED_S)
  }
  const { owner, rewards, pool } = network
  for (const address of [owner.account.address, rewards, pool, ...actors.map(({ account }) => account.address)]) {
    model.balances.set(address, await tokensOf(address))
  }
  return { network, actors, model, pools: [] }
}

const tokensOf = (address: Hex) =>
  network.owner.readContract({ ...network.tokenContract, functionName: 'balanceOf', args: [address] })

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
