import { setTimeout as pause } from 'node:timers/promises'
import { type DurationMs, SECOND } from '../../base/clock.ts'
import type { Hex } from '../chain-reply.ts'
import { stakingErrorOf } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'
import { callData, type OperatorCall } from './call.ts'

/** A call that was run on the newest state. */
export interface PlannedCall {
  readonly call: OperatorCall
  readonly data: Hex
  /** With a margin: what comes in between must not make it run out. */
  readonly gas: bigint
  /** Without it. */
  readonly gasNeeded: bigint
  /** `after` when it can only be run once the call before it is mined. */
  readonly simulation: 'succeeded' | 'after'
}

/** What one transaction offers for its gas. */
export interface GasOffer {
  readonly gas: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** All that is to be sent, and what it costs at most. */
export interface CallPlan {
  readonly chainId: number
  readonly from: Hex
  /** The place of the first in the account's order. */
  readonly nonce: number
  readonly calls: readonly PlannedCall[]
  readonly gas: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly gasCostMaxWei: bigint
  readonly balanceWei: bigint
}

/** What a call costs beyond what can be estimated: checking a BLS signature takes one to seven tries, depending on the keys. */
const GAS_MARGIN_PERCENT = 30n

/**
 * Runs the calls on the newest state and reckons their cost. Sends nothing.
 * @throws {StakingError} what would stop them: CONTRACT_REFUSED, KEYS_TAKEN, GAS_FUNDS_INSUFFICIENT, PROVIDER_…
 */
export async function planCalls(
  view: OperatorView,
  calls: readonly OperatorCall[],
  { paysGas }: { readonly paysGas: boolean },
): Promise<CallPlan> {
  const { chain, address: from } = view
  try {
    const [balanceWei, nonce] = await Promise.all([
      chain.getBalance({ address: from }),
      chain.getTransactionCount({ address: from, blockTag: 'latest' }),
    ])
    if (paysGas && balanceWei === 0n) {
      throw new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account holds no ether to pay the gas with')
    }
    const planned: PlannedCall[] = []
    for (const [index, call] of calls.entries()) planned.push(await planCall(view, call, { isFirst: index === 0 }))
    const { maxFeePerGas, maxPriorityFeePerGas } = await chain.estimateFeesPerGas()
    const gas = planned.reduce((sum, call) => sum + call.gas, 0n)
    const gasCostMaxWei = gas * maxFeePerGas
    if (paysGas && balanceWei < gasCostMaxWei) {
      const details = { balanceWei: balanceWei.toString(), neededWei: gasCostMaxWei.toString() }
      throw new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account cannot pay the gas', { details })
    }
    const fees = { maxFeePerGas, maxPriorityFeePerGas, gasCostMaxWei, balanceWei }
    return { chainId: chain.chain.id, from, nonce, calls: planned, gas, ...fees }
  } catch (error) {
    throw stakingErrorOf(error)
  }
}

/** How often a call is tried that waits for the one before it. */
const POLL_MS: DurationMs = SECOND / 2

/**
 * As it stands now: what waited for a call before it has waited long enough. A provider is often several machines, of which one may
 * not have the block of that call yet; it is given a while.
 */
export async function planSoon(view: OperatorView, call: OperatorCall, lagMs: DurationMs): Promise<PlannedCall> {
  const deadline = performance.now() + lagMs
  for (;;) {
    try {
      return await planCall(view, call, { isFirst: true })
    } catch (error) {
      const refusal = stakingErrorOf(error)
      const isWaiting = call.waits !== undefined && refusal.details['contractError'] === call.waits.refusal
      if (!isWaiting || performance.now() >= deadline) throw refusal
      await pause(POLL_MS)
    }
  }
}

async function planCall(
  { chain, address }: OperatorView,
  call: OperatorCall,
  { isFirst }: { readonly isFirst: boolean },
): Promise<PlannedCall> {
  const { to, abi, functionName, args, waits } = call
  const request = { address: to, abi, functionName, args, account: address }
  const data = callData(call)
  try {
    await chain.simulateContract(request)
    const gasNeeded = await chain.estimateContractGas(request)
    return { call, data, gas: withMargin(gasNeeded), gasNeeded, simulation: 'succeeded' }
  } catch (error) {
    const refusal = stakingErrorOf(error)
    // The contract looks at everything else first, so this very refusal shows that all else is well.
    if (isFirst || waits === undefined || refusal.details['contractError'] !== waits.refusal) throw refusal
    return { call, data, gas: waits.gas, gasNeeded: waits.gas, simulation: 'after' }
  }
}

function withMargin(gas: bigint): bigint {
  return (gas * (100n + GAS_MARGIN_PERCENT)) / 100n
}
