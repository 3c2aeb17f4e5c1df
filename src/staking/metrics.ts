import type { MetricsRegister } from '../base/metrics.ts'

export type RequestOutcome = 'ok' | 'unreachable' | 'timeout' | 'refused' | 'too-large' | 'malformed'
/** Place in the configured order: a host name would tell more than a dashboard needs, and this set is closed. */
export type ProviderLabel = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7'
export type OwnStakeLabel =
  | 'not-registered'
  | 'key-mismatch'
  | 'pending-finality'
  | 'active'
  | 'leaving'
  | 'gone'
  | 'chain-unreachable'

export const OWN_STAKE_LABELS: readonly OwnStakeLabel[] = [
  'not-registered',
  'key-mismatch',
  'pending-finality',
  'active',
  'leaving',
  'gone',
  'chain-unreachable',
]

export type StakingMetrics = ReturnType<typeof createStakingMetrics>

export function createStakingMetrics(register: MetricsRegister) {
  return {
    epochIndex: register.gauge({ name: 'starling_staking_epoch_index', help: 'Index of the current membership epoch' }),
    finalizedBlock: register.gauge({
      name: 'starling_staking_finalized_block_number',
      help: 'Number of the newest finalized block that was seen',
    }),
    finalizedAge: register.gauge({
      name: 'starling_staking_finalized_block_age_seconds',
      help: 'Age of the newest finalized block at the last look at the chain',
    }),
    members: register.gauge({ name: 'starling_staking_members', help: 'Members in the current epoch' }),
    providerUp: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_up',
      help: 'Whether the RPC provider at this place of the configuration answered its last request (0 or 1)',
      labelNames: ['provider'],
    }),
    requests: register.counter<{ outcome: RequestOutcome }>({
      name: 'starling_staking_requests_total',
      help: 'Requests to RPC providers, by how they ended',
      labelNames: ['outcome'],
    }),
    disagreements: register.counter({
      name: 'starling_staking_disagreements_total',
      help: 'Epochs for which RPC providers gave different answers',
    }),
    ownStake: register.gauge<{ state: OwnStakeLabel }>({
      name: 'starling_staking_own_stake',
      help: 'State of this service node in the contract: 1 for the one that holds, 0 for the others',
      labelNames: ['state'],
    }),
  }
}
