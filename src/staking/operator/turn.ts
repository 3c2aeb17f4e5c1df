import { setTimeout as pause } from 'node:timers/promises'
import { type DurationMs, SECOND } from '../../base/clock.ts'
import { told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorView } from '../operator-account.ts'
import type { TransactionJournal } from './journal.ts'
import { askAll } from './witnesses.ts'

const POLL_MS: DurationMs = SECOND / 2

/**
 * The next place in the account's order, on which all providers agree: signed for a later one, a transaction would wait in somebody's
 * hands until its place comes up. Whatever else of the account is under way may be anything: it is to be seen first.
 * @throws {StakingError} TRANSACTION_PENDING, PROVIDERS_DISAGREE, PROVIDER_INCONSISTENT
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
    const counts = await askAll(view, (chain) => chain.getTransactionCount({ address: view.address }))
    const isAgreed = counts.every((count) => count === nonce)
    if (nonce >= known && isAgreed) return nonce
    // A provider is often several machines, and the one that answers now may not have the newest block yet.
    if (performance.now() >= deadline) throw isAgreed ? forgetful() : disagreed()
    await pause(POLL_MS)
  }
}

/** @throws {StakingError} TRANSACTION_PENDING */
async function freePlace({ chain, address }: OperatorView): Promise<number> {
  const [mined, underWay] = await told(() =>
    Promise.all([
      chain.getTransactionCount({ address, blockTag: 'latest' }),
      chain.getTransactionCount({ address, blockTag: 'pending' }),
    ]),
  )
  if (underWay <= mined) return mined
  throw new StakingError('TRANSACTION_PENDING', 'A transaction of this account is still under way; wait for it')
}

function forgetful(): StakingError {
  return new StakingError('PROVIDER_INCONSISTENT', 'The RPC provider has forgotten a transaction that it told of')
}

function disagreed(): StakingError {
  const message = 'The RPC providers count different numbers of transactions of this account: one is behind, or lies'
  return new StakingError('PROVIDERS_DISAGREE', message)
}

function placesSeenTaken(journal: Pick<TransactionJournal, 'entries'>): number {
  return journal
    .entries()
    .filter(({ blockNumber, isFinal }) => blockNumber !== undefined && !isFinal)
    .reduce((next, { nonce }) => Math.max(next, nonce + 1), 0)
}
