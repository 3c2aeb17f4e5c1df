import type { Hex } from '../chain-reply.ts'
import type { LedgerContributor, LedgerNode } from './ledger-event.ts'

// How one service node's share of a pot, and how a stake that comes back, is divided. Integers only: every node must come to the
// same digits (docs/staking.md, "Rewards").

export interface Payment {
  readonly address: Hex
  readonly amountAtomic: bigint
}

const BASIS_POINTS = 10_000n

/**
 * The operator's fee, then the rest by stake, each rounded down; what rounding leaves over is the operator's. A node without
 * contributors pays nobody, and must not be given a share.
 */
export function dividedShare(shareAtomic: bigint, node: LedgerNode): readonly Payment[] {
  const [operator] = node.contributors
  if (operator === undefined) return []
  // Fee, rest and remainder are all the operator's. Most nodes are such.
  if (node.contributors.length === 1) return [{ address: operator.beneficiary, amountAtomic: shareAtomic }]
  const basisPoints = BigInt(Math.min(node.feeBasisPoints, Number(BASIS_POINTS)))
  const rest = shareAtomic - (shareAtomic * basisPoints) / BASIS_POINTS
  const staked = stakeOf(node.contributors)
  const byStake = node.contributors.map(({ beneficiary, stakedAtomic }) => ({
    address: beneficiary,
    amountAtomic: staked === 0n ? 0n : (rest * stakedAtomic) / staked,
  }))
  const paid = byStake.reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n)
  return [{ address: operator.beneficiary, amountAtomic: shareAtomic - paid }, ...byStake]
}

/**
 * What each contributor gets back of a stake of which `returnedAtomic` came back. What is missing is the operator's loss, and once
 * nothing of his is left the next contributor's, and so on: together never more than came back.
 */
export function dividedStake(contributors: readonly LedgerContributor[], returnedAtomic: bigint): readonly Payment[] {
  let missing = stakeOf(contributors) - returnedAtomic
  if (missing < 0n) missing = 0n
  return contributors.map(({ owner, stakedAtomic }) => {
    const loss = missing < stakedAtomic ? missing : stakedAtomic
    missing -= loss
    return { address: owner, amountAtomic: stakedAtomic - loss }
  })
}

function stakeOf(contributors: readonly LedgerContributor[]): bigint {
  return contributors.reduce((sum, { stakedAtomic }) => sum + stakedAtomic, 0n)
}
