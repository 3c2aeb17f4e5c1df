import type { CallPurpose, OperatorCall } from '../../staking/operator/call.ts'
import type { StakeTarget } from '../../staking/operator/contract-facts.ts'
import type { JournalEntry } from '../../staking/operator/journal-entry.ts'
import type { OperatorView } from '../../staking/operator-account.ts'
import type { ChainProviders } from '../../staking/providers.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import type { StakeSettings } from './chain.ts'
import type { Confirmation } from './confirmation.ts'

/** What a step looks at while it is prepared. */
export interface MoneyContext {
  readonly settings: StakeSettings
  readonly target: StakeTarget
  readonly providers: ChainProviders
  readonly view: OperatorView
  readonly signal: AbortSignal
}

/** One thing that an operator wants done, for which one or more transactions are needed. */
export interface MoneyStep {
  /** Of the transaction that does it; those before it only make way. */
  readonly purpose: CallPurpose
  /** For scripts, when it is done: "registered". */
  readonly outcome: string
  /** Done again when the members changed while their signature was under way. */
  prepare(context: MoneyContext): Promise<Prepared>
  /** Whether an earlier transaction of this purpose is what is asked for now; each is, when left out. */
  isSame?(context: MoneyContext, entry: JournalEntry): Promise<boolean>
  /** What is only known when it is done, from its transaction. */
  finish?(
    context: MoneyContext,
    entry: JournalEntry,
  ): Promise<{ readonly result: Readonly<Record<string, unknown>>; readonly lines: readonly string[] }>
}

export type Prepared =
  /** There is nothing to do, or nothing yet. */
  { readonly kind: 'nothing'; readonly outcome: CommandOutcome } | PreparedCalls

export interface PreparedCalls {
  readonly kind: 'calls'
  readonly calls: readonly OperatorCall[]
  /** What is shown besides chain, contract, account, transactions and gas: label and text. */
  readonly facts: readonly (readonly [label: string, text: string])[]
  /** The same for scripts. */
  readonly result: Readonly<Record<string, unknown>>
  /** What cannot be undone. */
  readonly warnings: readonly string[]
  readonly confirmation: Confirmation
  /** What to do when it is done. */
  readonly next: string
}
