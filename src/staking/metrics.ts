import type { MetricsRegister } from '../base/metrics.ts'
import type { ChainStanding } from './chain-standing.ts'

export type RequestOutcome = 'ok' | 'unreachable' | 'timeout' | 'refused' | 'limited' | 'too-large' | 'malformed'
/** Place in the configured order: a host name would tell more than a dashboard needs, and this set is closed. */
export type ProviderLabel = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7'
/** What the owner of the contract may do to it. */
export type WatchedEvent =
  | 'Upgraded'
  | 'OwnershipTransferred'
  | 'Paused'
  | 'Unpaused'
  | 'StakingRequirementUpdated'
  | 'SignatureExpiryUpdated'
  | 'BLSNonSignerThresholdMaxUpdated'
  | 'ClaimThresholdUpdated'
  | 'ClaimCycleUpdated'
  | 'LiquidationRatiosUpdated'
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
    frozen: register.gauge({
      name: 'starling_staking_chain_frozen',
      help: 'Whether the newest finalized block is so old that nothing is signed for the contract (0 or 1)',
    }),
    standing: register.gauge<{ standing: ChainStanding }>({
      name: 'starling_staking_chain_standing',
      help: 'How the view of the chain is founded: 1 for what holds, 0 for the others. Alert on on-backup and too-few',
      labelNames: ['standing'],
    }),
    providerUp: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_up',
      help: 'Whether nothing is held against the RPC provider at this place of the configuration (0 or 1)',
      labelNames: ['provider'],
    }),
    providerInUse: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_in_use',
      help: 'Whether this RPC provider is one of those asked first (0 or 1)',
      labelNames: ['provider'],
    }),
    providerHead: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_head_block_number',
      help: 'Number of the newest finalized block that this RPC provider claims',
      labelNames: ['provider'],
    }),
    providerHeadAge: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_head_age_seconds',
      help: 'Age of that block at the last look at the chain',
      labelNames: ['provider'],
    }),
    providerDisagreements: register.counter<{ provider: ProviderLabel }>({
      name: 'starling_staking_provider_disagreements_total',
      help: 'How often this RPC provider contradicted what others agreed on',
      labelNames: ['provider'],
    }),
    requests: register.counter<{ provider: ProviderLabel; outcome: RequestOutcome }>({
      name: 'starling_staking_requests_total',
      help: 'Requests to RPC providers, by how they ended',
      labelNames: ['provider', 'outcome'],
    }),
    requestSeconds: register.histogram<{ provider: ProviderLabel }>({
      name: 'starling_staking_request_seconds',
      help: 'Time that RPC providers took to answer, or to fail',
      labelNames: ['provider'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
    budgetLeft: register.gauge<{ provider: ProviderLabel }>({
      name: 'starling_staking_request_budget_left',
      help: 'Requests that this RPC provider may be sent at once before they have to wait',
      labelNames: ['provider'],
    }),
    budgetWaits: register.counter<{ provider: ProviderLabel }>({
      name: 'starling_staking_request_budget_waits_total',
      help: 'Requests to this RPC provider that had to wait for the budget',
      labelNames: ['provider'],
    }),
    codeAccepted: register.gauge({
      name: 'starling_staking_contract_code_accepted',
      help: 'Whether the contract runs the code that the operator accepted (0 or 1; 1 until it has been read)',
    }),
    contractEvents: register.counter<{ event: WatchedEvent }>({
      name: 'starling_staking_contract_events_total',
      help: "Events by which the contract's owner changed its code or its rules",
      labelNames: ['event'],
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
