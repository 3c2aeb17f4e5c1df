import { fromHex } from '../../base/bytes.ts'
import { SECOND } from '../../base/clock.ts'
import { parseBlsPublicKey } from '../../crypto/bls.ts'
import type { Member } from '../../protocol/service-node.ts'
import { StakingError } from '../../staking/errors.ts'
import {
  findMember,
  readLiquidationRatios,
  readToken,
  refuseClosedContract,
} from '../../staking/operator/contract-facts.ts'
import { exitCall } from '../../staking/operator/staking-calls.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import { runMoneyStep } from './money-session.ts'
import type { MoneyContext, MoneyStep, Prepared } from './money-step.ts'
import type { LiquidateArgs } from './options.ts'
import { blsKeyOf, shortKey } from './own-member.ts'
import { dateText } from './presentation.ts'
import { tokensText } from './reward-facts.ts'
import { signatureSourceOf } from './signature-access.ts'

/** Removes another operator's service node, for which its stake pays. Tried out only, unless it is to be sent. */
export async function liquidateNode(args: LiquidateArgs): Promise<CommandOutcome> {
  const isTrial = !args.send && args.unsigned === undefined
  return await runMoneyStep({ ...args, 'dry-run': args['dry-run'] || isTrial }, liquidateStep(args))
}

function liquidateStep(args: LiquidateArgs): MoneyStep {
  return { purpose: 'liquidate', outcome: 'liquidated', prepare: (context) => prepare(context, args) }
}

async function prepare(context: MoneyContext, args: LiquidateArgs): Promise<Prepared> {
  const { view, target, signal } = context
  await refuseClosedContract(view, target)
  const member = await memberOf(context, args.node)
  const [token, ratios] = await Promise.all([readToken(view, target), readLiquidationRatios(view, target)])
  const { key, parameter } = blsKeyOf(member)
  const collected = await signatureSourceOf(args, context).collect({ kind: 'liquidate', blsPublicKey: key }, signal)
  const { timestampS, signed, members, refusals } = collected
  if (timestampS === undefined) throw new StakingError('SIGNATURE_ANSWER_WRONG', 'The signature has no timestamp')
  const sum = ratios.liquidator + ratios.pool + ratios.recipient
  // As the contract rounds: what is left over is the pool's.
  const callerAtomic = (member.depositAtomic * ratios.liquidator) / sum
  const returnedAtomic = (member.depositAtomic * ratios.recipient) / sum
  const poolAtomic = member.depositAtomic - callerAtomic - returnedAtomic
  const text = (atomic: bigint) => tokensText(atomic, token)
  const word = shortKey(member)
  const subject = { id: member.id, blsPubkey: parameter }
  return {
    kind: 'calls',
    calls: [exitCall(target.contract, 'liquidate', subject, { ...collected, timestampS })],
    facts: [
      ['Node', `${member.key}, id ${member.id}`],
      ['Operator', member.operator],
      ['Asked to go', leaveText(member)],
      ['Stake', text(member.depositAtomic)],
      ['Pays', `${text(callerAtomic)} to this account, ${text(poolAtomic)} to the pool, ${text(returnedAtomic)} back`],
      ['Signatures', `${signed} of ${members} members signed; good for ten minutes`],
    ],
    result: {
      node: member.key,
      id: member.id.toString(),
      nodeOperator: member.operator,
      stakeAtomic: member.depositAtomic.toString(),
      callerAtomic: callerAtomic.toString(),
      poolAtomic: poolAtomic.toString(),
      returnedAtomic: returnedAtomic.toString(),
      signatures: { signed, members, timestampS, refusals },
    },
    warnings: ['This removes the service node for good, and a part of its stake with it.'],
    confirmation: { word, question: `Type the beginning of the node's key, ${word}, to liquidate it` },
    next: 'starling stake rewards',
  }
}

function leaveText({ leaveRequestTimestampS }: Member): string {
  return leaveRequestTimestampS === 0n ? 'never' : dateText(Number(leaveRequestTimestampS) * SECOND)
}

/** @throws {OptionsError} OPTION_INVALID @throws {StakingError} STAKE_MISSING */
async function memberOf({ view, target }: MoneyContext, node: string): Promise<Member> {
  const isId = /^[1-9][0-9]{0,19}$/.test(node)
  const isKey = parseBlsPublicKey(fromHex(node) ?? new Uint8Array()) !== undefined
  if (!isId && !isKey) throw new OptionsError('OPTION_INVALID', '--node must be a BLS key (128 hex digits) or an id')
  const member = await findMember(view, target, isKey ? { bls: node.toLowerCase() } : { id: BigInt(node) })
  if (member !== undefined) return member
  throw new StakingError('STAKE_MISSING', 'There is no such service node in the contract')
}
