import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rewardMessage } from '../../src/crypto/bls-messages.ts'
import hostileToken from '../artifacts/HostileToken.json' with { type: 'json' }
import {
  balanceOf,
  createStakingNetwork,
  type Member,
  mined,
  register,
  STAKE,
  type StakingNetwork,
  signedBy,
} from './staking-network.ts'

// Claims pay with a token that may call whoever it likes in the middle of a transfer.

const hostileAbi = parseAbi([
  'constructor(address holder, uint256 supply)',
  'function setCallback(address target, bytes data)',
  'function callbackSucceeded() view returns (bool)',
])
const EARNED = 10n

let network: StakingNetwork
let member: Member

beforeAll(async () => {
  network = await createStakingNetwork()
  member = await register(network)
  const { owner, token } = network
  const bytecode = hostileToken.bytecode as Hex
  const args = [owner.account.address, STAKE] as const
  const { contractAddress } = await mined(owner, owner.deployContract({ abi: hostileAbi, bytecode, args }))
  await owner.setCode({
    address: token,
    bytecode: (await owner.getCode({ address: contractAddress ?? token })) ?? '0x',
  })
})
afterAll(() => network[Symbol.asyncDispose]())

test('who claims again in the middle of a claim is paid once', async () => {
  const { owner, token, rewards, rewardsContract, tags } = network
  // The callback comes from the token, so it is the token that claims.
  const signature = signedBy([member], rewardMessage(tags, token, EARNED), tags)
  const update = { ...rewardsContract, functionName: 'updateRewardsBalance' } as const
  await mined(owner, owner.writeContract({ ...update, args: [token, EARNED, signature, []] }))
  const claim = encodeFunctionData({ ...rewardsContract, functionName: 'claimRewards', args: [EARNED] })
  const again = encodeFunctionData({ abi: hostileAbi, functionName: 'setCallback', args: [rewards, claim] })
  await mined(owner, owner.sendTransaction({ to: token, data: again }))

  const before = await balanceOf(network, rewards)
  await owner.impersonateAccount({ address: token })
  await owner.setBalance({ address: token, value: 10n ** 18n })
  await mined(owner, owner.sendTransaction({ account: token, to: rewards, data: claim, gas: 500_000n }))

  const recipient = { ...rewardsContract, functionName: 'recipients', args: [token] } as const
  expect(await owner.readContract(recipient)).toEqual([EARNED, EARNED])
  expect(await balanceOf(network, token)).toBe(EARNED)
  expect(await balanceOf(network, rewards)).toBe(before - EARNED)
  expect(await owner.readContract({ address: token, abi: hostileAbi, functionName: 'callbackSucceeded' })).toBe(false)
})
