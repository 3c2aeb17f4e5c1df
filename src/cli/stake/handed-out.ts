import { writeFile } from 'node:fs/promises'
import { systemClock } from '../../base/clock.ts'
import type { CallPlan } from '../../staking/operator/plan.ts'
import { safeBatch, unsignedTransactions } from '../../staking/operator/unsigned.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { OptionsError } from '../options/check.ts'
import type { MoneyContext, PreparedCalls } from './money-step.ts'
import type { MoneyArgs } from './options.ts'
import { planLines, planResult } from './presentation.ts'

// What a money command ends with when nothing is signed here: the plan alone, or transactions to be signed elsewhere.

export function dryRunOutcome(context: MoneyContext, prepared: PreparedCalls, plan: CallPlan): CommandOutcome {
  const lines = [...planLines(context, prepared, plan), 'Nothing was signed or sent (--dry-run).']
  return { result: { outcome: 'dry-run', sent: false, plan: planResult(context, prepared, plan) }, lines }
}

export async function unsignedOutcome(
  args: MoneyArgs,
  context: MoneyContext,
  prepared: PreparedCalls,
  plan: CallPlan,
): Promise<CommandOutcome> {
  const transactions = unsignedTransactions(plan)
  const name = `Starling: ${prepared.calls.at(-1)?.title ?? ''}`
  const form = args['unsigned-form'] === 'safe' ? safeBatch(plan, name, systemClock.nowMs()) : { transactions }
  if (args.unsigned !== undefined) {
    await writeNewFile(args.unsigned, `${JSON.stringify(form, null, 2)}\n`)
  }
  const where =
    args.unsigned === undefined
      ? JSON.stringify(form, null, 2).split('\n')
      : [`Written to ${args.unsigned}, to be signed by ${plan.from}.`]
  return {
    result: {
      outcome: 'unsigned',
      sent: false,
      plan: planResult(context, prepared, plan),
      ...(args['unsigned-form'] === 'safe' ? { batch: form } : { transactions }),
      file: args.unsigned ?? null,
      next: prepared.next,
    },
    lines: [
      ...planLines(context, prepared, plan),
      'Nothing was signed or sent. To be signed in this order:',
      ...where,
      `Then: ${prepared.next}`,
    ],
  }
}

/** @throws {OptionsError} OPTION_INVALID */
async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new OptionsError('OPTION_INVALID', `--unsigned ${path} cannot be written: ${reason}`, { cause })
  }
}
