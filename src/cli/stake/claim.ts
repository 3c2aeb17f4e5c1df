import { StakingError } from '../../staking/errors.ts'
import { chainTimeMs } from '../../staking/operator/contract-facts.ts'
import { claimCall, updateRewardsCall } from '../../staking/operator/staking-calls.ts'
import { parseWholeUnits, wholeUnits } from '../../staking/token-amount.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import type { ClaimArgs, SignatureArgs } from './options.ts'
import { countdown } from './presentation.ts'
import { type RewardFacts, readRewardFacts, refuseExhaustedCycle, tokensText } from './reward-facts.ts'
import { signatureSourceOf } from './signature-access.ts'

/** Pays rewards and returned stakes out to the operator's account. */
export async function claimRewards(args: ClaimArgs): Promise<CommandOutcome> {
  return await runMoneyStep(args, claimStep(args))
}

export function claimStep(args: SignatureArgs & { readonly amount: string | undefined }): MoneyStep {
  return { purpose: 'claim', outcome: 'claimed', prepare: (context) => prepare(context, args) }
}

async function prepare(
  context: MoneyContext,
  args: SignatureArgs & { readonly amount: string | undefined },
): Promise<Prepared> {
  const { view, target } = context
  const facts = await readRewardFacts(context, args, view.address)
  const owed = (facts.ledger?.totalAtomic ?? 0n) - facts.claimedAtomic
  if (owed <= 0n && facts.recordedAtomic === facts.claimedAtomic) return nothingToClaim(facts)
  refuseExhaustedCycle(facts, countdown(facts.nextCycleMs, await chainTimeMs(view)))
  const amountAtomic = amountOf(args.amount, facts)
  const text = (atomic: bigint) => tokensText(atomic, facts.token)
  const recordedLeft = facts.recordedAtomic - facts.claimedAtomic
  const needsUpdate = amountAtomic > recordedLeft
  const update = needsUpdate ? await signedUpdate(context, args, facts) : undefined
  const claim = claimCall(target.contract, amountAtomic, text(amountAtomic), { needsUpdate })
  const amount = wholeUnits(amountAtomic, facts.token.decimals)
  const { balanceAtomic } = facts.token
  return {
    kind: 'calls',
    calls: update === undefined ? [claim] : [update, claim],
    facts: [
      ['Token', facts.token.address],
      ['Claim', text(amountAtomic)],
      ['Balance', `${text(balanceAtomic)}, after it ${text(balanceAtomic + amountAtomic)}`],
      ['Left', `${text(facts.claimableAtomic - amountAtomic)} can be claimed afterwards`],
      ['Cycle', `${text(facts.leftInCycleAtomic)} left of ${text(facts.cycleCapAtomic)} for everybody's claims`],
      ...(facts.ledgerMissing === undefined ? [] : [['Ledger', `unknown: ${facts.ledgerMissing}`] as const]),
    ],
    result: {
      token: facts.token.address,
      amountAtomic: amountAtomic.toString(),
      amount,
      balanceAtomic: balanceAtomic.toString(),
      balanceAfterAtomic: (balanceAtomic + amountAtomic).toString(),
      leftInCycleAtomic: facts.leftInCycleAtomic.toString(),
      needsUpdate,
    },
    warnings: [],
    confirmation: { word: amount, question: `Type the amount, ${amount}, to claim it` },
    next: 'starling stake rewards',
  }
}

/**
 * What is asked for, or all that can be had now.
 * @throws {OptionsError} OPTION_INVALID
 * @throws {StakingError} CLAIM_TOO_LARGE
 */
function amountOf(text: string | undefined, facts: RewardFacts): bigint {
  const { claimableAtomic, token } = facts
  if (text === undefined) return claimableAtomic
  const amount = parseWholeUnits(text, token.decimals)
  if (amount === undefined || amount === 0n) {
    throw new OptionsError(
      'OPTION_INVALID',
      `--amount must be a number of tokens with at most ${token.decimals} decimals`,
    )
  }
  if (amount <= claimableAtomic) return amount
  const message = `Only ${tokensText(claimableAtomic, token)} can be claimed now`
  throw new StakingError('CLAIM_TOO_LARGE', message, { details: { claimableAtomic: claimableAtomic.toString() } })
}

async function signedUpdate(context: MoneyContext, args: SignatureArgs, facts: RewardFacts) {
  const { view, target, signal } = context
  const collected = await signatureSourceOf(args, context).collect({ kind: 'reward', recipient: view.address }, signal)
  const { totalAtomic } = collected
  if (totalAtomic === undefined) throw new StakingError('SIGNATURE_ANSWER_WRONG', 'The signature has no total')
  return updateRewardsCall(target.contract, view.address, totalAtomic, tokensText(totalAtomic, facts.token), collected)
}

/** Not knowing the ledger is no reason to say that there is nothing. */
function nothingToClaim({ ledgerMissing, token, claimedAtomic }: RewardFacts): Prepared {
  if (ledgerMissing !== undefined) {
    const message = `The contract owes this account nothing, and what the network's ledger promises is unknown: ${ledgerMissing}`
    throw new StakingError('REWARDS_UNKNOWN', message)
  }
  const lines = [
    `There is nothing to claim; ${tokensText(claimedAtomic, token)} was claimed so far.`,
    'Nothing was sent.',
  ]
  return { kind: 'nothing', outcome: { result: { outcome: 'nothing-to-claim', sent: false }, lines } }
}
