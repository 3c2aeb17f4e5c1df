import { setTimeout as pause } from 'node:timers/promises'
import { TransactionNotFoundError, TransactionReceiptNotFoundError } from 'viem'
import { type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { Hex } from '../chain-reply.ts'
import { stakingErrorOf } from '../contract-errors.ts'
import { isProviderFault } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'
import type { JournalEntry } from './journal-entry.ts'

/** What the chain says of a journal's entry. */
export type Fate =
  | { readonly kind: 'mined' | 'refused'; readonly hash: Hex; readonly blockNumber: bigint }
  /** Its place in the account's order is taken, and there is no receipt: another's, or its own receipt is still to come. */
  | { readonly kind: 'taken' }
  /** Its place is another transaction's. */
  | { readonly kind: 'replaced' }
  /** It can still be mined. */
  | { readonly kind: 'open' }

/** How often a receipt is looked for. */
const POLL_MS: DurationMs = SECOND / 2

/** @throws {StakingError} PROVIDER_… */
export async function fateOf({ chain, address }: OperatorView, entry: JournalEntry): Promise<Fate> {
  try {
    // Looked at first: a transaction that is mined in between is then found by its receipt.
    const nextNonce = await chain.getTransactionCount({ address, blockTag: 'latest' })
    for (const { hash } of entry.attempts) {
      const receipt = await chain.getTransactionReceipt({ hash }).catch((error: unknown) => {
        if (error instanceof TransactionReceiptNotFoundError) return undefined
        throw error
      })
      if (receipt === undefined) continue
      const { blockNumber, status } = receipt
      return { kind: status === 'success' ? 'mined' : 'refused', hash, blockNumber }
    }
    if (nextNonce <= entry.nonce) return { kind: 'open' }
    return { kind: (await isInBlock(chain, entry)) ? 'open' : 'taken' }
  } catch (error) {
    throw stakingErrorOf(error)
  }
}

/** Whether the provider has one of them in a block, of which it just has no receipt yet. */
async function isInBlock(chain: OperatorView['chain'], { attempts }: JournalEntry): Promise<boolean> {
  for (const { hash } of attempts) {
    const transaction = await chain.getTransaction({ hash }).catch((error: unknown) => {
      if (error instanceof TransactionNotFoundError) return undefined
      throw error
    })
    if (transaction?.blockNumber !== undefined && transaction.blockNumber !== null) return true
  }
  return false
}

export interface Patience {
  /** How long a receipt is waited for. */
  readonly receiptMs: DurationMs
  /** How long a place must be taken without a receipt until it counts as another's: providers know a nonce before a receipt. */
  readonly takenMs: DurationMs
}

export const defaultPatience: Patience = { receiptMs: 3 * MINUTE, takenMs: 15 * SECOND }

/** Waits until something has become of the entry, or the time is over: then it is open. A provider that fails is asked again. */
export async function awaitFate(view: OperatorView, entry: JournalEntry, patience: Patience): Promise<Fate> {
  const deadline = withDeadline(patience.receiptMs)
  let takenSince: DurationMs | undefined
  for (;;) {
    const fate = await fateOf(view, entry).catch((error: unknown) => {
      if (!isProviderFault(error)) throw error
      return { kind: 'open' } as const
    })
    if (fate.kind === 'mined' || fate.kind === 'refused') return fate
    const nowMs = performance.now()
    takenSince = fate.kind === 'taken' ? (takenSince ?? nowMs) : undefined
    if (takenSince !== undefined && nowMs - takenSince >= patience.takenMs) return { kind: 'replaced' }
    if (takenSince === undefined && deadline.aborted) return { kind: 'open' }
    await pause(POLL_MS)
  }
}
