import type { MetricsRegister } from '../../base/metrics.ts'
import type { RewardsDissent } from './snapshot.ts'

export const REWARDS_DISSENTS: readonly RewardsDissent[] = ['contract', 'records']

export type RewardsMetrics = ReturnType<typeof createRewardsMetrics>

export function createRewardsMetrics(register: MetricsRegister) {
  return {
    period: register.gauge({
      name: 'starling_staking_rewards_period',
      help: 'Period of the newest snapshot of the rewards ledger',
    }),
    block: register.gauge({
      name: 'starling_staking_rewards_block_number',
      help: 'Last block whose logs are in the rewards ledger',
    }),
    missingBlocks: register.gauge({
      name: 'starling_staking_rewards_missing_blocks',
      help: 'Finalized blocks whose logs are not in the rewards ledger yet',
    }),
    rewinds: register.counter({
      name: 'starling_staking_rewards_rewinds_total',
      help: 'Times that logs were taken back because their blocks are not of the chain any more',
    }),
    rebuilds: register.counter({
      name: 'starling_staking_rewards_rebuilds_total',
      help: 'Times that all logs were read again because they contradicted the contract, or one another',
    }),
    disagreements: register.counter({
      name: 'starling_staking_rewards_disagreements_total',
      help: 'Questions about the rewards ledger to which RPC providers gave different answers',
    }),
    dissent: register.gauge<{ with: RewardsDissent }>({
      name: 'starling_staking_rewards_dissent',
      help: "Whether the rewards ledger differs from the contract's list of members, or from too many nodes' records (0 or 1)",
      labelNames: ['with'],
    }),
  }
}
