import type { DurationMs, TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import type { JsonObject } from '../protocol/json.ts'
import { SIGNATURE_WINDOW_FORWARDED_MS, SIGNATURE_WINDOW_MS } from '../protocol/limits.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import type { AccountUser } from './account-limiter.ts'
import { RpcError } from './errors.ts'
import type { MemoryShare } from './memory-budget.ts'
import type { RequestEntry } from './metrics.ts'

/** One request on its way through the method table. */
export interface Call {
  readonly entry: RequestEntry
  /** Our clock when the request was received. What timestamps are judged by. */
  readonly nowMs: TimestampMs
  /** The entry node's clock when it received the request; the same on every member, so that results are too. */
  readonly receivedMs: TimestampMs
  readonly signal: AbortSignal
}

/** A client's request, whose answer may hold messages. */
export interface ClientCall extends Call {
  /** The part of its size that a retrieve may use, 0..1: those of one batch share what one retrieve may return. */
  readonly retrieveShare: number
  /** What limits count the client by; undefined when it came through an onion. Never logged. */
  readonly address: string | undefined
  /** Memory of the messages that the answer holds. */
  readonly retrieved: MemoryShare
}

/** Who takes turns with others: an address, or the account of a request that came through an onion. */
export function clientOf({ address }: ClientCall, account: AccountId): string {
  return address ?? account
}

/** A request that is to change what the members of a swarm hold. */
export interface StampedCall extends Call {
  /** Its place among all others, given by the entry node. */
  readonly stamp: OperationStamp
}

/** Such a request when it has been checked. */
export interface SwarmCall extends StampedCall {
  /** As it is forwarded, the same on every member: what ended lives is proved by it. */
  readonly request: Uint8Array
}

/** Answers from this node alone. */
export interface LocalMethod<Request> {
  parse(params: JsonObject): Request
  answer(request: Request, call: ClientCall): ClientAnswer | Promise<ClientAnswer>
  /** Bytes of messages that the answer may hold; none when it is left out. */
  retrieveBytes?(request: Request): number
}

/** Runs on every member of an account's swarm: here at once, and on the others by forwarding. */
export interface SwarmMethod<Request extends AccountUser> {
  parse(params: JsonObject): Request
  /** Whether anybody may do it, so that no signature has been checked. */
  isOpen?(request: Request): boolean
  /** Tokens of the account's rate; one when it is left out. */
  cost?(request: Request): number
  /**
   * Clock, limits and signature, in this order. Repeated by every member.
   * @throws {RpcError} whose message the client gets
   */
  check(request: Request, call: StampedCall): void
  /** Does it here. What this node signs is part of the result. */
  execute(request: Request, call: SwarmCall): Promise<JsonObject>
  /** This node's result of a request that would change nothing worth telling others; undefined when it would, or might. */
  spare?(request: Request, call: StampedCall): Promise<JsonObject | undefined>
  /** What the whole answer needs besides the members' results. */
  conclude?(request: Request, results: SwarmResults): Conclusion
}

export interface SwarmResults {
  /** Undefined when this node failed. */
  readonly own: JsonObject | undefined
  readonly all: readonly JsonObject[]
}

export interface Conclusion {
  readonly status?: number
  /** Extra fields at the top of the answer. */
  readonly fields?: JsonObject
}

/** A forwarded request has travelled already, so everything that names a time is judged a little more kindly. */
export function travelAllowanceMs({ entry }: Call): DurationMs {
  return entry === 'member' ? SIGNATURE_WINDOW_FORWARDED_MS - SIGNATURE_WINDOW_MS : 0
}

/** @throws {RpcError} CLOCK_DIFFERS */
export function requireRecent(timestampMs: TimestampMs, call: Call, refusal: string): void {
  const windowMs = SIGNATURE_WINDOW_MS + travelAllowanceMs(call)
  if (Math.abs(timestampMs - call.nowMs) > windowMs) throw new RpcError('CLOCK_DIFFERS', refusal)
}
