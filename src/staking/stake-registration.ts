import type { Hex } from './chain-reply.ts'
import { stakingCallAbi, stakingErrorOf } from './contract-errors.ts'
import { StakingError } from './errors.ts'
import type { OperatorCall } from './operator/call.ts'
import {
  readAllowance,
  readStakingRequirement,
  readToken,
  refuseClosedContract,
  type StakeTarget,
  type TokenFacts,
} from './operator/contract-facts.ts'
import { approveCall, registerCall } from './operator/staking-calls.ts'
import type { OperatorView } from './operator-account.ts'
import type { Registration } from './registration.ts'
import { wholeUnits } from './token-amount.ts'

/** A registration of an operator that stakes alone. Amounts are in the token's atomic units. */
export interface PreparedRegistration {
  readonly token: TokenFacts
  readonly stakeAtomic: bigint
  /** Whether the contract must be allowed to take the stake first: a transaction of its own. */
  readonly needsApproval: boolean
  readonly calls: readonly OperatorCall[]
}

/**
 * Looks at all that a registration needs beyond what running its calls shows. Sends nothing.
 * @throws {StakingError} CONTRACT_CLOSED, TOKENS_INSUFFICIENT, CONTRACT_REFUSED, PROVIDER_…
 */
export async function prepareRegistration(
  view: OperatorView,
  target: StakeTarget,
  registration: Registration,
): Promise<PreparedRegistration> {
  await refuseClosedContract(view, target)
  const token = await readToken(view, target)
  const stakeAtomic = await readStakingRequirement(view, target)
  if (token.balanceAtomic < stakeAtomic) {
    const details = { balanceAtomic: token.balanceAtomic.toString(), stakeAtomic: stakeAtomic.toString() }
    throw new StakingError('TOKENS_INSUFFICIENT', 'The account holds too few tokens for the stake', { details })
  }
  await requireValidProof(view, target.contract, registration)
  // More than the stake is lowered too, so that nothing is left to be taken later.
  const needsApproval = (await readAllowance(view, token.address, target.contract)) !== stakeAtomic
  const amount = `${wholeUnits(stakeAtomic, token.decimals)} ${token.symbol}`
  const register = registerCall(target.contract, registration, amount, { needsApproval })
  const approve = approveCall(token.address, target.contract, stakeAtomic, amount)
  return { token, stakeAtomic, needsApproval, calls: needsApproval ? [approve, register] : [register] }
}

/** @throws {StakingError} CONTRACT_REFUSED: the proof is not good for this account, chain and contract */
export async function requireValidProof(
  { chain, address }: OperatorView,
  contract: Hex,
  { blsPubkey, proofOfPossession, serviceNodeParams }: Registration,
): Promise<void> {
  try {
    await chain.simulateContract({
      address: contract,
      abi: stakingCallAbi,
      functionName: 'validateProofOfPossession',
      args: [blsPubkey, proofOfPossession, address, serviceNodeParams.serviceNodePubkey],
      account: address,
    })
  } catch (error) {
    throw stakingErrorOf(error)
  }
}
