import type { Hex } from '../../staking/chain-reply.ts'
import { StakingError } from '../../staking/errors.ts'
import { type ClaimFacts, readClaimFacts, readToken, type TokenFacts } from '../../staking/operator/contract-facts.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import type { MoneyContext } from './money-step.ts'
import type { SignatureArgs } from './options.ts'
import { type LedgerTotal, ledgerTotalOf } from './signature-access.ts'

/** What an account was promised, was told, and was paid. */
export interface RewardFacts extends ClaimFacts {
  readonly token: TokenFacts
  /** By the network's ledger; undefined when no node here can tell. */
  readonly ledger: LedgerTotal | undefined
  /** Why not. */
  readonly ledgerMissing: string | undefined
  /** Can be claimed at once. */
  readonly claimableNowAtomic: bigint
  /** Can be claimed after the members have signed the ledger's total. */
  readonly claimableAtomic: bigint
}

export async function readRewardFacts(
  context: MoneyContext,
  args: SignatureArgs,
  recipient: Hex,
): Promise<RewardFacts> {
  const view = { ...context.view, address: recipient }
  const [token, claim] = await Promise.all([readToken(view, context.target), readClaimFacts(view, context.target)])
  const { ledger, ledgerMissing } = await ledgerTotalOf(args, context, recipient).then(
    (total) => ({ ledger: total, ledgerMissing: undefined }),
    (error: unknown) => {
      if (!(error instanceof Error) || !('code' in error)) throw error
      return { ledger: undefined, ledgerMissing: error.message }
    },
  )
  const owed = larger(ledger?.totalAtomic ?? 0n, claim.recordedAtomic)
  return {
    ...claim,
    ...{ token, ledger, ledgerMissing },
    claimableNowAtomic: smaller(claim.recordedAtomic - claim.claimedAtomic, claim.leftInCycleAtomic),
    claimableAtomic: smaller(owed - claim.claimedAtomic, claim.leftInCycleAtomic),
  }
}

export function tokensText(atomic: bigint, { decimals, symbol }: TokenFacts): string {
  return `${wholeUnits(atomic, decimals)} ${symbol}`
}

/** @throws {StakingError} WAIT_NOT_OVER */
export function refuseExhaustedCycle({ leftInCycleAtomic, nextCycleMs }: RewardFacts, until: string): void {
  if (leftInCycleAtomic > 0n) return
  const message = `All claims of this cycle are paid out. The next begins ${until}`
  throw new StakingError('WAIT_NOT_OVER', message, { details: { fromMs: nextCycleMs } })
}

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
