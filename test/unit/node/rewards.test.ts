import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createNodeRewards, rewardsTrouble } from '../../../src/node/rewards.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import { defaultStakingOptions } from '../../../src/staking/options.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'

const SELF = parseServiceNodeKey('11'.repeat(32)) as ServiceNodeKey

test('where another chain computes rewards there is no ledger, but its metrics are there', async () => {
  const register = createMetricsRegistry()
  const options = {
    ...defaultStakingOptions,
    chainId: 1,
    contract: `0x${'c0'.repeat(20)}`,
    rpcUrls: ['http://127.0.0.1:1'],
    epochLengthS: 600,
    stateFolder: '/nonexistent',
    rewards: { ...defaultStakingOptions.rewards, enabled: false },
  } as const
  const parts = { log: silentLogger, clock: systemClock }
  const providers = createChainProviders({ ...parts, metrics: createStakingMetrics(register) }, options)
  const peers = { records: () => [] }
  expect(await createNodeRewards({ ...parts, register, providers, peers, self: SELF }, options)).toBeUndefined()
  expect(await register.expose()).toContain('starling_staking_rewards_period')
})

test('the operator is told why no balances are signed, and what to do', () => {
  expect(rewardsTrouble({ dissent: undefined })).toBeUndefined()
  expect(rewardsTrouble({ dissent: undefined, lastError: 'LOGS_INCONSISTENT' })).toContain('LOGS_INCONSISTENT')
  expect(rewardsTrouble({ dissent: 'contract' })).toContain('remove staking/rewards.json')
  expect(rewardsTrouble({ dissent: 'records', lastError: 'PROVIDER_TIMEOUT' })).toContain('More than a third')
})
