import { SECOND } from '../../base/clock.ts'
import type { Member } from '../../protocol/service-node.ts'
import { StakingError } from '../../staking/errors.ts'
import {
  chainTimeMs,
  readSmallContributorRules,
  readStakeholders,
  readToken,
  refuseClosedContract,
} from '../../staking/operator/contract-facts.ts'
import { requestExitCall } from '../../staking/operator/staking-calls.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import type { MoneyArgs } from './options.ts'
import { requireMember, shortKey } from './own-member.ts'
import { countdown, dateText } from './presentation.ts'

/** Asks for this service node to leave: the first step of getting a stake back, and one without a way back. */
export async function requestExit(args: MoneyArgs): Promise<CommandOutcome> {
  return await runMoneyStep(args, requestExitStep)
}

export const requestExitStep: MoneyStep = { purpose: 'request-exit', outcome: 'exit-requested', prepare }

async function prepare(context: MoneyContext): Promise<Prepared> {
  const { target, view, settings } = context
  await refuseClosedContract(view, target)
  const state = await requireMember(context)
  if (state.kind === 'leaving') {
    const result = { outcome: 'already-leaving', sent: false, dates: state.dates }
    return { kind: 'nothing', outcome: { result, lines: [state.sentence, 'Nothing was sent.'] } }
  }
  const { member } = state
  const [token, ownStake, nowMs] = await Promise.all([
    readToken(view, target),
    stakeIn(context, member),
    chainTimeMs(view),
  ])
  const tokens = (atomic: bigint) => `${wholeUnits(atomic, token.decimals)} ${token.symbol}`
  const unlockMs = nowMs + settings.chain.unlockAfterMs
  const word = shortKey(member)
  return {
    kind: 'calls',
    calls: [requestExitCall(target.contract, member.id)],
    facts: [
      ['Node', `${member.key}, id ${member.id}`],
      ['Stake', `${tokens(member.depositAtomic)}, of which ${tokens(ownStake)} is this account's`],
      ['Unlock', `${countdown(unlockMs, nowMs)}: from then on the network signs the exit`],
    ],
    result: {
      node: member.key,
      id: member.id.toString(),
      stakeAtomic: member.depositAtomic.toString(),
      ownStakeAtomic: ownStake.toString(),
      unlockMs,
    },
    warnings: [
      'This cannot be undone: from now on the node can only leave. Keep it running until its exit, or it earns nothing for the rest.',
    ],
    confirmation: { word, question: `Type the beginning of the node's key, ${word}, to have it leave` },
    next: `starling stake exit, from ${dateText(unlockMs)} on; or starling stake unstake, which does all the rest`,
  }
}

/** @throws {StakingError} CONTRACT_REFUSED, WAIT_NOT_OVER: in words, and before the contract says it by a code */
async function stakeIn({ view, target }: MoneyContext, member: Member): Promise<bigint> {
  const [stakeholders, rules, nowMs] = await Promise.all([
    readStakeholders(view, target, member.id),
    readSmallContributorRules(view, target),
    chainTimeMs(view),
  ])
  const own = stakeholders
    .filter(({ address }) => address.toLowerCase() === view.address.toLowerCase())
    .reduce((sum, { stakeAtomic }) => sum + stakeAtomic, 0n)
  if (own === 0n) {
    const whose = stakeholders.map(({ address }) => address).join(', ')
    throw new StakingError(
      'CONTRACT_REFUSED',
      `This account has no stake in the service node; the stake is that of ${whose}`,
    )
  }
  const freeMs = Number(member.addedTimestampS) * SECOND + rules.delayMs
  if (own * rules.divisor < member.depositAtomic && nowMs < freeMs) {
    const message = `A contributor of less than a quarter can end this service node from ${countdown(freeMs, nowMs)}`
    throw new StakingError('WAIT_NOT_OVER', message)
  }
  return own
}
