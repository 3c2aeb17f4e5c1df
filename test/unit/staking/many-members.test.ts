import { english, generateMnemonic, mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStakingNetwork, mined, type StakingNetwork } from '../../../contracts/test/staking-network.ts'
import { placeMulticall } from '../../../devnet/chain/multicall.ts'
import { manySeedMembers } from '../../../devnet/chain/seed-members.ts'
import type { Member } from '../../../src/protocol/service-node.ts'
import type { MembershipFollower } from '../../../src/staking/membership-follower.ts'
import { defaultStakingOptions } from '../../../src/staking/options.ts'
import { membersOfState } from './contract-truth.ts'
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import { temporaryFolder } from './staked-chain.ts'
import { openFollower, type TestFollower } from './test-follower.ts'

// What a list of hundreds costs the two providers that are asked for it.

const MEMBERS = 300
const EPOCH_S = 100
/** Heads, blocks around the boundaries of two epochs, logs, the list of ids, and what shows that it is the right contract. */
const OTHERS_MAX = 50

let network: StakingNetwork
let proxies: readonly RpcProxy[]

beforeAll(async () => {
  const mnemonic = generateMnemonic(english)
  const operator = mnemonicToAccount(mnemonic, { addressIndex: 1 }).address
  const seedMembers = manySeedMembers(MEMBERS, operator)
  network = await createStakingNetwork({ seedMembers, startsEmpty: false }, { mnemonic })
  proxies = await Promise.all([0, 1].map(() => startRpcProxy(network.anvil.rpcUrl)))
  await passEpoch()
})
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  await network[Symbol.asyncDispose]()
})

async function passEpoch(): Promise<void> {
  const { owner } = network
  const { timestamp } = await owner.getBlock()
  await owner.setNextBlockTimestamp({ timestamp: (timestamp / BigInt(EPOCH_S) + 1n) * BigInt(EPOCH_S) + 5n })
  await owner.mine({ blocks: 3 })
}

function follow(stateFolder: string): Promise<TestFollower> {
  const chain = { anvil: network.anvil, staking: network }
  const urls = proxies.map(({ url }) => url)
  return openFollower(chain, urls, stateFolder, { epochLengthS: EPOCH_S })
}

/** What came out, and how many requests the provider got that was asked most. */
async function counted<T>(work: () => Promise<T>): Promise<{ result: T; requests: number }> {
  for (const { methods } of proxies) methods.length = 0
  const result = await work()
  return { result, requests: Math.max(...proxies.map(({ methods }) => methods.length)) }
}

async function expectTrue(follower: MembershipFollower): Promise<void> {
  const epoch = follower.current()
  expect(epoch?.members).toHaveLength(MEMBERS)
  expect(epoch?.members).toEqual(await membersOfState(network, epoch?.blockNumber ?? 0n))
}

test('without Multicall3 each member is read once, later only those that changed, and after a restart none', async () => {
  await using folder = await temporaryFolder()
  const started = await counted(() => follow(folder.path))
  const { follower } = started.result
  expect(started.requests).toBeGreaterThan(MEMBERS)
  expect(started.requests).toBeLessThan(MEMBERS + OTHERS_MAX)
  await expectTrue(follower)

  const request = { ...network.rewardsContract, functionName: 'initiateExitBLSPublicKey', args: [77n] } as const
  await mined(network.operator, network.operator.writeContract(request))
  await passEpoch()
  const before = follower.current()
  const changed = await counted(() => follower.refresh())
  expect(changed.requests).toBeLessThan(OTHERS_MAX)
  await expectTrue(follower)
  const others = (members: readonly Member[] = []) => members.filter(({ id }) => id !== 77n)
  expect(others(follower.current()?.members)).toEqual(others(before?.members))
  expect(follower.current()?.root).not.toBe(before?.root)

  await follower[Symbol.asyncDispose]()
  const restarted = await counted(() => follow(folder.path))
  expect(restarted.requests).toBeLessThan(OTHERS_MAX)
  expect(restarted.result.follower.current()).toEqual(follower.current())
  await restarted.result[Symbol.asyncDispose]()
})

test('with Multicall3 hundreds of members take a few requests', async () => {
  await placeMulticall(network.owner, defaultStakingOptions.multicall)
  await passEpoch()
  await using folder = await temporaryFolder()
  const { result, requests } = await counted(() => follow(folder.path))
  await using started = result
  expect(requests).toBeLessThan(OTHERS_MAX)
  await expectTrue(started.follower)
})
