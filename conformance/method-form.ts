import type { JsonObject } from '../src/protocol/json.ts'
import type { Signer } from './test-account.ts'

/** The types of parameters that the protocol tells apart, by how it names them in refusals. */
export type FieldType =
  | 'boolean'
  | 'positive integer'
  | 'integer'
  | '16-bit integer'
  | 'integer or "all"'
  | 'timestamp'
  /** A timestamp that may be written as a string. */
  | 'timestamp or text'
  | 'timestamp array'
  | 'string array'
  | 'string'

/** What every method has in common that asks about an account: the cases that follow from it are not written twice. */
export interface MethodForm {
  readonly method: string
  readonly fields: Readonly<Record<string, FieldType>>
  readonly required: readonly string[]
  /** Whether an account's swarm alone answers. */
  readonly inSwarm: boolean
  /** The text for a malformed account id. */
  readonly accountRefusal: string
  /** A request that is good in all respects, and answered with 200 for an account that has no messages. */
  params(signer: Signer, nowMs: number): JsonObject
  readonly authentication?: AuthenticationForm
  readonly clock?: readonly ClockRule[]
}

export interface AuthenticationForm {
  /** The text of the 401. */
  readonly refusal: string
  /** Flags that a subaccount needs; undefined when only the owner may ask. */
  readonly access: number | undefined
  /** Changes to a signed request that make its signature wrong. */
  alterations(nowMs: number): Readonly<Record<string, JsonObject>>
}

/** A request made for a moment that is so far from now, and what becomes of it. */
export interface ClockRule {
  readonly offsetMs: number
  /** Undefined: it is taken. */
  readonly refusal?: readonly [status: number, text: string]
}

const SECONDS = 1000

/** A signed moment counts 60 s before and after; the margin is for the way and for clocks that we only estimate. */
export function windowOf(status: number, text: string): readonly ClockRule[] {
  return [
    { offsetMs: -50 * SECONDS },
    { offsetMs: 50 * SECONDS },
    { offsetMs: -75 * SECONDS, refusal: [status, text] },
    { offsetMs: 75 * SECONDS, refusal: [status, text] },
  ]
}

export const ACCOUNT_REFUSAL = 'Pubkey must be 66 hex digits (33 bytes) long'

/** Fields of the owner's signature. */
export const OWNER_FIELDS = { pubkey: 'string', signature: 'string', pubkey_ed25519: 'string' } as const

/** Fields of a signature that a subaccount may give too. */
export const SIGNED_FIELDS = { ...OWNER_FIELDS, subaccount: 'string', subaccount_sig: 'string' } as const

/** 43 digits of base64 that are no message's hash. */
export const NO_HASH = '/'.repeat(43)
export const NO_HASH_EITHER = `${'/'.repeat(42)}+`
