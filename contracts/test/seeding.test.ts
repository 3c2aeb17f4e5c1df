import { type Hex, parseAbi, parseEventLogs, zeroAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deployStaking } from '../../devnet/chain/deployment.ts'
import { type BlsSignatureParameter, blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import { blsTags, rewardMessage } from '../../src/crypto/bls-messages.ts'
import rewardsArtifact from '../artifacts/ServiceNodeRewards.json' with { type: 'json' }
import type { SeedMember } from '../deployment/network-parameters.ts'
import {
  aggregateKeyOf,
  aKeySet,
  contributor,
  createStakingNetwork,
  integerOf,
  type Keys,
  mined,
  registrationOf,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

const ADDED = 1_700_000_000n
const INFINITY: BlsSignatureParameter = { sigs0: 0n, sigs1: 0n, sigs2: 0n, sigs3: 0n }

let network: StakingNetwork
/** Initialised but not started; the network's own is. */
let notStarted: StakingNetwork['rewardsContract']

beforeAll(async () => {
  network = await createStakingNetwork()
  const { owner, rewardsContract, token, pool } = network
  const bytecode = rewardsArtifact.bytecode as Hex
  const { contractAddress } = await mined(owner, owner.deployContract({ abi: parseAbi(['constructor()']), bytecode }))
  const code = await owner.getCode({ address: contractAddress ?? zeroAddress })
  // The code at an address of its own has fresh storage, without the constructor's lock.
  const address = '0x00000000000000000000000000000000000a11ce'
  await owner.setCode({ address, bytecode: code ?? '0x' })
  notStarted = { ...rewardsContract, address }
  const args = [token, pool, STAKE, 10n, 3n, 17n, 9980n] as const
  await mined(owner, owner.writeContract({ ...notStarted, functionName: 'initialize', args }))
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

function seedOf(keys: Keys, overrides: Partial<ReturnType<typeof plainSeedOf>> = {}) {
  return { ...plainSeedOf(keys), ...overrides }
}

function plainSeedOf(keys: Keys) {
  return {
    blsPubkey: blsPublicKeyParameter(keys.publicKey),
    ed25519Pubkey: integerOf(keys.ed25519),
    addedTimestamp: ADDED,
    contributors: [contributor(network.operator.account.address, STAKE)],
  }
}

const seed = (...nodes: readonly ReturnType<typeof plainSeedOf>[]) =>
  ({ ...notStarted, functionName: 'seedPublicKeyList', args: [nodes] }) as const
const refusal = (...nodes: readonly ReturnType<typeof plainSeedOf>[]) =>
  revertOf(network.owner.simulateContract(seed(...nodes)))

test('the owner names the first members before the start, and no token moves', async () => {
  const { owner } = network
  const keys = [aKeySet(), aKeySet()]
  const receipt = await mined(owner, owner.writeContract(seed(...keys.map((key) => seedOf(key)))))
  const events = parseEventLogs({ abi: notStarted.abi, logs: receipt.logs })
  expect(events.map(({ eventName, args }) => [eventName, args])).toEqual(
    keys.map((key, index) => [
      'NewSeededServiceNode',
      {
        serviceNodeID: BigInt(index + 1),
        blsPubkey: blsPublicKeyParameter(key.publicKey),
        ed25519Pubkey: integerOf(key.ed25519),
      },
    ]),
  )
  expect(receipt.logs).toHaveLength(2)
  const node = await owner.readContract({ ...notStarted, functionName: 'serviceNodes', args: [1n] })
  expect(node).toMatchObject({ addedTimestamp: ADDED, deposit: STAKE, operator: network.operator.account.address })
  const aggregate = await owner.readContract({ ...notStarted, functionName: 'aggregatePubkey' })
  expect(aggregate).toEqual(aggregateKeyOf(keys))
})

test('a seeded member has whole keys and a whole stake', async () => {
  const keys = aKeySet()
  const operator = network.operator.account.address
  expect(await refusal(seedOf(keys, { blsPubkey: { X: 0n, Y: 0n } }))).toEqual(['NullBLSPubkey'])
  for (const half of [
    { X: 0n, Y: 5n },
    { X: 5n, Y: 0n },
  ]) {
    expect(await refusal(seedOf(keys, { blsPubkey: half }))).toEqual(['PointNotOnCurve'])
  }
  expect(await refusal(seedOf(keys, { ed25519Pubkey: 0n }))).toEqual(['NullEd25519Pubkey'])
  expect(await refusal(seedOf(keys, { contributors: [] }))).toEqual(['InsufficientContributors'])
  const short = [contributor(operator, STAKE - 1n)]
  expect(await refusal(seedOf(keys, { contributors: short }))).toEqual(['ContributionTotalMismatch', STAKE, STAKE - 1n])
  const eleven = [contributor(operator, STAKE), ...Array.from({ length: 10 }, () => contributor(operator, 0n))]
  expect(await refusal(seedOf(keys, { contributors: eleven }))).toEqual(['MaxContributorsExceeded'])
})

test('no key is seeded twice', async () => {
  const [first, second] = [aKeySet(), aKeySet()]
  const sameBls = { ...second, publicKey: first.publicKey }
  expect(await refusal(seedOf(first), seedOf(sameBls))).toEqual(['BLSPubkeyAlreadyExists', 1n])
  const sameEd25519 = { ...second, ed25519: first.ed25519 }
  expect(await refusal(seedOf(first), seedOf(sameEd25519))).toEqual(['Ed25519PubkeyAlreadyExists', 1n])
})

test('nobody is seeded after the start', async () => {
  const call = { ...seed(seedOf(aKeySet())), address: network.rewards }
  expect(await revertOf(network.owner.simulateContract(call))).toEqual(['ContractAlreadyStarted'])
})

test('before the start there is nothing to do but seed', async () => {
  const { owner, operator } = network
  const [key, signature, params] = registrationOf(network, aKeySet(), operator.account.address)
  const calls = [
    () =>
      operator.simulateContract({ ...notStarted, functionName: 'addBLSPublicKey', args: [key, signature, params, []] }),
    () => operator.simulateContract({ ...notStarted, functionName: 'initiateExitBLSPublicKey', args: [1n] }),
    () => operator.simulateContract({ ...notStarted, functionName: 'exitBLSPublicKeyAfterWaitTime', args: [1n] }),
    () =>
      operator.simulateContract({
        ...notStarted,
        functionName: 'exitBLSPublicKeyWithSignature',
        args: [key, 1n, signature, []],
      }),
    () =>
      operator.simulateContract({
        ...notStarted,
        functionName: 'liquidateBLSPublicKeyWithSignature',
        args: [key, 1n, signature, []],
      }),
    () =>
      operator.simulateContract({
        ...notStarted,
        functionName: 'updateRewardsBalance',
        args: [operator.account.address, 1n, signature, []],
      }),
  ]
  for (const call of calls) expect(await revertOf(call())).toEqual(['ContractNotStarted'])
  expect(await owner.readContract({ ...notStarted, functionName: 'isStarted' })).toBe(false)
})

// In the published contract the all-zero signature passes then, and anybody drains the contract.
test('without members nobody signs: the empty signature is refused', async () => {
  const { stranger, rewardsContract, owner, tokenContract, rewards } = network
  const give = { ...tokenContract, functionName: 'transfer', args: [rewards, 500n] } as const
  await mined(owner, owner.writeContract(give))
  const args = [stranger.account.address, 500n, INFINITY, []] as const
  const steal = stranger.simulateContract({ ...rewardsContract, functionName: 'updateRewardsBalance', args })
  expect(await revertOf(steal)).toEqual(['InsufficientNodes'])
})

// Seeded keys carry no proof of possession: this is why the owner must have checked one.
test('members whose keys cancel cannot be spoken for by the empty signature', async () => {
  const { owner, stranger } = network
  const { X, Y } = blsPublicKeyParameter(aKeySet().publicKey)
  const field = 21888242871839275222246405745257275088696311157297823662689037894645226208583n
  const pair = [seedOf(aKeySet(), { blsPubkey: { X, Y } }), seedOf(aKeySet(), { blsPubkey: { X, Y: field - Y } })]
  await mined(owner, owner.writeContract(seed(...pair)))
  await mined(owner, owner.writeContract({ ...notStarted, functionName: 'start' }))
  const args = [stranger.account.address, 500n, INFINITY, []] as const
  const steal = stranger.simulateContract({ ...notStarted, functionName: 'updateRewardsBalance', args })
  expect(await revertOf(steal)).toEqual(['InvalidBLSSignature', { X: 0n, Y: 0n }])
})

test('one or two members cannot spare a signature', async () => {
  const { owner, stranger } = network
  const keys = [aKeySet(), aKeySet()]
  await mined(owner, owner.writeContract(seed(...keys.map((key) => seedOf(key)))))
  await mined(owner, owner.writeContract({ ...notStarted, functionName: 'start' }))
  const address = stranger.account.address
  const signature = signedBy(keys.slice(1), rewardMessage(network.tags, address, 5n), network.tags)
  const args = [address, 5n, signature, [1n]] as const
  const call = stranger.simulateContract({ ...notStarted, functionName: 'updateRewardsBalance', args })
  expect(await revertOf(call)).toEqual(['InsufficientBLSSignatures', 1n, 2n])
})

// More than two thirds of the keys are the network, also when one operator holds them.
test('whoever holds two thirds of the keys pays itself what the contract has', async () => {
  const { owner, operator } = network
  const members = Array.from({ length: 4 }, aKeySet)
  const seedMembers = members.map(
    ({ publicKey, ed25519 }): SeedMember => ({
      blsPubkey: blsPublicKeyParameter(publicKey),
      ed25519Pubkey: integerOf(ed25519),
      addedTimestampS: ADDED,
      operator: network.other.account.address,
    }),
  )
  const { rewards, token } = await deployStaking(owner, { seedMembers, claimThresholdAtomic: 4n * STAKE })
  const contract = { ...network.rewardsContract, address: rewards }
  const tags = blsTags(network.chainId, rewards)
  const total = 4n * STAKE
  const signature = signedBy(members.slice(0, 3), rewardMessage(tags, operator.account.address, total), tags)
  const args = [operator.account.address, total, signature, [4n]] as const
  await mined(operator, operator.writeContract({ ...contract, functionName: 'updateRewardsBalance', args }))
  await mined(operator, operator.writeContract({ ...contract, functionName: 'claimRewards' }))
  const balance = (address: Hex) =>
    owner.readContract({ ...network.tokenContract, address: token, functionName: 'balanceOf', args: [address] })
  expect(await balance(operator.account.address)).toBe(total)
  expect(await balance(rewards)).toBe(0n)
})
