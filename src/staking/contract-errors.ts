import {
  BaseError,
  ContractFunctionRevertedError,
  InsufficientFundsError,
  TransactionNotFoundError,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { serviceNodeRewardsAbi, stakingTokenAbi } from './abi.ts'
import { StakingError, type StakingErrorCode } from './errors.ts'
import { codeOf } from './rpc-client.ts'

/** The contract's interface with the token's errors, which come through the contract as they are. */
export const stakingCallAbi = [
  ...serviceNodeRewardsAbi,
  ...stakingTokenAbi.filter((item) => item.type === 'error'),
] as const

interface Refusal {
  readonly code: StakingErrorCode
  readonly sentence: string
}

const refused = (sentence: string): Refusal => ({ code: 'CONTRACT_REFUSED', sentence })

/** The contract's errors in words. One that is missing here is told by its name. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  BLSPubkeyAlreadyExists: { code: 'KEYS_TAKEN', sentence: 'This BLS key is registered already' },
  Ed25519PubkeyAlreadyExists: { code: 'KEYS_TAKEN', sentence: 'This Ed25519 key is registered already' },
  BLSPubkeyDoesNotExist: refused('No service node is registered with this BLS key'),
  CallerNotContributor: refused('This account has no stake in the service node'),
  ClaimThresholdExceeded: {
    code: 'TRANSACTION_PENDING',
    sentence: 'All claims of this cycle are paid out; claim in the next',
  },
  ContractNotStarted: { code: 'CONTRACT_CLOSED', sentence: 'The staking contract has not been started' },
  EnforcedPause: { code: 'CONTRACT_CLOSED', sentence: 'The staking contract is paused' },
  ContributionTotalMismatch: refused('The stake is not exactly what the contract requires'),
  ExitTooEarly: refused('The service node is too young to leave with signatures'),
  InsufficientBLSSignatures: refused('Too few members signed'),
  InvalidBLSProofOfPossession: refused(
    'The proof of possession of the BLS key is not valid for this operator, chain and contract',
  ),
  InvalidBLSSignature: refused("The members' signature is not valid"),
  LeaveRequestNotInitiatedYet: refused('Nobody asked for this service node to leave'),
  LeaveRequestTooEarly: refused('The wait after the exit request is not over'),
  MaxPubkeyAggregationsExceeded: {
    code: 'TRANSACTION_PENDING',
    sentence: 'Too many service nodes register right now; try again after the next block',
  },
  PointNotOnCurve: refused('The BLS key is not a point of the curve'),
  ServiceNodeDoesntExist: refused('There is no such service node'),
  SignatureExpired: refused("The members' signature has expired"),
  SmallContributorLeaveTooEarly: refused('A small contributor cannot end a service node in its first 30 days'),
  ERC20InsufficientAllowance: refused('The contract may not take the stake: the approval is missing'),
  ERC20InsufficientBalance: { code: 'TOKENS_INSUFFICIENT', sentence: 'The account holds too few tokens for the stake' },
}

/** An error of viem's in our words, without its text, which quotes URLs and whole requests. */
export function stakingErrorOf(error: unknown): StakingError {
  if (error instanceof StakingError) return error
  if (!(error instanceof BaseError)) throw error
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  if (reverted instanceof ContractFunctionRevertedError) return refusalOf(reverted)
  if (error.walk((cause) => cause instanceof InsufficientFundsError) !== null) {
    return new StakingError('GAS_FUNDS_INSUFFICIENT', "The account cannot pay the transaction's gas")
  }
  if (isUnconfirmed(error)) {
    return new StakingError('TRANSACTION_PENDING', 'The transaction was sent and is not confirmed yet')
  }
  const code = codeOf(error.walk((cause) => TRANSPORT_ERRORS.has((cause as Error).name)) ?? error)
  return new StakingError(code, 'The RPC provider could not serve the request', { details: { error: error.name } })
}

const TRANSPORT_ERRORS: ReadonlySet<string> = new Set([
  'HttpRequestError',
  'TimeoutError',
  'RpcRequestError',
  'ResponseBodyTooLargeError',
])

function isUnconfirmed(error: BaseError): boolean {
  const isKind = (cause: unknown) =>
    cause instanceof WaitForTransactionReceiptTimeoutError || cause instanceof TransactionNotFoundError
  return error.walk(isKind) !== null
}

function refusalOf(reverted: ContractFunctionRevertedError): StakingError {
  const name = reverted.data?.errorName ?? reverted.signature ?? 'no reason'
  const refusal = Object.hasOwn(REFUSALS, name) ? REFUSALS[name] : undefined
  const { code, sentence } = refusal ?? refused('The contract refuses the call')
  return new StakingError(code, `${sentence} (${name})`, { details: { contractError: name } })
}
