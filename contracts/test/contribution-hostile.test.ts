import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChainClient, createChainClient } from '../../devnet/chain/chain-client.ts'
import hostileToken from '../artifacts/HostileToken.json' with { type: 'json' }
import {
  contribute,
  contribution,
  contributionAbi,
  deployPool,
  eventsOf,
  NOBODY,
  type PooledStake,
  plainCall,
  QUARTER,
  send,
} from './pooled-stake.ts'
import {
  accountAt,
  balanceOf,
  createStakingNetwork,
  DAY_S,
  mined,
  passTime,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

// The staking contract's token is the choice of who deploys it. With any token, what somebody paid is its own until the registration.

const hostileAbi = parseAbi([
  'constructor(address holder, uint256 supply)',
  'function setFeeOnTransfer(uint256 basisPoints)',
  'function setRefused(address account, bool refused)',
  'function setCallback(address target, bytes data)',
  'function callbackSucceeded() view returns (bool)',
])
const HALF = STAKE / 2n

let network: StakingNetwork
let pool: PooledStake
let operator: ChainClient
let other: ChainClient
let third: ChainClient

beforeAll(async () => {
  network = await createStakingNetwork()
  ;({ operator, other } = network)
  third = createChainClient(network.anvil, accountAt(network, 5).privateKey)
  const { owner, token, tokenContract } = network
  // Takes the place of the token under which the contracts were deployed.
  const bytecode = hostileToken.bytecode as Hex
  const args = [owner.account.address, 100n * STAKE] as const
  const { contractAddress } = await mined(owner, owner.deployContract({ abi: hostileAbi, bytecode, args }))
  await owner.setCode({
    address: token,
    bytecode: (await owner.getCode({ address: contractAddress ?? token })) ?? '0x',
  })
  pool = await deployPool(network, { manualFinalize: true })
  for (const client of [operator, other, third]) {
    const give = { ...tokenContract, functionName: 'transfer', args: [client.account.address, 2n * STAKE] } as const
    await mined(owner, owner.writeContract(give))
    const approve = { ...tokenContract, functionName: 'approve', args: [pool.address, 2n * STAKE] } as const
    await mined(client, client.writeContract(approve))
  }
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const misbehave = async (call: Hex) => {
  const { owner, token } = network
  await mined(owner, owner.sendTransaction({ to: token, data: call }))
}
const refuse = (client: ChainClient, refused = true) =>
  misbehave(
    encodeFunctionData({ abi: hostileAbi, functionName: 'setRefused', args: [client.account.address, refused] }),
  )
const callBack = (data: Hex) =>
  misbehave(encodeFunctionData({ abi: hostileAbi, functionName: 'setCallback', args: [pool.address, data] }))
const callbackSucceeded = () =>
  network.owner.readContract({ address: network.token, abi: hostileAbi, functionName: 'callbackSucceeded' })
const poolBalance = () => balanceOf(network, pool.address)

test('a token that keeps a fee on the way is refused, since less would be here than is owed', async () => {
  await misbehave(encodeFunctionData({ abi: hostileAbi, functionName: 'setFeeOnTransfer', args: [1n] }))
  const refusal = await revertOf(operator.simulateContract(contribution(pool, QUARTER)))
  expect(refusal[0]).toBe('SafeERC20FailedOperation')
})

test('one whom the token refuses keeps nobody else from a reset, and fetches its part later', async () => {
  await contribute(operator, pool, QUARTER)
  await contribute(other, pool, HALF)
  await refuse(other)
  const before = await balanceOf(network, operator.account.address)
  const receipt = await send(operator, pool, 'withdrawContribution')
  expect(eventsOf(receipt, pool.contract)).toEqual([
    ['Reset', undefined],
    ['WithdrawContribution', { contributor: operator.account.address, amount: QUARTER }],
  ])
  expect(await balanceOf(network, operator.account.address)).toBe(before + QUARTER)
  expect(await poolBalance()).toBe(HALF)

  // Neither a rescue nor a new stake touches it.
  const rescue = { ...pool.contract, functionName: 'rescueERC20', args: [network.token] } as const
  expect((await revertOf(operator.simulateContract(rescue)))[0]).toBe('RescueBalanceIsEmpty')
  await contribute(operator, pool, QUARTER)
  await contribute(third, pool, STAKE - QUARTER)
  await send(operator, pool, 'finalize')
  expect((await revertOf(operator.simulateContract(rescue)))[0]).toBe('RescueBalanceIsEmpty')
  expect(await poolBalance()).toBe(HALF)

  await expect(other.simulateContract(plainCall(pool, 'withdrawContribution'))).rejects.toThrow('refused')
  await refuse(other, false)
  const owed = await balanceOf(network, other.account.address)
  const event = { contributor: other.account.address, amount: HALF }
  expect(eventsOf(await send(other, pool, 'withdrawContribution'), pool.contract)).toEqual([
    ['WithdrawContribution', event],
  ])
  expect(await balanceOf(network, other.account.address)).toBe(owed + HALF)
  expect((await revertOf(other.simulateContract(plainCall(pool, 'withdrawContribution'))))[0]).toBe('NothingToWithdraw')
})

test('one whom the token refuses cannot take twice when it contributes again', async () => {
  await contribute(operator, pool, QUARTER)
  await contribute(other, pool, HALF)
  await refuse(other)
  await send(operator, pool, 'reset')
  await refuse(other, false)
  await contribute(operator, pool, QUARTER)
  await contribute(other, pool, QUARTER)
  await passTime(network, DAY_S)
  const before = await balanceOf(network, other.account.address)
  await send(other, pool, 'withdrawContribution')
  expect(await balanceOf(network, other.account.address)).toBe(before + HALF)
  await send(other, pool, 'withdrawContribution')
  expect(await balanceOf(network, other.account.address)).toBe(before + HALF + QUARTER)
  expect(await poolBalance()).toBe(QUARTER)
})

test('a call back in the middle of a payment finds the contract closed', async () => {
  // The token itself is the operator of a contract of its own, so that a call back comes from one who may do everything.
  const { owner, token } = network
  await owner.impersonateAccount({ address: token })
  await owner.setBalance({ address: token, value: 10n ** 18n })
  await contribute(operator, pool, QUARTER)
  await mined(owner, owner.writeContract({ ...network.tokenContract, functionName: 'transfer', args: [token, STAKE] }))
  const own = { ...network.tokenContract, functionName: 'approve', args: [pool.address, STAKE] } as const
  await mined(owner, owner.writeContract({ ...own, account: token }))
  await mined(owner, owner.writeContract({ ...contribution(pool, QUARTER), account: token }))
  await passTime(network, DAY_S)

  const calls: readonly Hex[] = [
    encodeFunctionData({ abi: contributionAbi, functionName: 'withdrawContribution' }),
    encodeFunctionData({ abi: contributionAbi, functionName: 'contributeFunds', args: [1n, NOBODY] }),
  ]
  for (const data of calls) {
    await callBack(data)
    const before = await poolBalance()
    await contribute(operator, pool, 1n)
    expect(await callbackSucceeded()).toBe(false)
    expect(await poolBalance()).toBe(before + 1n)
  }
  // Outside of a payment the same call succeeds, so it was the moment that was refused.
  const [withdraw = '0x'] = calls
  await mined(owner, owner.sendTransaction({ account: token, to: pool.address, data: withdraw }))
  expect(await poolBalance()).toBe(QUARTER + 2n)
})
