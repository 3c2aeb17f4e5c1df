import type { BlsPublicKey, BlsSignatureParameter } from '../../crypto/bls.ts'
import type { SignatureRefusal } from '../../protocol/peer-api/signature-request.ts'
import { StakingError } from '../errors.ts'

/** What the members are to sign. */
export type SignatureSubject =
  | { readonly kind: 'exit' | 'liquidate'; readonly blsPublicKey: BlsPublicKey }
  | { readonly kind: 'reward'; readonly recipient: `0x${string}` }

/** Why a member of the contract is no signer: it refused, or there was no use in its answer. */
export type NonSignerReason =
  | SignatureRefusal
  /** It could not be reached, or did not answer in time. */
  | 'silent'
  /** Its answer is none. */
  | 'malformed'
  /** Its signature is not of what was asked for, or not by its key. */
  | 'false-signature'
  /** It gave a false signature not long ago and was not asked. */
  | 'benched'
  /** There was no time left to tell its signature from a false one. */
  | 'unchecked'
  /** It has registered so lately that it is in no agreed list, so nobody knows whom to ask. */
  | 'new'

/** What a call of the staking contract needs besides its own arguments. */
export interface CollectedSignature {
  readonly kind: SignatureSubject['kind']
  /** Of an exit or a liquidation: what was signed, in Unix seconds. The contract takes it for ten minutes. */
  readonly timestampS?: number
  /** Of a reward: the lifetime total that was signed. */
  readonly totalAtomic?: bigint
  readonly signature: BlsSignatureParameter
  /** Ids, ascending: all in the contract at its newest block but those whose signatures are in the sum. */
  readonly nonSigners: readonly bigint[]
  readonly signed: number
  readonly members: number
  /** How many did not sign, by why. Not known of Session's nodes. */
  readonly refusals: Partial<Record<NonSignerReason, number>>
}

/** Where signatures of more than two thirds of the members come from. */
export interface SignatureSource {
  /** @throws {StakingError} SIGNATURES_INSUFFICIENT, SIGNATURES_BUSY, REWARDS_UNKNOWN, SIGNATURE_ANSWER_WRONG, PROVIDERS_… */
  collect(subject: SignatureSubject, signal: AbortSignal): Promise<CollectedSignature>
}

const REASONS: Readonly<Record<NonSignerReason, string>> = {
  busy: 'they have too much to do',
  'list-missing': 'they have no list of members yet',
  'chain-frozen': 'their newest final block is too old',
  'list-doubted': 'they doubt their own list of members',
  paused: 'the contract is paused',
  'contract-unread': 'they cannot read the contract',
  'not-a-member': 'no member has this BLS key in a final block',
  timestamp: "their clocks differ from this machine's",
  'leave-not-requested': 'nobody asked for this service node to leave, in a final block',
  'too-early': 'the wait after the request to leave is not over in a final block',
  'not-liquidatable': 'nothing is wrong with this member that a liquidation is for',
  'registration-unread': 'they could not look up its registration; try again in a minute',
  'ledger-missing': 'they keep no ledger of rewards',
  'ledger-index': 'their ledgers are at another period; try again in some minutes',
  'ledger-total': 'their ledgers have another total',
  'ledger-doubted': 'their ledgers are in doubt',
  'signing-off': 'they do not sign',
  silent: 'they do not answer',
  malformed: 'their answers are no answers',
  'false-signature': 'their signatures are false',
  benched: 'their signatures were false a moment ago',
  unchecked: 'there was no time to check their signatures',
  new: 'they have just registered',
}

/** Says how many signed, how many must, and why most of the others did not. */
export function insufficient(facts: {
  readonly signed: number
  readonly members: number
  readonly nonSignersMax: number
  readonly refusals: CollectedSignature['refusals']
}): StakingError {
  const { signed, members, nonSignersMax, refusals } = facts
  const needed = members - nonSignersMax
  const [most] = (Object.entries(refusals) as [NonSignerReason, number][]).toSorted(([, a], [, b]) => b - a)
  const why = most === undefined ? '' : `; of the others, ${most[1]} because ${REASONS[most[0]]}`
  const message = `${signed} of ${members} members signed, and ${needed} must${why}`
  return new StakingError('SIGNATURES_INSUFFICIENT', message, { details: { signed, members, needed, ...refusals } })
}
