import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createNodeRewards, recordedRewards, rewardsTrouble } from '../../../src/node/rewards.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../../../src/protocol/service-node.ts'
import { createStakingMetrics } from '../../../src/staking/metrics.ts'
import { defaultStakingOptions } from '../../../src/staking/options.ts'
import { createChainProviders } from '../../../src/staking/providers.ts'
import type { RewardsDissent } from '../../../src/staking/rewards/snapshot.ts'

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

test('a record tells of the ledger unless it is known to be wrong', () => {
  const snapshot = { index: 3, root: 'ab'.repeat(32) }
  const ledger = (dissent: RewardsDissent | undefined) => ({ status: () => ({ dissent }), current: () => snapshot })
  expect(recordedRewards(undefined)).toBeUndefined()
  expect(recordedRewards(ledger('contract'))).toBeUndefined()
  // The others may be the ones that are wrong.
  for (const dissent of [undefined, 'records'] as const) expect(recordedRewards(ledger(dissent))).toBe(snapshot)
})

test('the operator is told why no balances are signed, and what to do', () => {
  expect(rewardsTrouble({ dissent: undefined })).toBeUndefined()
  expect(rewardsTrouble({ dissent: undefined, lastError: 'LOGS_INCONSISTENT' })).toContain('LOGS_INCONSISTENT')
  expect(rewardsTrouble({ dissent: 'contract' })).toContain('remove staking/rewards.json')
  expect(rewardsTrouble({ dissent: 'records', lastError: 'PROVIDER_TIMEOUT' })).toContain('More than a third')
})
