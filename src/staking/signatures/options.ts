import { DAY, type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import type { Rate } from '../../base/rate-limiter.ts'
import { type StakingOptions, defaultStakingOptions as staking } from '../options.ts'

/** When a member signs for the staking contract, and how signatures are collected. */
export interface SignatureOptions extends Pick<StakingOptions, 'signs' | 'unlockAfterMs' | 'finalizedAgeMaxMs'> {
  /** How long after a request to leave a liquidation is signed: a week in which the operator could have had its exit. */
  readonly liquidateAfterMs: DurationMs
  /** From which age on a registration that its Ed25519 key did not sign is liquidated: until then it may be replaced in peace. */
  readonly registrationAgeMs: DurationMs
  /** How far a timestamp may be from the clock. The contract takes signatures for ten minutes, and does not bound the future. */
  readonly clockToleranceMs: DurationMs
  /** Records of others that are older say nothing about our list: they sign a new one every half an hour. */
  readonly recordAgeMaxMs: DurationMs
  /** For so long the contract is taken to be as it was, so that requests of members cost no requests to providers. */
  readonly contractReadMs: DurationMs
  /** Requests of one member; those of a whole network for this node's signatures are far fewer. */
  readonly callerRate: Rate
  /** Requests about one member or account, by everyone. Each minute brings one message at most to sign about it. */
  readonly subjectRate: Rate
  /**
   * Registrations looked up, of those that are not remembered: some 40 requests to each of two providers. Any member may have us look
   * up every other one, and must not use up what a plan allows.
   */
  readonly lookupRate: Rate
  /** Longest wait for the look-up of one registration. */
  readonly lookupTimeoutMs: DurationMs

  /** Members asked at the same time. */
  readonly askedAtOnce: number
  /** Longest wait for one member. Signing takes 20 ms; the rest is for dialling and for a busy machine. */
  readonly askTimeoutMs: DurationMs
  /** Longest wait for all of them: 2,000 members of whom a third is silent take 50 s. */
  readonly collectTimeoutMs: DurationMs
  /** Time to find false signatures in, besides. */
  readonly bisectBudgetMs: DurationMs
  /** So long a member is not asked after a false signature. */
  readonly benchMs: DurationMs
  /** So long collected signatures serve for the same message again; a timestamp is good for hardly longer. */
  readonly reuseMs: DurationMs
  /** Messages collected for at once. */
  readonly collectionsMax: number
  /** Looks at the contract's newest list, in case it changes while signatures are summed. */
  readonly listReadsMax: number

  /** BLS tasks that may wait. */
  readonly blsTasksMax: number
  /** Longest wait for one, turn included. */
  readonly blsTaskTimeoutMs: DurationMs
}

export const defaultSignatureOptions: SignatureOptions = {
  signs: staking.signs,
  unlockAfterMs: staking.unlockAfterMs,
  liquidateAfterMs: 22 * DAY,
  registrationAgeMs: DAY,
  clockToleranceMs: 3 * MINUTE,
  finalizedAgeMaxMs: staking.finalizedAgeMaxMs,
  recordAgeMaxMs: 65 * MINUTE,
  contractReadMs: MINUTE,
  callerRate: { burst: 20, perSecond: 0.2 },
  subjectRate: { burst: 20, perSecond: 0.5 },
  lookupRate: { burst: 5, perSecond: 1 / 120 },
  lookupTimeoutMs: 30 * SECOND,

  askedAtOnce: 64,
  askTimeoutMs: 5 * SECOND,
  collectTimeoutMs: 90 * SECOND,
  bisectBudgetMs: 30 * SECOND,
  benchMs: 5 * MINUTE,
  reuseMs: 90 * SECOND,
  collectionsMax: 4,
  listReadsMax: 4,

  blsTasksMax: 64,
  blsTaskTimeoutMs: 20 * SECOND,
}
