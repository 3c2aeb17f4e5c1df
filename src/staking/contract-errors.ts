import {
  BaseError,
  ContractFunctionRevertedError,
  InsufficientFundsError,
  TransactionNotFoundError,
  WaitForTransactionReceiptTimeoutError,
} from 'viem'
import { SECOND } from '../base/clock.ts'
import { serviceNodeRewardsAbi } from './abi.ts'
import { CONTRACT_REFUSALS, contractErrorsAbi, type Refusal } from './contract-refusals.ts'
import { StakingError } from './errors.ts'
import { codeOf } from './rpc-client.ts'

/** The staking contract's interface with every error that may come through it. */
export const stakingCallAbi = [
  ...serviceNodeRewardsAbi.filter((item) => item.type !== 'error'),
  ...contractErrorsAbi,
] as const

/** Does work with viem and tells its failures in our words. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw stakingErrorOf(error)
  }
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

const UNKNOWN: Refusal = { code: 'CONTRACT_REFUSED', sentence: 'The contract refuses the call' }

function refusalOf(reverted: ContractFunctionRevertedError): StakingError {
  const name = reverted.data?.errorName ?? reverted.signature ?? 'no reason'
  const { code, sentence, untilS } = new Map<string, Refusal>(Object.entries(CONTRACT_REFUSALS)).get(name) ?? UNKNOWN
  const until = dateOf(reverted.data?.args, untilS)
  return new StakingError(code, `${sentence}${until} (${reasonOf(reverted, name)})`, {
    details: { contractError: name },
  })
}

const REASON_LENGTH_MAX = 120

/** The words of a contract that gives its reason as text, which comes from outside and goes to a terminal. */
function reasonOf({ data }: ContractFunctionRevertedError, name: string): string {
  const text = data?.errorName === 'Error' ? data.args?.[0] : undefined
  if (typeof text !== 'string') return name
  return `it says: ${text.replace(/[^ -~]/g, '?').slice(0, REASON_LENGTH_MAX)}`
}

/** The moment that the error names, if it names one that a date can be. */
function dateOf(args: readonly unknown[] | undefined, places: readonly number[] = []): string {
  const parts = places.map((place) => args?.[place])
  if (parts.length === 0 || !parts.every((part) => typeof part === 'bigint')) return ''
  const date = new Date(Number(parts.reduce((sum, part) => sum + part, 0n)) * SECOND)
  return Number.isNaN(date.getTime()) ? '' : `; wait until ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
