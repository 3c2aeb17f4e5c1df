import { parseAbi } from 'viem'
import {
  serviceNodeContributionAbi,
  serviceNodeContributionFactoryAbi,
  serviceNodeRewardsAbi,
  stakingTokenAbi,
} from './abi.ts'
import type { StakingErrorCode } from './errors.ts'

/** Errors of Session's own contracts that ours do not have. */
const SESSION_ERRORS = parseAbi([
  'error AddressEmptyCode(address target)',
  'error AddressInsufficientBalance(address account)',
  'error FailedInnerCall()',
])

/** Every error that can come out of a call of an operator: each contract passes on those of the contracts that it calls. */
export const contractErrorsAbi = [
  ...[
    ...serviceNodeRewardsAbi,
    ...stakingTokenAbi,
    ...serviceNodeContributionAbi,
    ...serviceNodeContributionFactoryAbi,
  ].filter((item) => item.type === 'error'),
  ...SESSION_ERRORS,
]

export type ContractErrorName = (typeof contractErrorsAbi)[number]['name']

/** What an error of the contracts means to an operator. */
export interface Refusal {
  readonly code: StakingErrorCode
  readonly sentence: string
  /** For an error that names the moment from which on the call works, where in its arguments: Unix seconds, summed. */
  readonly untilS?: readonly number[]
}

const refused = (sentence: string): Refusal => ({ code: 'CONTRACT_REFUSED', sentence })
const closed = (sentence: string): Refusal => ({ code: 'CONTRACT_CLOSED', sentence })
const early = (sentence: string, ...untilS: readonly number[]): Refusal => ({ code: 'WAIT_NOT_OVER', sentence, untilS })

