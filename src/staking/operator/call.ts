import type { Abi } from 'viem'
import { encodeFunctionData } from 'viem'
import type { Hex } from '../chain-reply.ts'

/** What a transaction of an operator is for. Kept in journals on disk: names are never given another meaning. */
export const CALL_PURPOSES = [
  'approve',
  'register',
  'request-exit',
  'exit',
  'liquidate',
  'update-rewards',
  'claim',
  'contribution-deploy',
  'contribution-contribute',
  'contribution-withdraw',
  'contribution-finalize',
] as const

export type CallPurpose = (typeof CALL_PURPOSES)[number]

/** One call of a contract, to become one transaction. */
export interface OperatorCall {
  readonly purpose: CallPurpose
  /** What it does, for people: "Let the contract take 25000 SESH". */
  readonly title: string
  readonly to: Hex
  /** With every error that may come through, so that a refusal is told in words. */
  readonly abi: Abi
  readonly functionName: string
  readonly args: readonly unknown[]
  /** Set where a call before it must be mined first: the refusal of its simulation until then, and the gas to reckon with. */
  readonly waits?: { readonly refusal: string; readonly gas: bigint }
}

export function callData({ abi, functionName, args }: OperatorCall): Hex {
  return encodeFunctionData({ abi, functionName, args })
}
