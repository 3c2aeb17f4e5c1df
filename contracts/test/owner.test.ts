import { getAddress, parseAbi, parseEventLogs, slice, toHex, zeroAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blsTags } from '../../src/crypto/bls-messages.ts'
import rewardsArtifact from '../artifacts/ServiceNodeRewards.json' with { type: 'json' }
import {
  createStakingNetwork,
  mined,
  register,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

let network: StakingNetwork
beforeAll(async () => {
  network = await createStakingNetwork({}, { chainId: 42161 })
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const contract = () => network.rewardsContract

test('the tags and the parameters are those of this chain and this proxy', async () => {
  const { owner, rewards, token, pool } = network
  const tags = blsTags(42161, rewards)
  const read = (functionName: 'proofOfPossessionTag' | 'rewardTag' | 'exitTag' | 'liquidateTag' | 'hashToG2Tag') =>
    owner.readContract({ ...contract(), functionName })
  expect(await read('proofOfPossessionTag')).toBe(toHex(tags.proofOfPossession))
  expect(await read('rewardTag')).toBe(toHex(tags.reward))
  expect(await read('exitTag')).toBe(toHex(tags.exit))
  expect(await read('liquidateTag')).toBe(toHex(tags.liquidate))
  expect(await read('hashToG2Tag')).toBe(toHex(tags.hashToG2))
  expect(await owner.readContract({ ...contract(), functionName: 'designatedToken' })).toBe(getAddress(token))
  expect(await owner.readContract({ ...contract(), functionName: 'foundationPool' })).toBe(getAddress(pool))
  const numbers = {
    VERSION: 1n,
    LIST_SENTINEL: 0n,
    stakingRequirement: STAKE,
    maxContributors: 10n,
    signatureExpiry: 600n,
    claimThreshold: 1_000_000_000_000_000n,
    claimCycle: 43_200n,
    liquidatorRewardRatio: 3n,
    poolShareOfLiquidationRatio: 17n,
    recipientRatio: 9980n,
    blsNonSignerThreshold: 0n,
    blsNonSignerThresholdMax: 4000n,
    MAX_SERVICE_NODE_EXIT_WAIT_TIME: 2_592_000n,
    MIN_TIME_BEFORE_REPEATED_LEAVE_REQUEST: 3600n,
    SMALL_CONTRIBUTOR_DIVISOR: 4n,
    SMALL_CONTRIBUTOR_LEAVE_DELAY: 2_592_000n,
    maxPermittedPubkeyAggregations: 20n,
    MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND: 20n,
    totalNodes: 0n,
    nextServiceNodeID: 1n,
  } as const
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    expect([name, await owner.readContract({ ...contract(), functionName: name })]).toEqual([name, numbers[name]])
  }
})

const SETTERS = {
  setStakingRequirement: 'StakingRequirementUpdated',
  setSignatureExpiry: 'SignatureExpiryUpdated',
  setBLSNonSignerThresholdMax: 'BLSNonSignerThresholdMaxUpdated',
  setClaimThreshold: 'ClaimThresholdUpdated',
  setClaimCycle: 'ClaimCycleUpdated',
} as const
const setterNames = Object.keys(SETTERS) as (keyof typeof SETTERS)[]

test.each(setterNames)("%s is the owner's, and an event says so", async (functionName) => {
  const { owner, stranger } = network
  const change = { ...contract(), functionName, args: [7n] } as const
  const receipt = await mined(owner, owner.writeContract(change))
  const [event] = parseEventLogs({ abi: contract().abi, logs: receipt.logs })
  expect(event?.eventName).toBe(SETTERS[functionName])
  expect(Object.values(event?.args ?? {})).toEqual([7n])
  const refused = await revertOf(stranger.simulateContract(change))
  expect(refused).toEqual(['OwnableUnauthorizedAccount', stranger.account.address])
})

test("the ratios of a liquidation are the owner's, and an event says so", async () => {
  const { owner, stranger } = network
  const change = { ...contract(), functionName: 'setLiquidationRatios', args: [1n, 2n, 7n] } as const
  const receipt = await mined(owner, owner.writeContract(change))
  const [event] = parseEventLogs({ abi: contract().abi, logs: receipt.logs })
  expect(event).toMatchObject({
    eventName: 'LiquidationRatiosUpdated',
    args: { liquidatorRatio: 1n, poolRatio: 2n, recipientRatio: 7n },
  })
  const refused = await revertOf(stranger.simulateContract(change))
  expect(refused).toEqual(['OwnableUnauthorizedAccount', stranger.account.address])
})

test('no parameter becomes zero', async () => {
  for (const functionName of setterNames) {
    const call = network.owner.simulateContract({ ...contract(), functionName, args: [0n] })
    expect(await revertOf(call)).toEqual(['PositiveNumberRequirement'])
  }
})

test('a liquidation takes something, and at most half of the stake', async () => {
  const set = (liquidator: bigint, pool: bigint, recipient: bigint) =>
    network.owner.simulateContract({
      ...contract(),
      functionName: 'setLiquidationRatios',
      args: [liquidator, pool, recipient],
    })
  await set(1n, 1n, 2n)
  expect(await revertOf(set(1n, 2n, 2n))).toEqual(['LiquidatorPenaltyTooHigh'])
  expect(await revertOf(set(1n, 2n ** 256n - 1n, 2n))).toEqual(['LiquidatorPenaltyTooHigh'])
  const withZero = [
    [0n, 1n, 2n],
    [1n, 0n, 2n],
    [1n, 1n, 0n],
  ] as const
  for (const [liquidator, pool, recipient] of withZero) {
    expect(await revertOf(set(liquidator, pool, recipient))).toEqual(['PositiveNumberRequirement'])
  }
})

test('the cap on non-signers holds for the members there are', async () => {
  const { owner } = network
  for (let count = 0; count < 6; count++) await register(network)
  const threshold = () => owner.readContract({ ...contract(), functionName: 'blsNonSignerThreshold' })
  expect(await threshold()).toBe(2n)
  const set = { ...contract(), functionName: 'setBLSNonSignerThresholdMax', args: [1n] } as const
  await mined(owner, owner.writeContract(set))
  expect(await threshold()).toBe(1n)
})

test('strangers neither start, pause, unpause nor seed', async () => {
  const { stranger } = network
  const refused = ['OwnableUnauthorizedAccount', stranger.account.address]
  for (const functionName of ['start', 'pause', 'unpause'] as const) {
    expect(await revertOf(stranger.simulateContract({ ...contract(), functionName }))).toEqual(refused)
  }
  const seed = { ...contract(), functionName: 'seedPublicKeyList', args: [[]] } as const
  expect(await revertOf(stranger.simulateContract(seed))).toEqual(refused)
})

test('a pause ends', async () => {
  const { owner } = network
  await mined(owner, owner.writeContract({ ...contract(), functionName: 'pause' }))
  expect(await owner.readContract({ ...contract(), functionName: 'paused' })).toBe(true)
  expect(await revertOf(owner.simulateContract({ ...contract(), functionName: 'pause' }))).toEqual(['EnforcedPause'])
  await mined(owner, owner.writeContract({ ...contract(), functionName: 'unpause' }))
  expect(await revertOf(owner.simulateContract({ ...contract(), functionName: 'unpause' }))).toEqual(['ExpectedPause'])
  await register(network)
})

test('ownership passes in two steps', async () => {
  const { owner, other } = network
  const offer = { ...contract(), functionName: 'transferOwnership', args: [other.account.address] } as const
  await mined(owner, owner.writeContract(offer))
  expect(await owner.readContract({ ...contract(), functionName: 'owner' })).toBe(owner.account.address)
  expect(await owner.readContract({ ...contract(), functionName: 'pendingOwner' })).toBe(other.account.address)
  await mined(other, other.writeContract({ ...contract(), functionName: 'acceptOwnership' }))
  expect(await owner.readContract({ ...contract(), functionName: 'owner' })).toBe(other.account.address)
})

test('neither the proxy nor the code behind it can be initialised again', async () => {
  const { owner, stranger, rewards, token, pool } = network
  // The slot of EIP-1967 that holds the implementation's address.
  const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'
  const word = await owner.getStorageAt({ address: rewards, slot })
  if (word === undefined) throw new Error('A proxy has an implementation')
  const args = [token, pool, 1n, 1n, 1n, 1n, 8n] as const
  for (const address of [rewards, slice(word, 12)]) {
    const call = stranger.simulateContract({ ...contract(), address, functionName: 'initialize', args })
    expect(await revertOf(call)).toEqual(['InvalidInitialization'])
  }
})

test('a proxy is not initialised with nobody or nothing', async () => {
  const { owner, token, pool } = network
  const hash = await owner.deployContract({
    abi: parseAbi(['constructor()']),
    bytecode: rewardsArtifact.bytecode as `0x${string}`,
  })
  const { contractAddress } = await mined(owner, Promise.resolve(hash))
  // Fresh code without the constructor's lock, as a proxy sees it.
  const code = await owner.getCode({ address: contractAddress ?? zeroAddress })
  const address = '0x00000000000000000000000000000000000a11ce'
  await owner.setCode({ address, bytecode: code ?? '0x' })
  const initialize = (...args: readonly [`0x${string}`, `0x${string}`, bigint, bigint, bigint, bigint, bigint]) =>
    owner.simulateContract({ ...contract(), address, functionName: 'initialize', args })
  await initialize(token, pool, 1n, 1n, 1n, 1n, 8n)
  expect(await revertOf(initialize(zeroAddress, pool, 1n, 1n, 1n, 1n, 8n))).toEqual(['NullAddress'])
  expect(await revertOf(initialize(token, zeroAddress, 1n, 1n, 1n, 1n, 8n))).toEqual(['NullAddress'])
  expect(await revertOf(initialize(token, pool, 0n, 1n, 1n, 1n, 8n))).toEqual(['PositiveNumberRequirement'])
  expect(await revertOf(initialize(token, pool, 1n, 0n, 1n, 1n, 8n))).toEqual(['PositiveNumberRequirement'])
})

test('only the owner of the proxy admin upgrades, and state survives', async () => {
  const { owner, stranger, rewards } = network
  const member = await register(network)
  const adminSlot = '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103'
  const word = await owner.getStorageAt({ address: rewards, slot: adminSlot })
  if (word === undefined) throw new Error('A proxy has an admin')
  const bytecode = rewardsArtifact.bytecode as `0x${string}`
  const { contractAddress } = await mined(owner, owner.deployContract({ abi: parseAbi(['constructor()']), bytecode }))
  const abi = parseAbi([
    'function upgradeAndCall(address proxy, address implementation, bytes data) payable',
    'error OwnableUnauthorizedAccount(address account)',
  ])
  const admin = { address: slice(word, 12), abi } as const
  const args = [rewards, contractAddress ?? zeroAddress, '0x'] as const
  const upgrade = { ...admin, functionName: 'upgradeAndCall', args } as const
  const refused = await revertOf(stranger.simulateContract(upgrade))
  expect(refused).toEqual(['OwnableUnauthorizedAccount', stranger.account.address])
  await mined(owner, owner.writeContract(upgrade))
  const node = await owner.readContract({ ...contract(), functionName: 'serviceNodes', args: [member.id] })
  expect(node.deposit).toBe(STAKE)
})
