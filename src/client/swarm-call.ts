import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { Answer } from './onion-transport.ts'
import type { ReachableNode } from './reachable-node.ts'

/** One request to the swarm of an account: how it is written, and what its answer says. */
export interface SwarmCall<T> {
  readonly account: AccountId
  /**
   * The request, signed for this moment. The same moment gives the same bytes, so that a request which is sent again, because
   * nobody knows what became of the first, does what the first did.
   */
  prepare(moment: CallMoment): PreparedCall<T>
  /** The member to ask first. */
  readonly first?: ServiceNodeKey | undefined
}

export interface CallMoment {
  readonly nowMs: TimestampMs
  /** Who is asked. */
  readonly member: ServiceNodeKey
}

export interface PreparedCall<T> {
  readonly envelope: Envelope
  /** A status besides 2xx whose answer `read` understands. */
  readonly alsoReads?: number
  /** @throws {ClientError} ANSWER_INVALID, upon which another member is asked */
  read(answer: Answer, source: AnswerSource): T
}

/** Where an answer comes from. */
export interface AnswerSource {
  readonly member: ReachableNode
  /** The swarm as it is known when the answer comes, since an answer may have corrected it. */
  readonly swarm: readonly ReachableNode[]
  /** Holds it against the member that part of its answer is false. */
  distrust(): void
}
