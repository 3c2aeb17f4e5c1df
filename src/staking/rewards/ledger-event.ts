import type { Hex } from '../chain-reply.ts'

/** Who owns a part of a stake, and who gets its rewards. Addresses are 0x and 40 lower-case hex digits. */
export interface LedgerContributor {
  readonly owner: Hex
  readonly beneficiary: Hex
  readonly stakedAtomic: bigint
}

/** A service node as the ledger sees it; none of this changes while it is a member. */
export interface LedgerNode {
  readonly id: bigint
  /** X | Y of the BLS key, 128 hex digits. */
  readonly bls: string
  /** As it was published: the ledger reads anything above 10,000 as 10,000. */
  readonly feeBasisPoints: number
  /** The first is the operator. */
  readonly contributors: readonly LedgerContributor[]
}

/** What a log means to the ledger. `period` is the one that the log's block belongs to. */
export type LedgerEvent = { readonly period: number } & (
  | { readonly kind: 'registered'; readonly node: LedgerNode }
  | { readonly kind: 'liquidated'; readonly id: bigint }
  | { readonly kind: 'exited'; readonly id: bigint; readonly returnedAtomic: bigint }
  | { readonly kind: 'released'; readonly amountAtomic: bigint }
  /** From here on the pool pays the contract, or somebody else. */
  | { readonly kind: 'redirected'; readonly paysContract: boolean }
)

// Period k lasts from after the boundary T_(k-1) to T_k, where T_k = k * length in Unix seconds: the boundaries of epochs (epochs.ts).

/** The period of a block: the smallest k with timestamp <= T_k. */
export function periodOf(timestampS: bigint, periodS: number): number {
  const length = BigInt(periodS)
  return Number((timestampS + length - 1n) / length)
}

/** How many whole periods cover a time. */
export function periodsIn(timeS: number, periodS: number): number {
  return Math.ceil(timeS / periodS)
}
