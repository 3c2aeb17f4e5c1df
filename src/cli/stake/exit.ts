import type { Member } from '../../protocol/service-node.ts'
import { StakingError } from '../../staking/errors.ts'
import type { OperatorCall } from '../../staking/operator/call.ts'
import { chainTimeMs, readToken, refuseClosedContract } from '../../staking/operator/contract-facts.ts'
import { exitCall, exitUnsignedCall } from '../../staking/operator/staking-calls.ts'
import type { LeavingDates } from '../../staking/own-stake-state.ts'
import { wholeUnits } from '../../staking/token-amount.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import type { ExitArgs, SignatureArgs } from './options.ts'
import { blsKeyOf, requireMember, shortKey } from './own-member.ts'
import { countdown } from './presentation.ts'
import { signatureSourceOf } from './signature-access.ts'

/** Takes this service node out of the contract, with the members' signatures or, after 30 days, without. */
export async function exitNode(args: ExitArgs): Promise<CommandOutcome> {
  return await runMoneyStep(args, exitStep(args, { isUnsigned: args['without-signatures'] }))
}

export function exitStep(args: SignatureArgs, { isUnsigned }: { readonly isUnsigned: boolean }): MoneyStep {
  return { purpose: 'exit', outcome: 'exited', prepare: (context) => prepare(context, args, isUnsigned) }
}

async function prepare(context: MoneyContext, args: SignatureArgs, isUnsigned: boolean): Promise<Prepared> {
  const { target, view } = context
  await refuseClosedContract(view, target)
  const state = await requireMember(context)
  if (state.kind !== 'leaving') {
    throw new StakingError(
      'CONTRACT_REFUSED',
      `${state.sentence} Nobody asked for it to leave: starling stake request-exit`,
    )
  }
  const { member, dates } = state
  await refuseEarly(context, dates, isUnsigned)
  const token = await readToken(view, target)
  const exit = isUnsigned ? unsigned(target.contract, member) : await signed(context, args, member)
  const word = shortKey(member)
  const stake = `${wholeUnits(member.depositAtomic, token.decimals)} ${token.symbol}`
  return {
    kind: 'calls',
    calls: [exit.call],
    facts: [
      ['Node', `${member.key}, id ${member.id}`],
      ['Stake', stake],
      ['Signatures', exit.text],
    ],
    result: {
      node: member.key,
      id: member.id.toString(),
      stakeAtomic: member.depositAtomic.toString(),
      ...exit.result,
    },
    warnings: [
      'The exit itself pays nothing: the stake is claimed afterwards. The node stops serving when its exit is final.',
      ...(args['signatures-from'] === undefined
        ? ['Keep it running until the claim: it collects the signatures for that, too.']
        : []),
    ],
    confirmation: { word, question: `Type the beginning of the node's key, ${word}, to take it out` },
    next: 'starling stake claim, when the network has counted the stake as returned (starling stake rewards tells)',
  }
}

interface Exit {
  readonly call: OperatorCall
  readonly text: string
  readonly result: Readonly<Record<string, unknown>>
}

function unsigned(contract: MoneyContext['target']['contract'], { id }: Member): Exit {
  return { call: exitUnsignedCall(contract, id), text: 'none needed after 30 days', result: { signatures: null } }
}

async function signed(context: MoneyContext, args: SignatureArgs, member: Member): Promise<Exit> {
  const { key, parameter } = blsKeyOf(member)
  const collected = await signatureSourceOf(args, context).collect({ kind: 'exit', blsPublicKey: key }, context.signal)
  const { timestampS, signed: signers, members, refusals } = collected
  if (timestampS === undefined) throw new StakingError('SIGNATURE_ANSWER_WRONG', 'The signature has no timestamp')
  return {
    call: exitCall(
      context.target.contract,
      'exit',
      { id: member.id, blsPubkey: parameter },
      { ...collected, timestampS },
    ),
    text: `${signers} of ${members} members signed; good for ten minutes`,
    result: { signatures: { signed: signers, members, timestampS, refusals } },
  }
}

async function refuseEarly({ view }: MoneyContext, dates: LeavingDates, isUnsigned: boolean): Promise<void> {
  const nowMs = await chainTimeMs(view)
  const fromMs = isUnsigned ? dates.exitUnsignedMs : dates.unlockMs
  if (nowMs >= fromMs) return
  const how = isUnsigned ? 'It can exit without signatures' : 'The network signs its exit'
  throw new StakingError(
    'WAIT_NOT_OVER',
    `The wait after the exit request is not over. ${how} from ${countdown(fromMs, nowMs)}`,
    {
      details: { fromMs },
    },
  )
}
