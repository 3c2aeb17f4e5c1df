import { type DurationMs, SECOND, type TimestampMs } from '../../base/clock.ts'
import type { Member } from '../../protocol/service-node.ts'
import { stakingTokenAbi } from '../abi.ts'
import type { Hex } from '../chain-reply.ts'
import { stakingCallAbi, told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import { decodeMember, memberCall } from '../member-codec.ts'
import type { OperatorView } from '../operator-account.ts'

// What an operator's commands read of the contracts, in the newest block: it is for display and for simulation, never for admission.

export interface TokenFacts {
  readonly address: Hex
  readonly symbol: string
  readonly decimals: number
  readonly balanceAtomic: bigint
}

export interface StakeTarget {
  readonly chainId: number
  readonly contract: Hex
}

export interface Stakeholder {
  readonly address: Hex
  readonly beneficiary: Hex
  readonly stakeAtomic: bigint
}

export interface ClaimFacts {
  /** All that the contract was ever told to pay the account, and what of it was paid. */
  readonly recordedAtomic: bigint
  readonly claimedAtomic: bigint
  /** What all claims of this cycle together may still take. */
  readonly leftInCycleAtomic: bigint
  readonly cycleCapAtomic: bigint
  readonly nextCycleMs: TimestampMs
}

export async function readToken({ chain, address }: OperatorView, { contract }: StakeTarget): Promise<TokenFacts> {
  return await told(async () => {
    const token = await chain.readContract({ ...rewards(contract), functionName: 'designatedToken' })
    const erc20 = { address: token, abi: stakingTokenAbi } as const
    const [symbol, decimals, balanceAtomic] = await Promise.all([
      chain.readContract({ ...erc20, functionName: 'symbol' }),
      chain.readContract({ ...erc20, functionName: 'decimals' }),
      chain.readContract({ ...erc20, functionName: 'balanceOf', args: [address] }),
    ])
    // The name comes from outside and goes to a terminal.
    return { address: token, symbol: /^[A-Za-z0-9]{1,16}$/.test(symbol) ? symbol : 'tokens', decimals, balanceAtomic }
  })
}

export async function readAllowance({ chain, address }: OperatorView, token: Hex, spender: Hex): Promise<bigint> {
  const args = [address, spender] as const
  return await told(() => chain.readContract({ address: token, abi: stakingTokenAbi, functionName: 'allowance', args }))
}

export async function readStakingRequirement({ chain }: OperatorView, { contract }: StakeTarget): Promise<bigint> {
  return await told(() => chain.readContract({ ...rewards(contract), functionName: 'stakingRequirement' }))
}

export async function readOpening(
  { chain }: OperatorView,
  { contract }: StakeTarget,
): Promise<{ readonly isStarted: boolean; readonly isPaused: boolean }> {
  return await told(async () => {
    const [isStarted, isPaused] = await Promise.all([
      chain.readContract({ ...rewards(contract), functionName: 'isStarted' }),
      chain.readContract({ ...rewards(contract), functionName: 'paused' }),
    ])
    return { isStarted, isPaused }
  })
}

/** @throws {StakingError} CONTRACT_CLOSED */
export async function refuseClosedContract(view: OperatorView, target: StakeTarget): Promise<void> {
  const { isStarted, isPaused } = await readOpening(view, target)
  if (!isStarted) throw new StakingError('CONTRACT_CLOSED', 'The staking contract has not been started')
  if (isPaused) throw new StakingError('CONTRACT_CLOSED', 'The staking contract is paused')
}

/** Whose stake a service node is; the operator is the first. */
export async function readStakeholders(
  { chain }: OperatorView,
  { contract }: StakeTarget,
  id: bigint,
): Promise<readonly Stakeholder[]> {
  return await told(async () => {
    const node = await chain.readContract({ ...rewards(contract), functionName: 'serviceNodes', args: [id] })
    return node.contributors.map(({ staker, stakedAmount }) => ({
      address: staker.addr,
      beneficiary: staker.beneficiary,
      stakeAtomic: stakedAmount,
    }))
  })
}

export async function readClaimFacts({ chain, address }: OperatorView, { contract }: StakeTarget): Promise<ClaimFacts> {
  return await told(async () => {
    const [[recordedAtomic, claimedAtomic], cycleCapAtomic, cycleS, currentCycle, currentTotal, nowS] =
      await Promise.all([
        chain.readContract({ ...rewards(contract), functionName: 'recipients', args: [address] }),
        chain.readContract({ ...rewards(contract), functionName: 'claimThreshold' }),
        chain.readContract({ ...rewards(contract), functionName: 'claimCycle' }),
        chain.readContract({ ...rewards(contract), functionName: 'currentClaimCycle' }),
        chain.readContract({ ...rewards(contract), functionName: 'currentClaimTotal' }),
        chainTimeS({ chain }),
      ])
    const cycle = cycleS === 0n ? 0n : nowS / cycleS
    const taken = cycle === currentCycle ? currentTotal : 0n
    return {
      ...{ recordedAtomic, claimedAtomic, cycleCapAtomic },
      leftInCycleAtomic: cycleCapAtomic > taken ? cycleCapAtomic - taken : 0n,
      nextCycleMs: Number((cycle + 1n) * cycleS) * SECOND,
    }
  })
}

/** The chain's own clock, by which the contract judges every wait. */
export async function chainTimeMs(view: Pick<OperatorView, 'chain'>): Promise<TimestampMs> {
  return Number(await told(() => chainTimeS(view))) * SECOND
}

/** How long after its registration a small contributor cannot end a service node, and what part makes one small. */
export async function readSmallContributorRules(
  { chain }: OperatorView,
  { contract }: StakeTarget,
): Promise<{ readonly divisor: bigint; readonly delayMs: DurationMs }> {
  return await told(async () => {
    const [divisor, delayS] = await Promise.all([
      chain.readContract({ ...rewards(contract), functionName: 'SMALL_CONTRIBUTOR_DIVISOR' }),
      chain.readContract({ ...rewards(contract), functionName: 'SMALL_CONTRIBUTOR_LEAVE_DELAY' }),
    ])
    return { divisor, delayMs: Number(delayS) * SECOND }
  })
}

/** How long after its exit request a service node can leave without signatures. */
export async function readUnsignedExitWaitMs(
  { chain }: OperatorView,
  { contract }: Pick<StakeTarget, 'contract'>,
): Promise<DurationMs> {
  const call = { ...rewards(contract), functionName: 'MAX_SERVICE_NODE_EXIT_WAIT_TIME' } as const
  return Number(await told(() => chain.readContract(call))) * SECOND
}

export async function readMemberCount({ chain }: OperatorView, { contract }: StakeTarget): Promise<number> {
  return Number(await told(() => chain.readContract({ ...rewards(contract), functionName: 'totalNodes' })))
}

/** How many registrations one block takes, and how many were in the last one that took any. */
export async function readRegistrationCap(
  { chain }: OperatorView,
  { contract }: StakeTarget,
): Promise<{ readonly used: bigint; readonly cap: bigint }> {
  return await told(async () => {
    const [used, cap] = await Promise.all([
      chain.readContract({ ...rewards(contract), functionName: 'numPubkeyAggregationsForHeight' }),
      chain.readContract({ ...rewards(contract), functionName: 'maxPermittedPubkeyAggregations' }),
    ])
    return { used, cap }
  })
}

/** What of a liquidated stake goes to whom, as parts of their sum. */
export async function readLiquidationRatios(
  { chain }: OperatorView,
  { contract }: StakeTarget,
): Promise<{ readonly liquidator: bigint; readonly pool: bigint; readonly recipient: bigint }> {
  return await told(async () => {
    const [liquidator, pool, recipient] = await Promise.all([
      chain.readContract({ ...rewards(contract), functionName: 'liquidatorRewardRatio' }),
      chain.readContract({ ...rewards(contract), functionName: 'poolShareOfLiquidationRatio' }),
      chain.readContract({ ...rewards(contract), functionName: 'recipientRatio' }),
    ])
    return { liquidator, pool, recipient }
  })
}

/** A member by its BLS key (X | Y, 128 hex digits) or its id. */
export async function findMember(
  { chain }: OperatorView,
  { contract }: StakeTarget,
  by: { readonly bls: string } | { readonly id: bigint },
): Promise<Member | undefined> {
  return await told(async () => {
    const id =
      'id' in by
        ? by.id
        : await chain.readContract({ ...rewards(contract), functionName: 'serviceNodeIDs', args: [`0x${by.bls}`] })
    if (id === 0n || id >= 1n << 64n) return undefined
    const { data } = await chain.call({ to: contract, data: memberCall(id) })
    return data === undefined ? undefined : decodeMember(id, data)
  })
}

async function chainTimeS({ chain }: Pick<OperatorView, 'chain'>): Promise<bigint> {
  return (await chain.getBlock({ blockTag: 'latest' })).timestamp
}

function rewards(contract: Hex) {
  return { address: contract, abi: stakingCallAbi } as const
}
