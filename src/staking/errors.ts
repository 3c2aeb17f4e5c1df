import { CodedError } from '../base/coded-error.ts'

export type StakingErrorCode =
  /** An option of the staking part is missing or out of range; the message says which. */
  | 'STAKING_OPTIONS_INVALID'
  /** No connection to the RPC provider, or it broke. */
  | 'PROVIDER_UNREACHABLE'
  /** The RPC provider did not answer in time. */
  | 'PROVIDER_TIMEOUT'
  /** The RPC provider answered with an error: no such block, unknown method, more logs than it gives at once. */
  | 'PROVIDER_REFUSED'
  /** The RPC provider asks for fewer requests (HTTP status 429, or 503 with Retry-After). */
  | 'PROVIDER_LIMITED'
  /** The RPC provider's answer is longer than we read. */
  | 'PROVIDER_REPLY_TOO_LARGE'
  /** The RPC provider's answer is not of the expected form. */
  | 'PROVIDER_REPLY_MALFORMED'
  /** The code at the contract's address refuses a call that the staking contract answers. */
  | 'CALL_REVERTED'
  /** Two answers of one RPC provider contradict each other: a block's hash changed, or time ran backwards. */
  | 'PROVIDER_INCONSISTENT'
  /** Enough other providers agree on something else. */
  | 'PROVIDER_DISAGREES'
  /** The RPC provider claims a newer final block than there can be: others have not reached it, and the time for it has not passed. */
  | 'PROVIDER_AHEAD'
  /** The newest final block of the RPC provider is more than eight minutes older than that of the others. */
  | 'PROVIDER_BEHIND'
  /** The RPC provider takes seconds for each answer. */
  | 'PROVIDER_SLOW'
  /** The RPC provider serves another chain than the configured one. */
  | 'CHAIN_WRONG'
  /** There is no staking contract of this chain at the configured address. */
  | 'CONTRACT_WRONG'
  /** No RPC provider could answer. */
  | 'PROVIDERS_UNAVAILABLE'
  /** Too few RPC providers agree, so nothing is believed. */
  | 'PROVIDERS_DISAGREE'
  /** The boundary of the epoch lies before the chain's first block, before the contract, or after the last finalized block. */
  | 'EPOCH_UNKNOWN'
  /** The contract holds more members than this version can follow. */
  | 'MEMBERS_TOO_MANY'
  /** The contract's logs, as agreed on, do not fit one another: some are missing, or the ledger began after the contract. */
  | 'LOGS_INCONSISTENT'
  /** The block of the contract's deployment cannot be found: the option staking.deployedBlock must name it. */
  | 'DEPLOYMENT_UNKNOWN'
  /** A file of ours on disk is not as we wrote it. */
  | 'STATE_FILE_DAMAGED'
  /** The contract is paused or not started, so it takes no registrations. */
  | 'CONTRACT_CLOSED'
  /** These node keys are registered already, by somebody else or with other keys. */
  | 'KEYS_TAKEN'
  /** The operator's account holds too few tokens for the stake. */
  | 'TOKENS_INSUFFICIENT'
  /** The operator's account cannot pay the gas. */
  | 'GAS_FUNDS_INSUFFICIENT'
  /** The gas may cost more than was shown, or than --gas-cost-max allows; nothing was signed for it. */
  | 'GAS_COST_TOO_HIGH'
  /** The contract refuses the call; the message says why. */
  | 'CONTRACT_REFUSED'
  /** A transaction of this account is still under way, or was sent and not confirmed in time. */
  | 'TRANSACTION_PENDING'
  /** Another transaction of the account took the place of one of ours, so that ours can never be mined. */
  | 'TRANSACTION_REPLACED'
  /** Another command works with the same account. */
  | 'ACCOUNT_BUSY'
  /** This service node is not in the contract. */
  | 'STAKE_MISSING'
  /** The contract or the network asks for a wait that is not over; the message says what for. */
  | 'WAIT_NOT_OVER'
  /** The account has less to claim than asked for. */
  | 'CLAIM_TOO_LARGE'
  /** Too few members signed. The details count them, and those that did not by their reasons. */
  | 'SIGNATURES_INSUFFICIENT'
  /** Too many signatures are being computed or collected already. */
  | 'SIGNATURES_BUSY'
  /** The thread that computes BLS signatures crashed, or took too long. */
  | 'SIGNATURE_WORK_FAILED'
  /** No Session node could be asked for signatures, or it refused. */
  | 'SIGNATURE_NODE_FAILED'
  /** The answer of a Session node is not the signature that was asked for. */
  | 'SIGNATURE_ANSWER_WRONG'
  /** There is no ledger of rewards here yet, or it holds nothing for this account. */
  | 'REWARDS_UNKNOWN'

/** What can go wrong between us, the RPC providers and the staking contract. Never carries a provider's URL, for it may hold a key. */
export class StakingError extends CodedError<StakingErrorCode> {}

/** Failures that are the single provider's: it is rested, and others are asked. */
const PROVIDER_FAULTS: ReadonlySet<StakingErrorCode> = new Set<StakingErrorCode>([
  'PROVIDER_UNREACHABLE',
  'PROVIDER_TIMEOUT',
  'PROVIDER_REFUSED',
  'PROVIDER_LIMITED',
  'PROVIDER_REPLY_TOO_LARGE',
  'PROVIDER_REPLY_MALFORMED',
  'CALL_REVERTED',
  'PROVIDER_INCONSISTENT',
  'PROVIDER_DISAGREES',
  'CHAIN_WRONG',
  'CONTRACT_WRONG',
])

export function isProviderFault(error: unknown): error is StakingError {
  return error instanceof StakingError && PROVIDER_FAULTS.has(error.code)
}
