import { parseAbi, slice } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import rewardsArtifact from '../../../contracts/artifacts/ServiceNodeRewards.json' with { type: 'json' }
import type { Logger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { serviceNodeRewardsAbi } from '../../../src/staking/abi.ts'
import type { Hex } from '../../../src/staking/chain-reply.ts'
import { createMembershipFollower } from '../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import type { StakingOptions } from '../../../src/staking/options.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts'
import {
  aClock,
  aNode,
  createStakedChain,
  type StakedChain,
  temporaryFolder,
  testStakingOptions,
} from './staked-chain.ts'

let chain: StakedChain
let proxies: RpcProxy[]
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let cleanup: AsyncDisposableStack

beforeAll(async () => {
  chain = await createStakedChain()
  proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(chain.anvil.rpcUrl)))
  await chain.register(aNode())
  await chain.mineAt((await chain.latestTimestampS()) + 200n)
  await chain.finalize()
})
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
})
beforeEach(async () => {
  folder = await temporaryFolder()
  cleanup = new AsyncDisposableStack()
  cleanup.use(folder)
})
afterEach(async () => {
  for (const proxy of proxies) {
    proxy.behaviour = { kind: 'honest' }
    proxy.methods.length = 0
  }
  await cleanup.disposeAsync()
})

/** A node that watches the contract through all three, and what its log warns of. */
async function watch(overrides: Partial<StakingOptions> = {}) {
  const warnings: string[] = []
  const warn = (facts: object, sentence: string) => void warnings.push(`${sentence} ${JSON.stringify(facts)}`)
  const ignore = () => {}
  const log: Logger = { error: warn, warn, info: ignore, debug: ignore, trace: ignore, part: () => log }
  const registry = createMetricsRegistry()
  const components = { log, clock: aClock(), metrics: createStakingMetrics(registry) }
  const urls = proxies.map(({ url }) => url)
  const options = { ...testStakingOptions(chain, urls, folder.path), ...overrides }
  const providers = createChainProviders(components, options)
  const follower = cleanup.use(await createMembershipFollower({ ...components, providers }, options))
  const lookAgain = async () => {
    components.clock.advance(60_000)
    await follower.refresh()
  }
  return { follower, warnings, registry, clock: components.clock, lookAgain }
}

const asOwner = async (functionName: 'pause' | 'unpause' | 'setStakingRequirement', args: readonly bigint[] = []) => {
  const contract = { address: chain.staking.rewards, abi: serviceNodeRewardsAbi } as const
  const hash = await chain.client.writeContract({ ...contract, functionName, args } as never)
  await chain.client.waitForTransactionReceipt({ hash })
  await chain.finalize()
}

/** The same contract from another compiler run, so to speak: what it does is the same, and its code is another one. */
async function upgrade(): Promise<Hex> {
  const adminSlot = '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103'
  const word = await chain.client.getStorageAt({ address: chain.staking.rewards, slot: adminSlot })
  const bytecode = rewardsArtifact.bytecode as Hex
  const made = await chain.client.deployContract({ abi: parseAbi(['constructor()']), bytecode })
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash: made })
  if (!contractAddress || word === undefined) throw new Error('The code was made, and the proxy has an admin')
  const code = await chain.client.getCode({ address: contractAddress })
  await chain.client.setCode({ address: contractAddress, bytecode: `${code}00` as Hex })
  const abi = parseAbi(['function upgradeAndCall(address proxy, address implementation, bytes data) payable'])
  const args = [chain.staking.rewards, contractAddress, '0x'] as const
  const hash = await chain.client.writeContract({
    ...{ address: slice(word, 12), abi, functionName: 'upgradeAndCall', args },
  })
  await chain.client.waitForTransactionReceipt({ hash })
  await chain.finalize()
  return contractAddress.toLowerCase() as Hex
}

test('the contract’s code and rules are known from the start, and that code is accepted', async () => {
  const { follower, warnings, registry } = await watch()
  expect(follower.status().contract).toMatchObject({
    isAccepted: true,
    parameters: { VERSION: '1', paused: '0', isStarted: '1', stakingRequirement: '25000000000000' },
  })
  expect(warnings).toEqual([])
  expect(await registry.expose()).toContain('starling_staking_contract_code_accepted 1')
})

