import { parseEventLogs } from 'viem'
import { SECOND, type TimestampMs } from '../../base/clock.ts'
import { serviceNodeContributionAbi, serviceNodeContributionFactoryAbi } from '../abi.ts'
import type { Hex } from '../chain-reply.ts'
import { told } from '../contract-errors.ts'
import { contractErrorsAbi } from '../contract-refusals.ts'
import { StakingError } from '../errors.ts'
import type { OperatorCall } from '../operator/call.ts'
import type { StakeTarget } from '../operator/contract-facts.ts'
import { askAll, isUnheard } from '../operator/witnesses.ts'
import type { OperatorView } from '../operator-account.ts'
import type { Registration } from '../registration.ts'

// A pooled stake: a contract of its own collects the parts of several contributors and registers the service node when it is full.

const POOL_STATUSES = ['awaiting-operator', 'open', 'full', 'registered'] as const
export type PoolStatus = (typeof POOL_STATUSES)[number]

export interface PoolShare {
  readonly address: Hex
  readonly beneficiary: Hex
  readonly amountAtomic: bigint
}

/** What a pooled stake is and holds, in the newest block. */
export interface PoolFacts {
  readonly pool: Hex
  readonly operator: Hex
  readonly status: PoolStatus
  readonly requirementAtomic: bigint
  readonly contributedAtomic: bigint
  /** What is kept for those who have not paid yet. */
  readonly reservedAtomic: bigint
  /** The least that a newcomer must pay; zero when there is nothing left to pay. */
  readonly minimumAtomic: bigint
  readonly contributorsMax: number
  readonly feeBasisPoints: number
  /** Ed25519 key of the service node, 64 hex digits. */
  readonly node: string
  readonly isFinalizedByHand: boolean
  readonly shares: readonly PoolShare[]
}

export interface Reservation {
  readonly addr: Hex
  readonly amount: bigint
}

const poolAbi = [...serviceNodeContributionAbi.filter((item) => item.type !== 'error'), ...contractErrorsAbi] as const
const factoryAbi = [
  ...serviceNodeContributionFactoryAbi.filter((item) => item.type !== 'error'),
  ...contractErrorsAbi,
] as const

/** Gas of a contribution that fills the pool and registers the node, where it cannot be simulated before its approval. */
const CONTRIBUTION_GAS = 3_000_000n

/**
 * Makes sure that the contract is one that the factory deployed, and that both are the staking contract's: anything else could keep
 * what it is paid. Every provider must say so.
 * @throws {StakingError} CONTRACT_WRONG
 */
export async function requireOwnPool(
  view: OperatorView,
  { contract }: StakeTarget,
  { factory, pool }: { readonly factory: Hex; readonly pool: Hex },
): Promise<void> {
  const wrong = (message: string) => new StakingError('CONTRACT_WRONG', message)
  await requireFactory(view, { contract }, factory)
  const call = { address: factory, abi: factoryAbi, functionName: 'owns', args: [pool] } as const
  const owned = await askAll(view, (chain) => chain.readContract(call))
  if (!owned.every(Boolean)) throw wrong(`The factory ${factory} has not deployed ${pool}: it may keep what it is paid`)
}

/** @throws {StakingError} CONTRACT_WRONG, PROVIDER_… */
export async function requireFactory(
  view: Pick<OperatorView, 'chain' | 'witnesses'>,
  { contract }: Pick<StakeTarget, 'contract'>,
  factory: Hex,
): Promise<void> {
  const call = { address: factory, abi: factoryAbi, functionName: 'stakingRewardsContract' } as const
  const answers = await askAll(view, (chain) => chain.readContract(call)).catch((error: unknown) => {
    // What has another interface refuses the call or answers something else; that a provider is silent says nothing about it.
    if (isUnheard(error)) throw error
    return []
  })
  const isRight = answers.length > 0 && answers.every((staking) => staking.toLowerCase() === contract.toLowerCase())
  if (isRight) return
  throw new StakingError('CONTRACT_WRONG', `${factory} is no factory of pooled stakes of this staking contract`)
}

