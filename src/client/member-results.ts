import { fromBase64 } from '../base/bytes.ts'
import { verifySignature } from '../crypto/signature.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { type ServiceNodeKey, serviceNodeKeyBytes } from '../protocol/service-node.ts'
import { ClientError } from './errors.ts'
import type { ReachableNode } from './reachable-node.ts'

// Every member signs what it did, so the one that was asked cannot speak for the others. Only members that the client
// knows of count: anybody can make up keys.

/** What one member of the swarm did, as far as it can be known. */
export type MemberResult<T> =
  /** It did it: its signature over `value` verifies. */
  | { readonly kind: 'confirmed'; readonly member: ServiceNodeKey; readonly value: T }
  /** The member that was asked says that this one did not. Nothing proves it. */
  | {
      readonly kind: 'failed'
      readonly member: ServiceNodeKey
      /** It did not answer in time, so it may have done it. */
      readonly timedOut: boolean
      readonly status?: number
    }
  /** Its result is not of the expected shape, or its signature does not verify. */
  | { readonly kind: 'unproved'; readonly member: ServiceNodeKey }
  /** The answer does not speak of it. */
  | { readonly kind: 'missing'; readonly member: ServiceNodeKey }

/** How many members of the swarm did it, and proved it by their signature: at least one. */
export interface Confirmations {
  readonly confirmations: number
  /** Members that the client knows of. */
  readonly members: number
}

export interface Receipt<T> extends Confirmations {
  /** One for each member that the client knows of. */
  readonly results: readonly MemberResult<T>[]
}

/** Whether more than half of the swarm proved it: then any later majority has at least one member that did it. */
export function isConfirmedByMajority({ confirmations, members }: Confirmations): boolean {
  return 2 * confirmations > members
}

/** What a member claims: the text that it must have signed, and what that says. Undefined for a malformed result. */
export type ReadResult<T> = (result: JsonObject) => { readonly signed: Uint8Array; readonly value: T } | undefined

/**
 * The members' results in the answer of one of them.
 * @throws {ClientError} ANSWER_INVALID when not one member proves that it did it
 */
export function readReceipt<T>(answer: JsonValue, swarm: readonly ReachableNode[], read: ReadResult<T>): Receipt<T> {
  const listed = isJsonObject(answer) ? answer['swarm'] : undefined
  const byMember = isJsonObject(listed) ? listed : {}
  const results = swarm.map(({ key }) => memberResult(key, byMember[key], read))
  const confirmations = results.filter(({ kind }) => kind === 'confirmed').length
  if (confirmations === 0) throw new ClientError('ANSWER_INVALID', 'No member of the swarm proves that it did it')
  return { results, confirmations, members: swarm.length }
}

/** What the members say that proved it. */
export function confirmedValues<T>({ results }: Receipt<T>): readonly T[] {
  return results.flatMap((result) => (result.kind === 'confirmed' ? [result.value] : []))
}

function memberResult<T>(member: ServiceNodeKey, result: JsonValue | undefined, read: ReadResult<T>): MemberResult<T> {
  if (result === undefined) return { kind: 'missing', member }
  if (!isJsonObject(result)) return { kind: 'unproved', member }
  if (result['failed'] === true) return failedResult(member, result)
  const claim = read(result)
  const signature = typeof result['signature'] === 'string' ? fromBase64(result['signature']) : undefined
  if (claim === undefined || signature === undefined) return { kind: 'unproved', member }
  return verifySignature(signature, claim.signed, serviceNodeKeyBytes(member))
    ? { kind: 'confirmed', member, value: claim.value }
    : { kind: 'unproved', member }
}

/** `code` is text on the wire. */
function failedResult(member: ServiceNodeKey, { timeout, code }: JsonObject): MemberResult<never> {
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : undefined
  return { kind: 'failed', member, timedOut: timeout === true, ...(status !== undefined && { status }) }
}
