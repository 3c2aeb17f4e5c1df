import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createMembershipFollower } from '../../../src/staking/membership-follower.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import { createOwnStake } from '../../../src/staking/own-stake.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import { createRewardsMetrics } from '../../../src/staking/rewards/metrics.ts'
import { createRewardsLedger } from '../../../src/staking/rewards/rewards-ledger.ts'
import { createContractReader } from '../../../src/staking/signatures/contract-reader.ts'
import { defaultSignatureOptions } from '../../../src/staking/signatures/options.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { aClock, aNode, createStakedChain, temporaryFolder, testStakingOptions } from './staked-chain.ts'

test('all readers of the chain share one budget for each provider, and wait for their turn', async () => {
  await using chain = await createStakedChain()
  await using folder = await temporaryFolder()
  await using first = await startRpcProxy(chain.anvil.rpcUrl)
  await using second = await startRpcProxy(chain.anvil.rpcUrl)
  const node = aNode()
  await chain.register(node)
  await chain.mineAt((await chain.latestTimestampS()) + 200n)
  await chain.finalize()

  const registry = createMetricsRegistry()
  const clock = aClock()
  const begunMs = clock.nowMs()
  const pause = async (ms: number) => clock.advance(ms)
  const parts = { log: silentLogger, clock, metrics: createStakingMetrics(registry) }
  const options = {
    ...testStakingOptions(chain, [first.url, second.url], folder.path),
    ...{ requestsPerSecond: 2, requestsBurst: 20, logPageBlocks: 5 },
  }
  const providers = createChainProviders({ ...parts, pause }, options)
  await using follower = await createMembershipFollower({ ...parts, providers }, options)
  const rewards = { ...parts, metrics: createRewardsMetrics(registry), providers, others: () => [] }
  await using ledger = await createRewardsLedger(rewards, options)
  await using stake = await createOwnStake({ ...parts, providers }, { ...options, ...node.keys })
  const contract = createContractReader({ providers, clock }, { ...options, ...defaultSignatureOptions })
  const [paused] = await Promise.all([contract.paused(), ledger.refresh(), follower.refresh(), stake.refresh()])

  expect(follower.current()?.members).toHaveLength(1)
  expect([paused, stake.state().kind, ledger.status().lastError]).toEqual([false, 'active', undefined])
  const allowed = 20 + (2 * (clock.nowMs() - begunMs)) / 1000
  for (const { methods } of [first, second]) {
    expect(methods.length).toBeGreaterThan(40)
    expect(methods.length).toBeLessThanOrEqual(allowed)
  }
  expect(await registry.expose()).toMatch(/starling_staking_request_budget_waits_total\{provider="0"\} [1-9]/)
})
