import { BaseError, keccak256 } from 'viem'
import type { Clock } from '../../base/clock.ts'
import type { Hex } from '../chain-reply.ts'
import { told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorAccount, OperatorView } from '../operator-account.ts'
import type { OperatorCall } from './call.ts'
import type { TransactionJournal } from './journal.ts'
import type { JournalEntry, SignedAttempt } from './journal-entry.ts'
import { planNow } from './plan.ts'
import { awaitFate, defaultPatience, type Fate, type Patience } from './receipts.ts'

// Sends an operator's transactions so that each has exactly one effect, whatever stops the command:
//
//     simulate -> sign -> write into the journal (fsync) -> send -> receipt -> write into the journal
//
// After a stop before the journal nothing was sent. After one behind it, the same bytes are sent again: the chain takes them once.

export interface SenderComponents {
  readonly journal: TransactionJournal
  readonly clock: Pick<Clock, 'nowMs'>
  /** Told before each wait and after each receipt. */
  readonly progress?: (line: string) => void
  readonly patience?: Patience
}

/** Clients of the chain take a transaction in another's place for a tenth more (go-ethereum's price bump); an eighth is more than that. */
const REPLACEMENT_DIVISOR = 8n

/**
 * Sends one call and waits until it is mined.
 * @throws {StakingError} TRANSACTION_PENDING, TRANSACTION_REPLACED, CONTRACT_REFUSED, …; before anything is sent also what its
 * simulation meets
 */
export async function sendCall(
  account: OperatorAccount,
  components: SenderComponents,
  call: OperatorCall,
): Promise<JournalEntry> {
  const { data, gas } = await planNow(account, call)
  const { nonce, maxFeePerGas, maxPriorityFeePerGas } = await place(account)
  const attempt = await signed(account, { to: call.to, data, gas, nonce, maxFeePerGas, maxPriorityFeePerGas })
  const entry: JournalEntry = {
    ...{ purpose: call.purpose, title: call.title, to: call.to, data, nonce, gas },
    signedAtMs: components.clock.nowMs(),
    attempts: [attempt],
    ...{ outcome: 'open', minedHash: undefined, blockNumber: undefined, isFinal: false, isTold: false },
  }
  await components.journal.append(entry)
  return await broadcast(account, components, entry)
}

/** Sends what is in the journal already, again if need be, and waits until it is mined. */
export async function broadcast(
  view: OperatorView,
  components: SenderComponents,
  entry: JournalEntry,
): Promise<JournalEntry> {
  const newest = entry.attempts.at(-1)
  if (newest === undefined) throw new RangeError('An entry without a signature')
  components.progress?.(`Sending ${newest.hash} (${entry.title})`)
  const refusal = await view.chain.sendRawTransaction({ serializedTransaction: newest.raw }).then(
    () => undefined,
    (error: unknown) => refusalOf(error),
  )
  if (refusal === 'no-funds') {
    await components.journal.replace(entry, { ...entry, outcome: 'dropped' })
    throw new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account cannot pay the gas; nothing was sent')
  }
  // A place that is taken is so at once; everything else may still come to be mined.
  const patience = components.patience ?? defaultPatience
  const receiptMs = refusal === 'fee-too-low' ? 0 : patience.receiptMs
  const fate = await awaitFate(view, entry, { ...patience, receiptMs })
  return await settled(components, entry, fate, refusal)
}

/** Offers more for the same place, so that at most one of the two is mined. */
export async function bid(
  account: OperatorAccount,
  components: SenderComponents,
  entry: JournalEntry,
): Promise<JournalEntry> {
  const last = entry.attempts.at(-1)
  if (last === undefined) throw new RangeError('An entry without a signature')
  const now = await told(() => account.chain.estimateFeesPerGas())
  const raised = (fee: bigint) => fee + fee / REPLACEMENT_DIVISOR + 1n
  const fees = {
    maxFeePerGas: larger(now.maxFeePerGas, raised(last.maxFeePerGas)),
    maxPriorityFeePerGas: larger(now.maxPriorityFeePerGas, raised(last.maxPriorityFeePerGas)),
  }
  const { to, data, gas, nonce } = entry
  const attempt = await signed(account, { to, data, gas, nonce, ...fees })
  const next = { ...entry, attempts: [...entry.attempts, attempt] }
  await components.journal.replace(entry, next)
  return await broadcast(account, components, next)
}

