import { BaseError, keccak256 } from 'viem'
import type { Clock } from '../../base/clock.ts'
import type { Hex } from '../chain-reply.ts'
import { told } from '../contract-errors.ts'
import { StakingError } from '../errors.ts'
import type { OperatorAccount, OperatorView } from '../operator-account.ts'
import type { OperatorCall } from './call.ts'
import type { TransactionJournal } from './journal.ts'
import type { JournalEntry, SignedAttempt } from './journal-entry.ts'
import { type GasOffer, type PlannedCall, planSoon } from './plan.ts'
import { awaitFate, defaultPatience, type Fate, type Patience } from './receipts.ts'
import { nextPlace } from './turn.ts'

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
  /** Asked before more is offered for a transaction that is stuck; it refuses by throwing. */
  readonly approveBid?: (bid: Bid) => Promise<void>
}

/** What `bid` is about to sign. */
export interface Bid {
  readonly entry: JournalEntry
  readonly maxFeePerGas: bigint
  readonly gasCostMaxWei: bigint
}

/** Clients of the chain take a transaction in another's place for a tenth more (go-ethereum's price bump); an eighth is more than that. */
const REPLACEMENT_DIVISOR = 8n
/** What is offered is twice the block's base fee (../operator-account.ts), so at twice the offer the chain no longer takes it. */
const BASE_FEE_HEADROOM = 2n

/**
 * Sends one call and waits until it is mined. What was shown is what is signed: with `offer`, never for more gas or a higher fee.
 * @throws {StakingError} TRANSACTION_PENDING, TRANSACTION_REPLACED, CONTRACT_REFUSED, …; before anything is sent also what its
 * simulation meets, and GAS_COST_TOO_HIGH when the offer does not suffice any more
 */
export async function sendCall(
  account: OperatorAccount,
  components: SenderComponents,
  call: OperatorCall,
  offer?: GasOffer,
): Promise<JournalEntry> {
  const { takenMs } = components.patience ?? defaultPatience
  const planned = await planSoon(account, call, takenMs)
  const nonce = await nextPlace(account, components.journal, takenMs)
  const { gas, ...fees } = await withinOffer(account, planned, offer)
  const { data } = planned
  const attempt = await signed(account, { to: call.to, data, gas, nonce, ...fees })
  const entry: JournalEntry = {
    ...{ purpose: call.purpose, title: call.title, to: call.to, data, nonce, gas },
    signedAtMs: components.clock.nowMs(),
    attempts: [attempt],
    ...{ outcome: 'open', minedHash: undefined, blockNumber: undefined, isFinal: false, isTold: false },
  }
  await components.journal.append(entry)
  return await broadcast(account, components, entry, { isFirst: true })
}

/**
 * What is signed for. A fee that was shown holds as long as the chain may still take it, so that a question that is answered after a
 * while needs not be asked again.
 */
async function withinOffer(
  { chain }: OperatorView,
  { gas, gasNeeded }: PlannedCall,
  offer: GasOffer | undefined,
): Promise<GasOffer> {
  const { maxFeePerGas, maxPriorityFeePerGas } = await told(() => chain.estimateFeesPerGas())
  if (offer === undefined) return { gas, maxFeePerGas, maxPriorityFeePerGas }
  if (gasNeeded <= offer.gas && maxFeePerGas <= offer.maxFeePerGas * BASE_FEE_HEADROOM) return offer
  throw new StakingError('GAS_COST_TOO_HIGH', 'The gas costs more than was shown by now; nothing was signed for it')
}

/** Sends what is in the journal already, again if need be, and waits until it is mined. */
export async function broadcast(
  view: OperatorView,
  components: SenderComponents,
  entry: JournalEntry,
  { isFirst } = { isFirst: false },
): Promise<JournalEntry> {
  const newest = entry.attempts.at(-1)
  if (newest === undefined) throw new RangeError('An entry without a signature')
  components.progress?.(`Sending ${newest.hash} (${entry.title})`)
  const refusal = await view.chain.sendRawTransaction({ serializedTransaction: newest.raw }).then(
    () => undefined,
    (error: unknown) => refusalOf(error),
  )
  // Only what nobody has seen before is gone when it is refused: of anything else, an earlier copy may still be mined.
  const isGone = isFirst && entry.attempts.length === 1 && (refusal === 'no-funds' || refusal === 'never')
  if (isGone) {
    await components.journal.replace(entry, { ...entry, outcome: 'dropped', isTold: true })
    throw refusedForGood(refusal)
  }
  // A place that is taken is so at once; everything else may still come to be mined.
  const patience = components.patience ?? defaultPatience
  const isHopeless = refusal !== undefined && refusal !== 'other'
  const fate = await awaitFate(view, entry, { ...patience, receiptMs: isHopeless ? 0 : patience.receiptMs })
  return await settled(components, entry, fate, refusal)
}

function refusedForGood(refusal: 'no-funds' | 'never'): StakingError {
  if (refusal === 'no-funds') {
    return new StakingError('GAS_FUNDS_INSUFFICIENT', 'The account cannot pay the gas; nothing was sent')
  }
  const message = 'The RPC provider does not take such a transaction; nothing was sent. Try another provider'
  return new StakingError('PROVIDER_REFUSED', message)
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
  const { maxFeePerGas } = fees
  await components.approveBid?.({ entry, maxFeePerGas, gasCostMaxWei: gas * maxFeePerGas })
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
      const place = { outcome: 'mined', minedHash: fate.hash, blockNumber: fate.blockNumber } as const
      // What was told to have failed is news now.
      const isTold = entry.isTold && (entry.outcome === 'open' || entry.outcome === 'mined')
      const next: JournalEntry = { ...entry, ...place, isTold }
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
  const code = refusal === 'no-funds' ? 'GAS_FUNDS_INSUFFICIENT' : 'TRANSACTION_PENDING'
  return new StakingError(code, `The transaction ${hash} ${PENDING_WORDS[refusal ?? 'other']}`, { details: { hash } })
}

export type SendRefusal = 'fee-too-low' | 'no-funds' | 'never' | 'other'

const PENDING_WORDS: Readonly<Record<SendRefusal, string>> = {
  'fee-too-low':
    'offers less than the chain takes now. Run the same command with --replace to offer more for the same place',
  'no-funds':
    'is signed, and the account cannot pay its gas now. Send it ether, then run the same command again: it pays once',
  never: 'is signed, and this RPC provider does not take it. Run the same command again with another provider',
  other:
    'is signed and not confirmed yet. Run the same command again later: it goes on with this transaction and pays once',
}

/**
 * Why a provider did not take a transaction. Their words are no standard, so that only those are told apart that ask for something
 * else than to wait: a provider that has it already, or that does not answer, may have passed it on.
 */
function refusalOf(error: unknown): SendRefusal {
  if (!(error instanceof BaseError)) throw error
  const words = error.details ?? ''
  if (/insufficient funds/i.test(words)) return 'no-funds'
  if (/underpriced|fee cap|max fee per gas less than block base fee|fee too low/i.test(words)) return 'fee-too-low'
  if (/intrinsic gas too low|exceeds block gas limit|gas limit (is )?too high|type not supported/i.test(words))
    return 'never'
  return 'other'
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
