import { bytesEqual, fromHex, toBigInt } from '../../base/bytes.ts'
import type { BlsTags } from '../../crypto/bls-messages.ts'
import type { SignatureRequest } from '../../protocol/peer-api/signature-request.ts'
import { StakingError } from '../errors.ts'
import { signedMessageOf } from './signed-message.ts'

// What Session's nodes answer to `bls_exit_liquidation_request` and `bls_rewards_request`. All that counts is in the message, which is
// computed here and compared; the other fields only help.

/** An answer whose message is the one that was asked for. Its signature is yet to be checked. */
export interface ServiceNodeAnswer {
  readonly request: SignatureRequest
  readonly message: Uint8Array
  readonly signature: Uint8Array
  /** Ids of the contract. */
  readonly nonSigners: ReadonlySet<bigint>
}

export type ServiceNodeQuestion =
  | { readonly kind: 'exit' | 'liquidate'; readonly bls: string }
  | { readonly kind: 'reward'; readonly recipient: `0x${string}` }

const WORD = 32
/** More members than anyone follows. */
const NON_SIGNERS_MAX = 20_000

/** @throws {StakingError} SIGNATURE_ANSWER_WRONG */
export function readServiceNodeAnswer(value: unknown, question: ServiceNodeQuestion, tags: BlsTags): ServiceNodeAnswer {
  if (typeof value !== 'object' || value === null) throw wrong('no object')
  const fields = value as Readonly<Record<string, unknown>>
  const message = hexField(fields, 'msg_to_sign')
  const signature = hexField(fields, 'signature')
  const request = question.kind === 'reward' ? rewardOf(fields, question, message) : removalOf(fields, question)
  const expected = signedMessageOf(request, tags)?.message
  if (expected === undefined || !bytesEqual(expected, message)) throw wrong('the message of something else')
  return { request, message, signature, nonSigners: nonSignersOf(fields['non_signer_indices']) }
}

function removalOf(
  fields: Readonly<Record<string, unknown>>,
  { kind, bls }: { readonly kind: 'exit' | 'liquidate'; readonly bls: string },
): SignatureRequest {
  const timestampS = fields['timestamp']
  if (typeof timestampS !== 'number' || !Number.isSafeInteger(timestampS) || timestampS < 0) throw wrong('no timestamp')
  return { kind, bls, timestampS }
}

/** The total is the message's last word: as a number of JSON it would lose digits. */
function rewardOf(
  fields: Readonly<Record<string, unknown>>,
  { kind, recipient }: { readonly kind: 'reward'; readonly recipient: `0x${string}` },
  message: Uint8Array,
): SignatureRequest {
  if (message.length < WORD) throw wrong('a message that is too short')
  const totalAtomic = toBigInt(message.subarray(-WORD))
  const amount = fields['amount']
  if (typeof amount !== 'number' || Number(totalAtomic) !== amount) throw wrong('an amount other than in its message')
  return { kind, recipient, index: 0, totalAtomic }
}

function hexField(fields: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const text = fields[name]
  const bytes = typeof text === 'string' && text.length <= HEX_MAX ? fromHex(text.replace(/^0x/, '')) : undefined
  if (bytes === undefined) throw wrong(`no ${name}`)
  return bytes
}

/** Twice the longest message and the longest signature there are. */
const HEX_MAX = 1024

function nonSignersOf(value: unknown): ReadonlySet<bigint> {
  if (!Array.isArray(value) || value.length > NON_SIGNERS_MAX) throw wrong('no non_signer_indices')
  const ids = (value as readonly unknown[]).map((id) => {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw wrong('a non-signer that is no id')
    return BigInt(id)
  })
  return new Set(ids)
}

export function wrong(what: string): StakingError {
  return new StakingError('SIGNATURE_ANSWER_WRONG', `A Session node's answer has ${what}`)
}