export async function readPool({ chain }: OperatorView, pool: Hex): Promise<PoolFacts> {
  const read = { address: pool, abi: poolAbi } as const
  return await told(async () => {
    const [
      operator,
      status,
      requirementAtomic,
      contributedAtomic,
      reservedAtomic,
      contributorsMax,
      params,
      byHand,
      all,
    ] = await Promise.all([
      chain.readContract({ ...read, functionName: 'operator' }),
      chain.readContract({ ...read, functionName: 'status' }),
      chain.readContract({ ...read, functionName: 'stakingRequirement' }),
      chain.readContract({ ...read, functionName: 'totalContribution' }),
      chain.readContract({ ...read, functionName: 'totalReservedContribution' }),
      chain.readContract({ ...read, functionName: 'maxContributors' }),
      chain.readContract({ ...read, functionName: 'serviceNodeParams' }),
      chain.readContract({ ...read, functionName: 'manualFinalize' }),
      chain.readContract({ ...read, functionName: 'getContributions' }),
    ])
    const [addresses, beneficiaries, amounts] = all
    const isOpen = status < 2
    return {
      pool,
      operator,
      status: POOL_STATUSES[status] ?? 'registered',
      ...{ requirementAtomic, contributedAtomic, reservedAtomic },
      // With all places taken the contract refuses to name a minimum.
      minimumAtomic: isOpen
        ? await chain.readContract({ ...read, functionName: 'minimumContribution' }).catch(() => 0n)
        : 0n,
      contributorsMax: Number(contributorsMax),
      feeBasisPoints: params.fee,
      node: params.serviceNodePubkey.toString(16).padStart(64, '0'),
      isFinalizedByHand: byHand,
      shares: addresses.map((address, index) => ({
        address,
        beneficiary: beneficiaries[index] ?? address,
        amountAtomic: amounts[index] ?? 0n,
      })),
    }
  })
}

/** From when on a contributor may take its part back. */
export async function readWithdrawableMs({ chain, address }: OperatorView, pool: Hex): Promise<TimestampMs> {
  const read = { address: pool, abi: poolAbi } as const
  return await told(async () => {
    const [paidAtS, delayS] = await Promise.all([
      chain.readContract({ ...read, functionName: 'contributionTimestamp', args: [address] }),
      chain.readContract({ ...read, functionName: 'WITHDRAWAL_DELAY' }),
    ])
    return Number(paidAtS + delayS) * SECOND
  })
}

/** The address of a pool, from the receipt of the transaction that deployed it. */
export async function deployedPool({ chain }: OperatorView, hash: Hex): Promise<Hex | undefined> {
  const { logs } = await told(() => chain.getTransactionReceipt({ hash }))
  const [event] = parseEventLogs({ abi: factoryAbi, eventName: 'NewServiceNodeContributionContract', logs })
  return event?.args.contributorContract
}

export function deployPoolCall(
  factory: Hex,
  { blsPubkey, proofOfPossession, serviceNodeParams }: Registration,
  reserved: readonly Reservation[],
  isFinalizedByHand: boolean,
): OperatorCall {
  return {
    purpose: 'contribution-deploy',
    title: 'Open a pooled stake for this service node',
    to: factory,
    abi: factoryAbi,
    functionName: 'deploy',
    args: [blsPubkey, proofOfPossession, serviceNodeParams, reserved, isFinalizedByHand],
  }
}

export function contributeCall(
  pool: Hex,
  amountAtomic: bigint,
  amountText: string,
  beneficiary: Hex,
  { needsApproval }: { readonly needsApproval: boolean },
): OperatorCall {
  const call = {
    ...poolCall(pool, 'contributeFunds', [amountAtomic, beneficiary]),
    purpose: 'contribution-contribute',
    title: `Contribute ${amountText} to the pooled stake`,
  } as const
  return needsApproval ? { ...call, waits: { refusal: 'ERC20InsufficientAllowance', gas: CONTRIBUTION_GAS } } : call
}

export function withdrawCall(pool: Hex): OperatorCall {
  return {
    ...poolCall(pool, 'withdrawContribution', []),
    purpose: 'contribution-withdraw',
    title: 'Take the contribution back',
  }
}

export function finalizeCall(pool: Hex): OperatorCall {
  return {
    ...poolCall(pool, 'finalize', []),
    purpose: 'contribution-finalize',
    title: 'Register the service node with the pooled stake',
  }
}

function poolCall(to: Hex, functionName: string, args: readonly unknown[]) {
  return { to, abi: poolAbi, functionName, args }
}
