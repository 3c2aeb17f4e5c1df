import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { MetricsRegister } from '../base/metrics.ts'
import type { PeerNetwork } from '../network/peer-network.ts'
import type { RecordedRewards } from '../protocol/peer-api/node-record.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ChainProviders } from '../staking/providers.ts'
import { createRewardsMetrics } from '../staking/rewards/metrics.ts'
import { createRewardsLedger, type RewardsLedgerOptions } from '../staking/rewards/rewards-ledger.ts'
import type { RewardsLedger, RewardsStatus } from '../staking/rewards/snapshot.ts'

export interface NodeRewardsComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly register: MetricsRegister
  readonly providers: ChainProviders
  readonly peers: Pick<PeerNetwork, 'records'>
  readonly self: ServiceNodeKey
}

/** The ledger of rewards, compared with what others say of theirs; undefined on a network whose rewards are not ours to compute. */
export async function createNodeRewards(
  { register, peers, self, ...parts }: NodeRewardsComponents,
  options: RewardsLedgerOptions,
): Promise<RewardsLedger | undefined> {
  // The metrics are there all the same, so that dashboards and docs/metrics.md fit every node.
  const metrics = createRewardsMetrics(register)
  const { enabled, recordAgeMaxMs } = options.rewards
  if (!enabled) return undefined
  const others = (): readonly RecordedRewards[] => {
    const sinceMs = parts.clock.nowMs() - recordAgeMaxMs
    const fresh = peers.records().filter(({ key, record }) => key !== self && record.timestampMs >= sinceMs)
    return fresh.flatMap(({ record }) => record.rewards ?? [])
  }
  return await createRewardsLedger({ ...parts, metrics, others }, options)
}

/** What this node's record says of its ledger: nothing of one that it knows to be wrong, for others would count it as an opinion. */
export function recordedRewards(
  ledger: { status(): Pick<RewardsStatus, 'dissent'>; current(): RecordedRewards | undefined } | undefined,
): RecordedRewards | undefined {
  return ledger?.status().dissent === 'contract' ? undefined : ledger?.current()
}

/** What an operator should see to about the ledger; undefined while all is well. */
export function rewardsTrouble({
  dissent,
  lastError,
}: Pick<RewardsStatus, 'dissent'> & { readonly lastError?: RewardsStatus['lastError'] }): string | undefined {
  if (dissent !== undefined) return DISSENTS[dissent]
  if (lastError === undefined) return undefined
  return `The rewards cannot be computed any further (${lastError}), so no newer balances are signed: check staking.rpcUrls and staking.deployedBlock`
}

const DISSENTS: Readonly<Record<NonNullable<RewardsStatus['dissent']>, string>> = {
  contract:
    "The logs of the contract do not give the contract's members, so no rewards are signed: check staking.rpcUrls and staking.deployedBlock. After an hour, and then once a day, all logs are read again; to have that sooner, remove staking/rewards.json and restart",
  records:
    'More than a third of the service nodes compute other rewards, so none are signed: check staking.rpcUrls and the staking.rewards options',
}
