import { type DurationMs, MINUTE, systemClock } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import { createOperatorView } from '../../staking/operator-account.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { connectToChain, settingsOf, usableUrl } from './chain.ts'
import { addressOf } from './operator-access.ts'
import type { RewardsArgs } from './options.ts'
import { countdown, rows } from './presentation.ts'
import { type RewardFacts, readRewardFacts, tokensText } from './reward-facts.ts'

const TIMEOUT_MS: DurationMs = MINUTE

/** What an account has earned, was paid, and can claim. Reads only. */
export async function showRewards(args: RewardsArgs): Promise<CommandOutcome> {
  const settings = settingsOf(args)
  const recipient = addressOf(args.operator)
  const signal = withDeadline(TIMEOUT_MS)
  const providers = await connectToChain(settings.chain, signal)
  const { chainId, contract } = settings.chain
  const view = createOperatorView(recipient, { ...settings.chain, rpcUrl: usableUrl(providers, settings.chain) })
  const facts = await readRewardFacts(
    { settings, target: { chainId, contract }, providers, view, signal },
    args,
    recipient,
  )
  return { result: { recipient, ...resultOf(facts) }, lines: linesOf(recipient, facts) }
}

function resultOf(facts: RewardFacts): Readonly<Record<string, unknown>> {
  const { ledger } = facts
  return {
    token: facts.token.address,
    decimals: facts.token.decimals,
    recordedAtomic: facts.recordedAtomic.toString(),
    claimedAtomic: facts.claimedAtomic.toString(),
    ledger:
      ledger === undefined
        ? null
        : { index: ledger.index, root: ledger.root, totalAtomic: ledger.totalAtomic.toString() },
    ledgerMissing: facts.ledgerMissing ?? null,
    claimableNowAtomic: facts.claimableNowAtomic.toString(),
    claimableAtomic: facts.claimableAtomic.toString(),
    cycle: {
      capAtomic: facts.cycleCapAtomic.toString(),
      leftAtomic: facts.leftInCycleAtomic.toString(),
      nextMs: facts.nextCycleMs,
    },
  }
}

function linesOf(recipient: string, facts: RewardFacts): readonly string[] {
  const tokens = (atomic: bigint) => tokensText(atomic, facts.token)
  const { ledger, claimableAtomic } = facts
  const next = countdown(facts.nextCycleMs, systemClock.nowMs())
  return [
    ...rows([
      ['Account', recipient],
      ['Ledger', ledger === undefined ? `unknown: ${facts.ledgerMissing}` : `${tokens(ledger.totalAtomic)} in all`],
      ['Recorded', `${tokens(facts.recordedAtomic)} in the contract`],
      ['Claimed', tokens(facts.claimedAtomic)],
      [
        'Claimable',
        `${tokens(facts.claimableNowAtomic)} at once, ${tokens(claimableAtomic)} with the members' signatures`,
      ],
      [
        'Cycle',
        `${tokens(facts.leftInCycleAtomic)} left of ${tokens(facts.cycleCapAtomic)} for all; the next begins ${next}`,
      ],
    ]),
    ...(claimableAtomic > 0n ? ['Next: starling stake claim'] : []),
  ]
}