/** The contracts' errors in words, one by one: the compiler misses one that is missing. */
export const CONTRACT_REFUSALS: Readonly<Record<ContractErrorName, Refusal>> = {
  // Registering
  BLSPubkeyAlreadyExists: { code: 'KEYS_TAKEN', sentence: 'This BLS key is registered already' },
  Ed25519PubkeyAlreadyExists: { code: 'KEYS_TAKEN', sentence: 'This Ed25519 key is registered already' },
  InvalidBLSProofOfPossession: refused(
    'The proof of possession of the BLS key is not valid for this operator, chain and contract',
  ),
  ContributionTotalMismatch: refused('The stake is not exactly what the contract requires'),
  InsufficientContributors: refused('A service node needs somebody whose stake it is'),
  InsufficientOperatorContribution: refused("The operator's own part is less than a quarter of the stake"),
  MaxContributorsExceeded: refused('There are more contributors than the contract allows'),
  MaxPubkeyAggregationsExceeded: early('Too many service nodes register right now; try again after the next block'),
  NullBLSPubkey: refused('The BLS key is empty'),
  NullEd25519Pubkey: refused('The Ed25519 key is empty'),
  PointNotOnCurve: refused('The BLS key is not a point of the curve'),
  PointAtInfinity: refused('The BLS key is no key: it is the point at infinity'),
  NoPointFound: refused('The contract could not hash the message to a point of the curve'),
  ERC20InsufficientAllowance: refused('The contract may not take the stake: the approval is missing'),
  ERC20InsufficientBalance: { code: 'TOKENS_INSUFFICIENT', sentence: 'The account holds too few tokens' },
  ERC20InvalidApprover: refused('The token does not let this account approve anything'),
  ERC20InvalidReceiver: refused('The token does not go to this address'),
  ERC20InvalidSender: refused('The token does not come from this address'),
  ERC20InvalidSpender: refused('The token cannot be spent by this address'),
  SafeERC20FailedOperation: refused('The transfer of tokens failed'),
  AddressEmptyCode: refused('There is no contract at an address that the contract calls'),
  AddressInsufficientBalance: refused('The contract lacks the ether for a call of its own'),
  FailedInnerCall: refused('A call that the contract makes itself failed'),

  // Leaving
  BLSPubkeyDoesNotExist: refused('No service node is registered with this BLS key'),
  BLSPubkeyDoesNotMatch: refused('The BLS key is not the one that the service node is registered with'),
  CallerNotContributor: refused('This account has no stake in the service node'),
  ServiceNodeDoesntExist: { code: 'STAKE_MISSING', sentence: 'There is no such service node' },
  ExitTooEarly: early('A service node can leave with signatures when it is two hours old'),
  LeaveRequestNotInitiatedYet: refused('Nobody asked for this service node to leave'),
  LeaveRequestTooEarly: early('The wait after the exit request is not over', 1),
  SmallContributorLeaveTooEarly: early('A small contributor cannot end a service node in its first 30 days'),
  RecipientAddressDoesNotMatch: refused('The stake belongs to another address'),
  DeleteSentinelNodeNotAllowed: refused('The contract does not delete the start of its own list'),

  // Signatures of the members
  InsufficientBLSSignatures: refused('Too few members signed'),
  InvalidBLSSignature: refused("The members' signature is not valid; perhaps the list of members changed in between"),
  SignatureExpired: refused("The members' signature has expired; collect a new one"),
  InsufficientNodes: refused('The contract has no members who could sign'),

  // Rewards
  ClaimThresholdExceeded: early('All claims of this cycle are paid out; claim in the next'),
  MaxClaimExceeded: { code: 'CLAIM_TOO_LARGE', sentence: 'There is less to claim than that' },
  RecipientRewardsTooLow: refused('The contract knows of as much already'),

  // Pooled stakes
  BeneficiaryUpdatingDisabledNodeIsNotOpen: refused('Beneficiaries cannot be changed after the registration'),
  CalcMinContributionGivenBadContribArgs: refused('The numbers of contributors do not fit each other'),
  ContributeFundsNotPossible: refused('This pooled stake takes no contributions now'),
  ContributionBelowMinAmount: refused('The contribution is smaller than the least that is taken now'),
  ContributionBelowReservedAmount: refused('The contribution is smaller than what is reserved for this account'),
  ContributionExceedsStakingRequirement: refused('The contribution is more than what is left of the stake'),
  DuplicateAddressInReservedContributor: refused('An address is reserved for twice'),
  FeeExceedsPossibleValue: refused('The fee is more than everything'),
  FinalizeNotPossible: refused('This pooled stake cannot be registered now: it is not full, or it is registered'),
  FirstContributionMustBeOperator: refused('The operator contributes first'),
  FirstReservedContributorMustBeOperator: refused('The first reserved part must be that of the operator'),
  NonContributorUpdatedBeneficiary: refused('This account has contributed nothing'),
  NothingToWithdraw: refused('This account has contributed nothing that could be withdrawn'),
  OnlyOperatorIsAuthorised: refused('Only the operator of the pooled stake may do that'),
  ReentrancyGuardReentrantCall: refused('The contract is called from within itself'),
  RequireWaitForOperatorContribStatus: refused('The terms cannot change any more: somebody has contributed'),
  RescueBalanceIsEmpty: refused('There is nothing to rescue'),
  RescueNotPossible: refused('Nothing can be rescued before the registration'),
  ReservedContributionBelowMinAmount: refused('A reserved part is smaller than the contract allows'),
  ReservedContributionExceedsStakingRequirement: refused('The reserved parts are more than the stake'),
  ReservedContributorHasZeroAddress: refused('A reserved part has no address'),
  RewardsContractMaxContributorsChanged: refused(
    'The staking contract allows another number of contributors now: reset the pooled stake',
  ),
  RewardsContractStakingRequirementChanged: refused('The staking requirement has changed: reset the pooled stake'),
  TooManyReservedContributors: refused('Too many parts are reserved'),
  WithdrawTooEarly: early('A contribution can be withdrawn a day after it was made', 0, 2),

  // The state of the contracts, and what only their owner or their deployer meets
  ContractNotStarted: closed('The staking contract has not been started'),
  ContractAlreadyStarted: refused('The staking contract has been started already'),
  EnforcedPause: closed('The contract is paused'),
  ExpectedPause: refused('The contract is not paused'),
  InvalidInitialization: refused('The contract is set up already'),
  NotInitializing: refused('The contract is not being set up'),
  LiquidatorPenaltyTooHigh: refused('The ratios of a liquidation leave too little to the contributors'),
  NullAddress: refused('An address is empty'),
  OwnableInvalidOwner: refused('The owner would be no address'),
  OwnableUnauthorizedAccount: refused('Only the owner of the contract may do that'),
  PositiveNumberRequirement: refused('The number must not be zero'),
}
