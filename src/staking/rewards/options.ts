import { DAY, type DurationMs, HOUR, MINUTE } from '../../base/clock.ts'
import { StakingError } from '../errors.ts'
import { periodsIn } from './ledger-event.ts'
import type { LedgerRules } from './ledger-state.ts'

/** How the ledger of rewards is kept. */
export interface RewardsOptions {
  /** Whether it is kept at all: not on Session's network, whose own chain computes rewards. */
  readonly enabled: boolean
  /** First block whose logs are read, at or before the contract's deployment; 0 has the deployment searched for. */
  readonly deployedBlock: number
  /** Length of a period in seconds; the same on every node of a network. A day, so that a pool's release is shared once a day. */
  readonly periodS: number
  /** Age from which a member earns; the same on every node. Session's nodes earn after a day, too. */
  readonly ageMinS: number
  /** How long the stake of a liquidated node is locked; the same on every node. Thirty days, as Session locks it. */
  readonly liquidationLockS: number
  /** Pause between two looks at the chain. Totals change once a period, so minutes do; each costs a few requests a provider. */
  readonly intervalMs: DurationMs
  /** Longest wait for all that one look at the chain needs. */
  readonly passTimeoutMs: DurationMs
  /** Pages of logs read in one look at the chain: some three requests a provider each, which plans must allow. */
  readonly pagesPerPassMax: number
  /** How often the ledger's members are compared with the contract's own list. */
  readonly reconcileIntervalMs: DurationMs
  /** So long the logs may contradict the contract, or one another, before all of them are read again: providers may be behind. */
  readonly rebuildAfterMs: DurationMs
  /** All logs are read again no oftener than this: what every provider lacks would be lacking again, and each log costs. */
  readonly rebuildIntervalMs: DurationMs
  /** Other nodes' records that are older do not count against this ledger: they sign a new one every half an hour. */
  readonly recordAgeMaxMs: DurationMs
}

export const defaultRewardsOptions: RewardsOptions = {
  enabled: true,
  deployedBlock: 0,
  periodS: 24 * 60 * 60,
  ageMinS: 24 * 60 * 60,
  liquidationLockS: 30 * 24 * 60 * 60,
  intervalMs: 5 * MINUTE,
  passTimeoutMs: 10 * MINUTE,
  pagesPerPassMax: 500,
  reconcileIntervalMs: HOUR,
  rebuildAfterMs: HOUR,
  rebuildIntervalMs: DAY,
  recordAgeMaxMs: 65 * MINUTE,
}

/** @throws {StakingError} STAKING_OPTIONS_INVALID */
export function ledgerRules(options: RewardsOptions, { membersMax }: { membersMax: number }): LedgerRules {
  const { periodS, ageMinS, liquidationLockS } = options
  const isWhole = (value: number, min: number) => Number.isSafeInteger(value) && value >= min
  if (!isWhole(periodS, 1) || !isWhole(ageMinS, 0) || !isWhole(liquidationLockS, 0))
    throw new StakingError('STAKING_OPTIONS_INVALID', 'Times of the rewards ledger are whole seconds')
  return {
    agePeriods: Math.max(1, periodsIn(ageMinS, periodS)),
    lockPeriods: periodsIn(liquidationLockS, periodS),
    membersMax,
  }
}
