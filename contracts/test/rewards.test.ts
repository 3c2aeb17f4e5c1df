import { parseEventLogs } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChainClient } from '../../devnet/chain/chain-client.ts'
import { exitMessage, rewardMessage } from '../../src/crypto/bls-messages.ts'
import {
  aggregateKeyOf,
  balanceOf,
  createStakingNetwork,
  HOUR_S,
  type Keys,
  type Member,
  mineAt,
  mined,
  nowS,
  registerMany,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

const THRESHOLD = 2n * STAKE
const CYCLE_S = 12 * HOUR_S

/** With four members the threshold is one. */
let members: Member[]
let network: StakingNetwork

beforeAll(async () => {
  network = await createStakingNetwork({ claimThresholdAtomic: THRESHOLD, claimCycleS: CYCLE_S })
  members = await registerMany(network, 4)
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

/** The call that sets a recipient's lifetime total. */
function update(
  total: bigint,
  {
    recipient = network.other,
    signers = members,
    nonSigners = [],
  }: {
    recipient?: ChainClient
    signers?: readonly Keys[]
    nonSigners?: readonly Member[]
  } = {},
) {
  const address = recipient.account.address
  const signature = signedBy(signers, rewardMessage(network.tags, address, total), network.tags)
  const args = [address, total, signature, nonSigners.map(({ id }) => id)] as const
  return { ...network.rewardsContract, functionName: 'updateRewardsBalance', args } as const
}

async function grant(total: bigint, recipient = network.other): Promise<void> {
  await mined(network.stranger, network.stranger.writeContract(update(total, { recipient })))
}

const claim = (amount: bigint) =>
  ({ ...network.rewardsContract, functionName: 'claimRewards', args: [amount] }) as const
const claimAll = () => ({ ...network.rewardsContract, functionName: 'claimRewards' }) as const
const recipientOf = (client: ChainClient) =>
  network.owner.readContract({ ...network.rewardsContract, functionName: 'recipients', args: [client.account.address] })
const simulate = (request: ReturnType<typeof update>) => network.stranger.simulateContract(request)

/** The next moment at which a cycle begins. */
async function nextCycle(): Promise<void> {
  await mineAt(network, (Math.floor((await nowS(network)) / CYCLE_S) + 1) * CYCLE_S)
}

test('anybody may bring a total that the members signed', async () => {
  const request = update(5n, { signers: members.slice(1), nonSigners: members.slice(0, 1) })
  const receipt = await mined(network.stranger, network.stranger.writeContract(request))
  const [event] = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs })
  expect(event).toMatchObject({
    eventName: 'RewardsBalanceUpdated',
    args: { recipientAddress: network.other.account.address, amount: 5n, previousBalance: 0n },
  })
  expect(await recipientOf(network.other)).toEqual([5n, 0n])
  // The published contract takes 1.1 M.
  expect(receipt.gasUsed).toBeLessThan(700_000n)
})

test('a total only grows', async () => {
  await grant(5n)
  for (const total of [0n, 4n, 5n]) expect(await revertOf(simulate(update(total)))).toEqual(['RecipientRewardsTooLow'])
  await grant(6n)
  expect(await recipientOf(network.other)).toEqual([6n, 0n])
})

test('a total needs the signatures of all members but a third, of this recipient and this amount', async () => {
  const twoMissing = update(5n, { signers: members.slice(2), nonSigners: members.slice(0, 2) })
  expect(await revertOf(simulate(twoMissing))).toEqual(['InsufficientBLSSignatures', 2n, 3n])
  const [address, , signature] = update(5n).args
  const wrongAmount = { ...update(5n), args: [address, 6n, signature, []] } as const
  const invalid = ['InvalidBLSSignature', aggregateKeyOf(members)]
  expect(await revertOf(network.stranger.simulateContract(wrongAmount))).toEqual(invalid)
  const wrongRecipient = { ...update(5n), args: [network.stranger.account.address, 5n, signature, []] } as const
  expect(await revertOf(network.stranger.simulateContract(wrongRecipient))).toEqual(invalid)
})

test('a signature for something else is none for a total', async () => {
  const member = members[0]
  if (member === undefined) throw new Error('There are members')
  const message = exitMessage(network.tags, member.publicKey, await nowS(network))
  const [address] = update(5n).args
  const request = { ...update(5n), args: [address, 5n, signedBy(members, message, network.tags), []] } as const
  expect((await revertOf(network.stranger.simulateContract(request)))[0]).toBe('InvalidBLSSignature')
})

test('nobody has no balance', async () => {
  const nobody = '0x0000000000000000000000000000000000000000'
  const signature = signedBy(members, rewardMessage(network.tags, nobody, 5n), network.tags)
  const request = { ...update(5n), args: [nobody, 5n, signature, []] } as const
  expect(await revertOf(network.stranger.simulateContract(request))).toEqual(['NullAddress'])
})

test('a recipient claims all, or a part and the rest', async () => {
  const { other } = network
  await grant(100n)
  const receipt = await mined(other, other.writeContract(claim(30n)))
  const [event] = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs, eventName: 'RewardsClaimed' })
  expect(event?.args).toEqual({ recipientAddress: other.account.address, amount: 30n })
  expect(await recipientOf(other)).toEqual([100n, 30n])
  await mined(other, other.writeContract(claimAll()))
  expect(await recipientOf(other)).toEqual([100n, 100n])
  expect(await balanceOf(network, other.account.address)).toBe(100n)
})

