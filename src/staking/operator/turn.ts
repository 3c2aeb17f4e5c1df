import { setTimeout as pause } from 'node:timers/promises'
import { type DurationMs, SECOND } from '../../base/clock.ts'
import { told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'
import type { TransactionJournal } from './journal.ts'

const POLL_MS: DurationMs = SECOND / 2

/**
 * The next place in the account's order. Whatever else of the account is under way may be anything: it is to be seen first.
 * @throws {StakingError} TRANSACTION_PENDING, PROVIDER_INCONSISTENT
 */
export async function nextPlace(
  view: OperatorView,
  journal: Pick<TransactionJournal, 'entries'>,
  lagMs: DurationMs,
): Promise<number> {
  const known = placesSeenTaken(journal)
  const deadline = performance.now() + lagMs
  for (;;) {
    const nonce = await freePlace(view)
    if (nonce >= known) return nonce
    // A provider is often several machines, and the one that answers now may not have the block of the receipt yet.
    if (performance.now() >= deadline) {
      throw new StakingError('PROVIDER_INCONSISTENT', 'The RPC provider has forgotten a transaction that it told of')
    }
    await pause(POLL_MS)
  }
}

/** @throws {StakingError} TRANSACTION_PENDING */
export async function freePlace({ chain, address }: OperatorView): Promise<number> {
  const [mined, underWay] = await told(() =>
    Promise.all([
      chain.getTransactionCount({ address, blockTag: 'latest' }),
      chain.getTransactionCount({ address, blockTag: 'pending' }),
    ]),
  )
  if (underWay <= mined) return mined
  throw new StakingError('TRANSACTION_PENDING', 'A transaction of this account is still under way; wait for it')
}

function placesSeenTaken(journal: Pick<TransactionJournal, 'entries'>): number {
  return journal
    .entries()
    .filter(({ blockNumber, isFinal }) => blockNumber !== undefined && !isFinal)
    .reduce((next, { nonce }) => Math.max(next, nonce + 1), 0)
}