/** Writes down what the chain says, and refuses to go on unless the transaction did what it was for. */
export async function settled(
  { journal, progress }: SenderComponents,
  entry: JournalEntry,
  fate: Fate,
  refusal?: SendRefusal,
): Promise<JournalEntry> {
  const hash = entry.attempts.at(-1)?.hash ?? '0x'
  switch (fate.kind) {
    case 'mined': {
      const next = { ...entry, outcome: 'mined', minedHash: fate.hash, blockNumber: fate.blockNumber } as const
      await journal.replace(entry, next)
      progress?.(`In block ${fate.blockNumber}: ${fate.hash} (${entry.title})`)
      return next
    }
    case 'refused': {
      const mined = { minedHash: fate.hash, blockNumber: fate.blockNumber, isTold: true }
      await journal.replace(entry, { ...entry, outcome: 'refused', ...mined })
      const message = `The transaction ${fate.hash} was mined, but the contract refused it`
      throw new StakingError('CONTRACT_REFUSED', message, { details: { hash: fate.hash } })
    }
    case 'replaced': {
      await journal.replace(entry, { ...entry, outcome: 'replaced', isTold: true })
      const message = `Another transaction of this account took the place ${entry.nonce} of ${hash}, which can never be mined now`
      throw new StakingError('TRANSACTION_REPLACED', message, { details: { hash, nonce: entry.nonce } })
    }
    case 'taken':
    case 'open':
      throw pending(entry, refusal)
  }
}

export function pending(entry: JournalEntry, refusal?: SendRefusal): StakingError {
  const hash = entry.attempts.at(-1)?.hash ?? '0x'
  const how =
    refusal === 'fee-too-low'
      ? 'offers less than the chain takes now. Run the same command with --replace to offer more for the same place'
      : 'is signed and not confirmed yet. Run the same command again later: it goes on with this transaction and pays once'
  return new StakingError('TRANSACTION_PENDING', `The transaction ${hash} ${how}`, { details: { hash } })
}

export type SendRefusal = 'fee-too-low' | 'no-funds' | 'other'

/**
 * Why a provider did not take a transaction. Their words are no standard, so that only those are told apart that ask for something
 * else than to wait: a provider that has it already, or that does not answer, may have passed it on.
 */
function refusalOf(error: unknown): SendRefusal {
  if (!(error instanceof BaseError)) throw error
  const words = error.details ?? ''
  if (/insufficient funds/i.test(words)) return 'no-funds'
  if (/underpriced|fee cap|max fee per gas less than block base fee|fee too low/i.test(words)) return 'fee-too-low'
  return 'other'
}

/** The next place of the account. Whatever else of it is under way may be anything: it is to be seen first. */
async function place({ chain, address }: OperatorView) {
  const [mined, underWay, fees] = await told(() =>
    Promise.all([
      chain.getTransactionCount({ address, blockTag: 'latest' }),
      chain.getTransactionCount({ address, blockTag: 'pending' }),
      chain.estimateFeesPerGas(),
    ]),
  )
  if (underWay > mined) {
    throw new StakingError('TRANSACTION_PENDING', 'A transaction of this account is still under way; wait for it')
  }
  return { nonce: mined, ...fees }
}

async function signed(
  { wallet }: OperatorAccount,
  transaction: {
    to: Hex
    data: Hex
    gas: bigint
    nonce: number
    maxFeePerGas: bigint
    maxPriorityFeePerGas: bigint
  },
): Promise<SignedAttempt> {
  const { maxFeePerGas, maxPriorityFeePerGas } = transaction
  const raw = await wallet.account.signTransaction({ ...transaction, chainId: wallet.chain.id, type: 'eip1559' })
  return { hash: keccak256(raw), raw, maxFeePerGas, maxPriorityFeePerGas }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