test('what the owner changes is told with what it was before, and costs a few requests for logs otherwise', async () => {
  const { warnings, registry, lookAgain } = await watch()
  await asOwner('pause')
  await asOwner('setStakingRequirement', [26_000_000_000_000n])
  await lookAgain()
  expect(warnings).toEqual([
    expect.stringContaining('changed it {"event":"Paused"'),
    expect.stringContaining('changed it {"event":"StakingRequirementUpdated"'),
    expect.stringContaining('{"parameter":"paused","from":"0","to":"1"}'),
    expect.stringContaining('{"parameter":"stakingRequirement","from":"25000000000000","to":"26000000000000"}'),
  ])
  expect(await registry.expose()).toContain('starling_staking_contract_events_total{event="Paused"} 1')

  await chain.finalize()
  for (const proxy of proxies) proxy.methods.length = 0
  await lookAgain()
  expect(proxies.flatMap(({ methods }) => methods)).not.toContain('eth_call')
  expect(warnings).toHaveLength(4)
  await asOwner('unpause')
  await asOwner('setStakingRequirement', [25_000_000_000_000n])
})

test('changes are found without logs too, after an hour at the latest', async () => {
  for (const proxy of proxies) {
    proxy.behaviour = { kind: 'lying', lie: (method, result) => (method === 'eth_getLogs' ? [] : result) }
  }
  const { warnings, clock, lookAgain } = await watch()
  await asOwner('pause')
  await lookAgain()
  expect(warnings).toEqual([])
  clock.advance(3_600_000)
  await lookAgain()
  expect(warnings).toEqual([expect.stringContaining('"parameter":"paused"')])

  for (const proxy of proxies) proxy.behaviour = { kind: 'refusing', method: 'eth_getLogs' }
  await asOwner('unpause')
  await lookAgain()
  expect(warnings).toHaveLength(2)
})

test('one provider alone cannot make an upgrade up', async () => {
  const { follower, warnings, lookAgain } = await watch()
  const [liar] = proxies
  if (liar === undefined) throw new Error('There are three')
  liar.behaviour = {
    kind: 'lying',
    lie: (method, result) =>
      method === 'eth_getStorageAt' || method === 'eth_getCode' ? `0x${'ab'.repeat(32)}` : result,
  }
  await asOwner('pause')
  await lookAgain()
  expect(follower.status().contract).toMatchObject({ isAccepted: true, parameters: { paused: '1' } })
  expect(warnings.join()).not.toContain('other code')
  await asOwner('unpause')
})

test('an upgrade is told until the operator accepts its code, and the list is read anew', async () => {
  const { follower, warnings, registry, lookAgain } = await watch()
  const before = follower.status().contract
  await chain.mineAt((await chain.latestTimestampS()) + 200n)
  const implementation = await upgrade()
  for (const proxy of proxies) proxy.methods.length = 0
  await lookAgain()
  const after = follower.status().contract
  expect(after).toMatchObject({ implementation, isAccepted: false, acceptedCode: before?.code })
  expect(after?.code).not.toBe(before?.code)
  expect(warnings).toEqual([
    expect.stringContaining('changed it {"event":"Upgraded"'),
    expect.stringMatching(
      new RegExp(`other code.*"implementation":"${implementation}","before":"${before?.implementation}"`),
    ),
  ])
  expect(await registry.expose()).toContain('starling_staking_contract_code_accepted 0')
  expect(follower.current()?.members).toHaveLength(1)

  // Nor does a restart accept it.
  await follower[Symbol.asyncDispose]()
  const restarted = await watch()
  expect(restarted.follower.status().contract).toMatchObject({ isAccepted: false })
  expect(restarted.warnings).toEqual([expect.stringContaining('other code')])
  await restarted.follower[Symbol.asyncDispose]()

  const accepting = await watch({ acceptedCode: after?.code })
  expect(accepting.follower.status().contract).toMatchObject({ isAccepted: true })
  expect(accepting.warnings).toEqual([])
  await accepting.follower[Symbol.asyncDispose]()

  // What was accepted once stays so when the option is taken away.
  expect((await watch()).follower.status().contract).toMatchObject({ isAccepted: true })
})

test('code that the configuration does not name is not accepted from the first look on', async () => {
  const { follower, warnings } = await watch({ acceptedCode: `0x${'12'.repeat(32)}` })
  expect(follower.status().contract).toMatchObject({ isAccepted: false })
  expect(warnings).toEqual([expect.stringContaining('other code')])
})
