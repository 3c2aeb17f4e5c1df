import { systemClock } from '../../base/clock.ts'
import type { TransactionJournal } from '../../staking/operator/journal.ts'
import type { CallPlan } from '../../staking/operator/plan.ts'
import type { SenderComponents } from '../../staking/operator/sender.ts'
import { confirmByTyping } from './confirmation.ts'
import { gasCostMaxWei, refuseGasCost } from './gas-cost.ts'
import type { PreparedCalls } from './money-step.ts'
import type { MoneyArgs } from './options.ts'
import { bidLines } from './presentation.ts'

// What is signed was shown before, and confirmed unless --yes was given.

/** What the operator has agreed to. */
export interface Agreement {
  readonly word: string
  readonly gasCostMaxWei: bigint
}

/** Shows what is to be signed and has it confirmed; again when it is prepared anew and is not what was confirmed. */
export async function agreement(
  args: MoneyArgs,
  agreed: Agreement | undefined,
  shown: { readonly prepared: PreparedCalls; readonly plan: CallPlan; readonly lines: readonly string[] },
): Promise<Agreement> {
  const { confirmation } = shown.prepared
  const now = { word: confirmation.word, gasCostMaxWei: shown.plan.gasCostMaxWei }
  const isCovered = agreed !== undefined && now.word === agreed.word && now.gasCostMaxWei <= agreed.gasCostMaxWei
  if (isCovered) return agreed
  if (args.yes) for (const line of shown.lines) progress(line)
  else await confirmByTyping(confirmation, shown.lines)
  return now
}

export function senderComponents(args: MoneyArgs, journal: TransactionJournal): SenderComponents {
  return {
    ...{ journal, clock: systemClock, progress },
    async approveBid(bid) {
      refuseGasCost(bid.gasCostMaxWei, gasCostMaxWei(args))
      const lines = bidLines(bid)
      const confirmation = { word: 'replace', question: 'Type replace to offer that much for the same transaction' }
      if (args.yes) for (const line of lines) progress(line)
      else await confirmByTyping(confirmation, lines)
    },
  }
}

/** On standard error, so that the result on standard output stays clean. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}
