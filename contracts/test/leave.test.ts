import { parseEventLogs } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChainClient } from '../../devnet/chain/chain-client.ts'
import { blsPublicKeyParameter } from '../../src/crypto/bls.ts'
import {
  balanceOf,
  contributor,
  createStakingNetwork,
  DAY_S,
  HOUR_S,
  type Member,
  mineAt,
  mined,
  nowS,
  passTime,
  register,
  restoreAfterEach,
  revertOf,
  STAKE,
  type StakingNetwork,
} from './staking-network.ts'

let network: StakingNetwork
/** Operated by `operator`; `other` owns less than a quarter of it, `stranger` nothing. */
let member: Member

beforeAll(async () => {
  network = await createStakingNetwork()
  const { operator, other } = network
  const small = STAKE / 5n
  const contributors = [contributor(operator.account.address, STAKE - small), contributor(other.account.address, small)]
  member = await register(network, operator, { contributors })
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const leave = (id = member.id) =>
  ({ ...network.rewardsContract, functionName: 'initiateExitBLSPublicKey', args: [id] }) as const
const exit = (id = member.id) =>
  ({ ...network.rewardsContract, functionName: 'exitBLSPublicKeyAfterWaitTime', args: [id] }) as const
const nodeOf = (id = member.id) =>
  network.owner.readContract({ ...network.rewardsContract, functionName: 'serviceNodes', args: [id] })

async function askToLeave(client: ChainClient) {
  return await mined(client, client.writeContract(leave()))
}

test('an operator asks to leave, and stays a member', async () => {
  const receipt = await askToLeave(network.operator)
  const logs = parseEventLogs({ abi: network.rewardsContract.abi, logs: receipt.logs })
  expect(logs.map(({ eventName, args }) => [eventName, args])).toEqual([
    [
      'ServiceNodeExitRequest',
      {
        serviceNodeID: member.id,
        initiator: network.operator.account.address,
        pubkey: blsPublicKeyParameter(member.publicKey),
      },
    ],
  ])
  const now = BigInt(await nowS(network))
  expect(await nodeOf()).toMatchObject({ leaveRequestTimestamp: now, latestLeaveRequestTimestamp: now, deposit: STAKE })
})

test('only a contributor asks, and only for a member', async () => {
  const { stranger, operator } = network
  const caller = stranger.account.address
  expect(await revertOf(stranger.simulateContract(leave()))).toEqual(['CallerNotContributor', member.id, caller])
  for (const id of [0n, 99n]) {
    expect(await revertOf(operator.simulateContract(leave(id)))).toEqual(['ServiceNodeDoesntExist', id])
  }
})

test('a request may be repeated after an hour, which renews the event but not the wait', async () => {
  await askToLeave(network.operator)
  const first = await nowS(network)
  const repeatable = first + HOUR_S
  await mineAt(network, repeatable - 1)
  expect(await revertOf(network.operator.simulateContract(leave()))).toEqual([
    'LeaveRequestTooEarly',
    member.id,
    BigInt(repeatable),
    BigInt(repeatable - 1),
  ])
  await mineAt(network, repeatable)
  await askToLeave(network.operator)
  expect(await nodeOf()).toMatchObject({
    leaveRequestTimestamp: BigInt(first),
    latestLeaveRequestTimestamp: BigInt(await nowS(network)),
  })
  await mineAt(network, first + 30 * DAY_S)
  await network.stranger.simulateContract(exit())
})

test('a small contributor cannot end a young service node, but an old one', async () => {
  const { other } = network
  expect(await revertOf(other.simulateContract(leave()))).toEqual([
    'SmallContributorLeaveTooEarly',
    member.id,
    other.account.address,
  ])
  await passTime(network, 30 * DAY_S)
  await askToLeave(other)
  expect((await nodeOf()).leaveRequestTimestamp).toBeGreaterThan(0n)
})

test('a contributor with a quarter of the stake is not small', async () => {
  const { operator, other } = network
  const quarter = STAKE / 4n
  const contributors = [
    contributor(operator.account.address, STAKE - quarter),
    contributor(other.account.address, quarter),
  ]
  const { id } = await register(network, operator, { contributors })
  await mined(other, other.writeContract(leave(id)))
})

test('thirty days after the request anybody removes the service node, and no token moves', async () => {
  await askToLeave(network.operator)
  const end = (await nowS(network)) + 30 * DAY_S
  const { owner, stranger, rewardsContract } = network
  await mineAt(network, end - 1)
  expect(await revertOf(stranger.simulateContract(exit()))).toEqual([
    'LeaveRequestTooEarly',
    member.id,
    BigInt(end),
    BigInt(end - 1),
  ])
  await mineAt(network, end)
  const before = await balanceOf(network, network.rewards)
  const receipt = await mined(stranger, stranger.writeContract(exit()))
  const logs = parseEventLogs({ abi: rewardsContract.abi, logs: receipt.logs })
  expect(logs.map(({ eventName, args }) => [eventName, args])).toEqual([
    [
      'ServiceNodeExit',
      {
        serviceNodeID: member.id,
        initiator: stranger.account.address,
        returnedAmount: STAKE,
        pubkey: blsPublicKeyParameter(member.publicKey),
      },
    ],
  ])
  expect(await balanceOf(network, network.rewards)).toBe(before)
  expect(await nodeOf()).toMatchObject({ deposit: 0n, ed25519Pubkey: 0n, contributors: [] })
  expect(await owner.readContract({ ...rewardsContract, functionName: 'totalNodes' })).toBe(0n)
  expect(await revertOf(stranger.simulateContract(exit()))).toEqual(['ServiceNodeDoesntExist', member.id])
})

test('without a request no wait is long enough', async () => {
  await passTime(network, 90 * DAY_S)
  const call = network.operator.simulateContract(exit())
  expect(await revertOf(call)).toEqual(['LeaveRequestNotInitiatedYet', member.id])
})

test('keys that left may come back, with a new id', async () => {
  await askToLeave(network.operator)
  await passTime(network, 30 * DAY_S)
  await mined(network.operator, network.operator.writeContract(exit()))
  const again = await register(network, network.operator, { keys: member })
  expect(again.id).toBe(member.id + 1n)
})

test('nobody asks to leave, or goes, while the contract is paused', async () => {
  await askToLeave(network.operator)
  await passTime(network, 30 * DAY_S)
  await mined(network.owner, network.owner.writeContract({ ...network.rewardsContract, functionName: 'pause' }))
  expect(await revertOf(network.operator.simulateContract(leave()))).toEqual(['EnforcedPause'])
  expect(await revertOf(network.operator.simulateContract(exit()))).toEqual(['EnforcedPause'])
})
