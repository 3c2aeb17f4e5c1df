import { setTimeout as pause } from 'node:timers/promises'
import { TransactionReceiptNotFoundError } from 'viem'
import { type DurationMs, SECOND } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { Hex } from '../chain-reply.ts'
import { stakingErrorOf } from '../contract-errors.ts'
import { isProviderFault } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'
import type { JournalEntry } from './journal-entry.ts'

/** What the chain says of a journal's entry. */
export type Fate =
  | { readonly kind: 'mined' | 'refused'; readonly hash: Hex; readonly blockNumber: bigint }
  /** Its place in the account's order is another transaction's. */
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
    return { kind: nextNonce > entry.nonce ? 'replaced' : 'open' }
  } catch (error) {
    throw stakingErrorOf(error)
  }
}

/** Waits until something has become of the entry, or the time is over: then it is open. A provider that fails is asked again. */
export async function awaitFate(view: OperatorView, entry: JournalEntry, timeoutMs: DurationMs): Promise<Fate> {
  const deadline = withDeadline(timeoutMs)
  for (;;) {
    const fate = await fateOf(view, entry).catch((error: unknown) => {
      if (!isProviderFault(error)) throw error
      return { kind: 'open' } as const
    })
    if (fate.kind !== 'open' || deadline.aborted) return fate
    await pause(POLL_MS, undefined, { signal: deadline }).catch(() => {})
  }
}
