import type { BlsPublicKeyParameter, BlsSignatureParameter } from '../../crypto/bls.ts'
import { stakingTokenAbi } from '../abi.ts'
import type { Hex } from '../chain-reply.ts'
import { stakingCallAbi } from '../contract-errors.ts'
import { contractErrorsAbi } from '../contract-refusals.ts'
import { type Registration, registrationArguments } from '../registration.ts'
import type { OperatorCall } from './call.ts'

// The calls of the staking contract that an operator makes.

/** Gas of a registration where it cannot be simulated before the approval is mined. */
const REGISTRATION_GAS = 2_000_000n
/** The same for a claim before the balance is raised. */
const CLAIM_GAS = 200_000n

/** What more than two thirds of the members signed, as far as the contract takes it. */
export interface MembersSignature {
  readonly signature: BlsSignatureParameter
  /** Ids of the members whose keys are not in the signature. */
  readonly nonSigners: readonly bigint[]
}

/** Allows exactly the amount, so that nothing else can ever be taken. */
export function approveCall(token: Hex, spender: Hex, amountAtomic: bigint, amountText: string): OperatorCall {
  return {
    purpose: 'approve',
    title: `Let ${spender} take exactly ${amountText}`,
    to: token,
    abi: [...stakingTokenAbi.filter((item) => item.type !== 'error'), ...contractErrorsAbi],
    functionName: 'approve',
    args: [spender, amountAtomic],
  }
}

export function registerCall(
  contract: Hex,
  registration: Registration,
  amountText: string,
  { needsApproval }: { readonly needsApproval: boolean },
): OperatorCall {
  const call = {
    ...stakingCall(contract, 'addBLSPublicKey', registrationArguments(registration)),
    purpose: 'register',
    title: `Stake ${amountText} and register this service node`,
  } as const
  return needsApproval ? { ...call, waits: { refusal: 'ERC20InsufficientAllowance', gas: REGISTRATION_GAS } } : call
}

export function requestExitCall(contract: Hex, id: bigint): OperatorCall {
  return {
    ...stakingCall(contract, 'initiateExitBLSPublicKey', [id]),
    purpose: 'request-exit',
    title: `Ask for service node ${id} to leave`,
  }
}

export function exitCall(
  contract: Hex,
  kind: 'exit' | 'liquidate',
  subject: { readonly id: bigint; readonly blsPubkey: BlsPublicKeyParameter },
  { signature, nonSigners, timestampS }: MembersSignature & { readonly timestampS: number },
): OperatorCall {
  const functionName = kind === 'exit' ? 'exitBLSPublicKeyWithSignature' : 'liquidateBLSPublicKeyWithSignature'
  return {
    ...stakingCall(contract, functionName, [subject.blsPubkey, BigInt(timestampS), signature, nonSigners]),
    purpose: kind,
    title: kind === 'exit' ? `Take service node ${subject.id} out` : `Liquidate service node ${subject.id}`,
  }
}

/** Needs nobody's signature, but moves no tokens either: the stake comes back by a claim all the same. */
export function exitUnsignedCall(contract: Hex, id: bigint): OperatorCall {
  return {
    ...stakingCall(contract, 'exitBLSPublicKeyAfterWaitTime', [id]),
    purpose: 'exit',
    title: `Take service node ${id} out without signatures`,
  }
}

export function updateRewardsCall(
  contract: Hex,
  recipient: Hex,
  totalAtomic: bigint,
  totalText: string,
  { signature, nonSigners }: MembersSignature,
): OperatorCall {
  return {
    ...stakingCall(contract, 'updateRewardsBalance', [recipient, totalAtomic, signature, nonSigners]),
    purpose: 'update-rewards',
    title: `Raise what the contract owes ${recipient} to ${totalText} in all`,
  }
}

/** By amount, so that what is signed says what is paid. */
export function claimCall(
  contract: Hex,
  amountAtomic: bigint,
  amountText: string,
  { needsUpdate }: { readonly needsUpdate: boolean },
): OperatorCall {
  const call = {
    ...stakingCall(contract, 'claimRewards', [amountAtomic]),
    purpose: 'claim',
    title: `Claim ${amountText}`,
  } as const
  return needsUpdate ? { ...call, waits: { refusal: 'MaxClaimExceeded', gas: CLAIM_GAS } } : call
}

function stakingCall(to: Hex, functionName: string, args: readonly unknown[]) {
  return { to, abi: stakingCallAbi, functionName, args }
}
