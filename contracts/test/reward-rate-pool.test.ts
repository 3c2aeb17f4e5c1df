import { parseEventLogs, zeroAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  balanceOf,
  createStakingNetwork,
  DAY_S,
  mineAt,
  mined,
  nowS,
  registerMany,
  restoreAfterEach,
  revertOf,
  type StakingNetwork,
} from './staking-network.ts'

const FUNDS = 1_000_000_000_000_000n
const YEAR_S = 365 * DAY_S

let network: StakingNetwork
/** What the rewards contract holds of stakes. */
let stakes: bigint

beforeAll(async () => {
  network = await createStakingNetwork()
  await registerMany(network, 4)
  await mineAt(network, (await nowS(network)) + YEAR_S)
  await network.fundPool(FUNDS)
  stakes = await balanceOf(network, network.rewards)
})
afterAll(() => network[Symbol.asyncDispose]())
restoreAfterEach(() => network)

const payout = () => ({ ...network.poolContract, functionName: 'payoutReleased' }) as const
const read = (functionName: 'calculateReleasedAmount' | 'rewardRate' | 'totalPaidOut' | 'lastPaidOutTime') =>
  network.owner.readContract({ ...network.poolContract, functionName })

test('a year releases 15.1 % of the balance, two minutes their part of it', async () => {
  const { owner, poolContract } = network
  const calculate = (balance: bigint, elapsed: bigint) =>
    owner.readContract({ ...poolContract, functionName: 'calculatePayoutAmount', args: [balance, elapsed] })
  expect(await calculate(1000n, BigInt(YEAR_S))).toBe(151n)
  expect(await calculate(FUNDS, 0n)).toBe(0n)
  expect(await read('rewardRate')).toBe((FUNDS * 151n * 120n) / (1000n * BigInt(YEAR_S)))
})

test('anybody moves what accrued to the rewards contract', async () => {
  const { owner, stranger, poolContract, pool, rewards } = network
  const last = await read('lastPaidOutTime')
  await mineAt(network, (await nowS(network)) + 30 * DAY_S)
  const receipt = await mined(stranger, stranger.writeContract(payout()))
  const elapsed = BigInt(await nowS(network)) - last
  const released = (FUNDS * 151n * elapsed) / (1000n * BigInt(YEAR_S))
  const [event] = parseEventLogs({ abi: poolContract.abi, logs: receipt.logs })
  expect(event).toMatchObject({ eventName: 'FundsReleased', args: { amount: released } })
  expect(await balanceOf(network, pool)).toBe(FUNDS - released)
  expect(await balanceOf(network, rewards)).toBe(stakes + released)
  expect(await read('totalPaidOut')).toBe(released)
  expect(await read('calculateReleasedAmount')).toBe(0n)
  expect(await owner.readContract({ ...poolContract, functionName: 'calculateTotalDeposited' })).toBe(FUNDS)
})

test('funds count from the moment they come', async () => {
  const second = (FUNDS * 151n) / (1000n * BigInt(YEAR_S))
  expect(await read('calculateReleasedAmount')).toBeLessThan(60n * second)
})

test('the pool never pays more than it has', async () => {
  await mineAt(network, (await nowS(network)) + 20 * YEAR_S)
  expect(await read('calculateReleasedAmount')).toBe(FUNDS)
  await mined(network.stranger, network.stranger.writeContract(payout()))
  expect(await balanceOf(network, network.pool)).toBe(0n)
})

test('the owner names another beneficiary, after the old one is paid', async () => {
  const { owner, stranger, other, poolContract, rewards } = network
  await mineAt(network, (await nowS(network)) + DAY_S)
  const change = { ...poolContract, functionName: 'setBeneficiary', args: [other.account.address] } as const
  const refused = await revertOf(stranger.simulateContract(change))
  expect(refused).toEqual(['OwnableUnauthorizedAccount', stranger.account.address])
  await mined(owner, owner.writeContract(change))
  expect(await balanceOf(network, rewards)).toBeGreaterThan(stakes)
  await mineAt(network, (await nowS(network)) + DAY_S)
  await mined(stranger, stranger.writeContract(payout()))
  expect(await balanceOf(network, other.account.address)).toBeGreaterThan(0n)
  const nobody = { ...poolContract, functionName: 'setBeneficiary', args: [zeroAddress] } as const
  expect(await revertOf(owner.simulateContract(nobody))).toEqual(['NullAddress'])
})

test('a pool is initialised once', async () => {
  const { stranger, poolContract, rewards, token } = network
  const call = stranger.simulateContract({ ...poolContract, functionName: 'initialize', args: [rewards, token] })
  expect(await revertOf(call)).toEqual(['InvalidInitialization'])
})
