import type { TimestampMs } from '../../base/clock.ts'
import { isJsonObject, type JsonValue } from '../../protocol/json.ts'
import type { Hex } from '../chain-reply.ts'
import { CALL_PURPOSES, type CallPurpose } from './call.ts'

/**
 * What became of a transaction.
 *
 * open      nobody knows yet
 * mined     it is in a block and did what it was for
 * refused   it is in a block, but the contract refused it
 * replaced  another transaction of the account took its place
 * dropped   the provider refused it for good before it went anywhere
 */
const OUTCOMES = ['open', 'mined', 'refused', 'replaced', 'dropped'] as const
export type TransactionOutcome = (typeof OUTCOMES)[number]

/** One signature of a transaction. A later one offers more for the same place in the account's order: only one can be mined. */
export interface SignedAttempt {
  readonly hash: Hex
  readonly raw: Hex
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** A transaction that was signed, written down before the first byte of it was sent. */
export interface JournalEntry {
  readonly purpose: CallPurpose
  readonly title: string
  readonly to: Hex
  readonly data: Hex
  readonly nonce: number
  readonly gas: bigint
  readonly signedAtMs: TimestampMs
  /** The newest last; never empty. */
  readonly attempts: readonly SignedAttempt[]
  readonly outcome: TransactionOutcome
  readonly minedHash: Hex | undefined
  readonly blockNumber: bigint | undefined
  /** Whether its block, or the one in which its place was taken, was final when last seen: then nothing of this changes any more. */
  readonly isFinal: boolean
  /** Whether its outcome has been told to the operator. */
  readonly isTold: boolean
}

export function journalEntryJson(entry: JournalEntry): JsonValue {
  const { minedHash, blockNumber } = entry
  return {
    purpose: entry.purpose,
    title: entry.title,
    to: entry.to,
    data: entry.data,
    nonce: entry.nonce,
    gas: entry.gas.toString(),
    signedAtMs: entry.signedAtMs,
    attempts: entry.attempts.map(({ hash, raw, maxFeePerGas, maxPriorityFeePerGas }) => ({
      ...{ hash, raw },
      maxFeePerGas: maxFeePerGas.toString(),
      maxPriorityFeePerGas: maxPriorityFeePerGas.toString(),
    })),
    outcome: entry.outcome,
    ...(minedHash === undefined ? {} : { minedHash }),
    ...(blockNumber === undefined ? {} : { blockNumber: blockNumber.toString() }),
    isFinal: entry.isFinal,
    isTold: entry.isTold,
  }
}

/** Undefined for anything that is no entry. */
export function parseJournalEntry(value: JsonValue): JournalEntry | undefined {
  if (!isJsonObject(value)) return undefined
  const purpose = CALL_PURPOSES.find((known) => known === value['purpose'])
  const outcome = OUTCOMES.find((known) => known === value['outcome'])
  const { title, nonce, signedAtMs, attempts, isFinal, isTold } = value
  const [to, data, gas] = [hexOf(value['to']), hexOf(value['data']), integerOf(value['gas'])]
  if (purpose === undefined || outcome === undefined || typeof title !== 'string') return undefined
  if (to === undefined || data === undefined || gas === undefined) return undefined
  if (typeof nonce !== 'number' || typeof signedAtMs !== 'number') return undefined
  if (typeof isFinal !== 'boolean' || typeof isTold !== 'boolean' || !Array.isArray(attempts)) return undefined
  const parsed = (attempts as readonly JsonValue[]).map(parseAttempt)
  if (parsed.length === 0 || !parsed.every((attempt) => attempt !== undefined)) return undefined
  const mined = { minedHash: hexOf(value['minedHash']), blockNumber: integerOf(value['blockNumber']) }
  return { purpose, title, to, data, nonce, gas, signedAtMs, attempts: parsed, outcome, ...mined, isFinal, isTold }
}

function parseAttempt(value: JsonValue): SignedAttempt | undefined {
  if (!isJsonObject(value)) return undefined
  const [hash, raw] = [hexOf(value['hash']), hexOf(value['raw'])]
  const [maxFeePerGas, maxPriorityFeePerGas] = [
    integerOf(value['maxFeePerGas']),
    integerOf(value['maxPriorityFeePerGas']),
  ]
  if (hash === undefined || raw === undefined) return undefined
  if (maxFeePerGas === undefined || maxPriorityFeePerGas === undefined) return undefined
  return { hash, raw, maxFeePerGas, maxPriorityFeePerGas }
}

function hexOf(value: JsonValue | undefined): Hex | undefined {
  return typeof value === 'string' && /^0x[0-9a-fA-F]*$/.test(value) ? (value as Hex) : undefined
}

function integerOf(value: JsonValue | undefined): bigint | undefined {
  return typeof value === 'string' && /^[0-9]{1,78}$/.test(value) ? BigInt(value) : undefined
}
