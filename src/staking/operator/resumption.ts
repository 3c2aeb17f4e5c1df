import { StakingError } from '../errors.ts'
import type { OperatorAccount, OperatorView } from '../operator-account.ts'
import type { TransactionJournal } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import { fateOf } from './receipts.ts'
import { bid, broadcast, pending, type SenderComponents, settled } from './sender.ts'

/**
 * Finishes what an earlier command left: looks for receipts, sends the same bytes again where nothing came of them, and sees to it
 * that what a reorganisation of the chain undid is done after all. Returns what was mined and not yet told to the operator.
 * @throws {StakingError} TRANSACTION_PENDING, TRANSACTION_REPLACED, GAS_FUNDS_INSUFFICIENT, PROVIDER_…
 */
export async function resume(
  account: OperatorAccount,
  components: SenderComponents,
  { replace }: { readonly replace: boolean },
): Promise<readonly JournalEntry[]> {
  const { journal } = components
  for (const entry of unsettled(journal)) {
    const fate = await fateOf(account, entry)
    const isInBlock = fate.kind === 'mined' || fate.kind === 'refused'
    if (isInBlock && fate.hash === entry.minedHash && fate.blockNumber === entry.blockNumber) continue
    // Given up, and nothing speaks against that; sent again, it could come on top of what was done instead.
    if (!isInBlock && isGivenUp(entry)) continue
    const finish = async () => {
      if (isInBlock) return await settled(components, entry, fate)
      // What was told to have been refused may be done now, and is news then.
      const isTold = entry.isTold && entry.outcome === 'mined'
      const reopened: JournalEntry = { ...entry, outcome: 'open', minedHash: undefined, blockNumber: undefined, isTold }
      await journal.replace(entry, reopened)
      return await (replace && fate.kind === 'open' ? bid : broadcast)(account, components, reopened)
    }
    await finish().catch((error: unknown) => goOnIfRefused(components, error))
  }
  await markFinal(account, journal)
  return journal.entries().filter(({ outcome, isTold }) => outcome === 'mined' && !isTold)
}

/** What was refused had no effect, an outdated signature for example: the command looks anew at what is to be done. */
function goOnIfRefused({ progress }: SenderComponents, error: unknown): void {
  if (!(error instanceof StakingError) || error.code !== 'CONTRACT_REFUSED') throw error
  progress?.(error.message)
}

/**
 * As `resume`, but only looks.
 * @throws {StakingError} TRANSACTION_PENDING
 */
export async function refuseUnfinished(
  view: OperatorView,
  journal: Pick<TransactionJournal, 'entries'>,
): Promise<void> {
  for (const entry of unsettled(journal).filter((one) => !isGivenUp(one))) {
    const { kind } = await fateOf(view, entry)
    if (kind === 'open' || kind === 'taken') throw pending(entry)
  }
}

/** Tells the journal that the operator knows. */
export async function acknowledge(journal: TransactionJournal): Promise<void> {
  await journal.change((entry) => (entry.outcome === 'open' || entry.isTold ? entry : { ...entry, isTold: true }))
}

/** What was signed can be mined until its place is taken in a final block, whatever was believed of it meanwhile. */
function unsettled(journal: Pick<TransactionJournal, 'entries'>): readonly JournalEntry[] {
  return journal.entries().filter(({ isFinal }) => !isFinal)
}

function isGivenUp({ outcome }: JournalEntry): boolean {
  return outcome === 'replaced' || outcome === 'dropped'
}

async function markFinal({ chain, address }: OperatorView, journal: TransactionJournal): Promise<void> {
  const waiting = journal.entries().filter(({ outcome, isFinal }) => outcome !== 'open' && !isFinal)
  if (waiting.length === 0) return
  const isPlaceAsked = waiting.some(({ blockNumber }) => blockNumber === undefined)
  const [{ number }, places] = await Promise.all([
    chain.getBlock({ blockTag: 'finalized' }),
    isPlaceAsked ? chain.getTransactionCount({ address, blockTag: 'finalized' }) : 0,
  ]).catch(() => {
    throw new StakingError('PROVIDER_REFUSED', 'The RPC provider cannot tell which blocks are final')
  })
  const isFinal = ({ blockNumber, nonce }: JournalEntry) =>
    blockNumber === undefined ? nonce < places : blockNumber <= number
  await journal.change((entry) => (waiting.includes(entry) && isFinal(entry) ? { ...entry, isFinal: true } : entry))
}