test('a recipient claims no more than its own', async () => {
  await grant(100n)
  expect(await revertOf(network.other.simulateContract(claim(101n)))).toEqual(['MaxClaimExceeded'])
  expect(await revertOf(network.stranger.simulateContract(claim(1n)))).toEqual(['MaxClaimExceeded'])
})

test('claiming nothing succeeds', async () => {
  await mined(network.stranger, network.stranger.writeContract(claimAll()))
  expect(await balanceOf(network, network.stranger.account.address)).toBe(0n)
})

test("one cycle's claims, whosever they are, are capped together", async () => {
  const { other, stranger } = network
  await grant(3n * STAKE)
  await grant(STAKE, stranger)
  await nextCycle()
  expect(await revertOf(other.simulateContract(claimAll()))).toEqual(['ClaimThresholdExceeded'])
  await mined(other, other.writeContract(claim(STAKE)))
  await mined(stranger, stranger.writeContract(claim(STAKE)))
  expect(await revertOf(other.simulateContract(claim(1n)))).toEqual(['ClaimThresholdExceeded'])
  const { owner, rewardsContract } = network
  expect(await owner.readContract({ ...rewardsContract, functionName: 'currentClaimTotal' })).toBe(THRESHOLD)

  await nextCycle()
  await mined(other, other.writeContract(claim(2n * STAKE)))
  const cycle = await owner.readContract({ ...rewardsContract, functionName: 'currentClaimCycle' })
  expect(cycle).toBe(BigInt(Math.floor((await nowS(network)) / CYCLE_S)))
})

test('a pause stops new totals but not claims', async () => {
  await grant(100n)
  await mined(network.owner, network.owner.writeContract({ ...network.rewardsContract, functionName: 'pause' }))
  expect(await revertOf(simulate(update(200n)))).toEqual(['EnforcedPause'])
  await mined(network.other, network.other.writeContract(claimAll()))
  expect(await balanceOf(network, network.other.account.address)).toBe(100n)
})

test('tokens are conserved: what was staked is what the contract and the recipients have', async () => {
  const { other, stranger, rewards } = network
  await grant(STAKE)
  await grant(STAKE / 3n, stranger)
  await mined(other, other.writeContract(claimAll()))
  await mined(stranger, stranger.writeContract(claimAll()))
  const balances = await Promise.all([
    balanceOf(network, rewards),
    balanceOf(network, other.account.address),
    balanceOf(network, stranger.account.address),
  ])
  expect(balances).toEqual([4n * STAKE - STAKE - STAKE / 3n, STAKE, STAKE / 3n])
})

test('a claim that the contract cannot pay changes nothing', async () => {
  const { owner, other } = network
  const raise = { ...network.rewardsContract, functionName: 'setClaimThreshold', args: [100n * STAKE] } as const
  await mined(owner, owner.writeContract(raise))
  await grant(5n * STAKE)
  // The token's ERC20InsufficientBalance.
  await expect(other.simulateContract(claimAll())).rejects.toThrow('0xe450d38c')
  expect(await recipientOf(other)).toEqual([5n * STAKE, 0n])
})
