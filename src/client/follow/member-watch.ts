import type { DurationMs } from '../../base/clock.ts'
import type { MessageHash } from '../../protocol/message.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import type { ServiceNodeKey } from '../../protocol/service-node.ts'
import type { ReachableNode } from '../reachable-node.ts'
import type { Signer } from '../signer.ts'

/** What is watched. */
export interface Watched {
  readonly signer: Signer
  /** Strictly ascending. */
  readonly namespaces: readonly Namespace[]
  /** The last message that is known from a member: whatever it has after that is news. */
  readonly lastHashOf: (member: ServiceNodeKey, namespace: Namespace) => MessageHash | undefined
}

/** One member that tells of new messages, as long as it does. */
export interface MemberWatch extends AsyncDisposable {
  /**
   * Settles with namespaces that may hold something new, or with none after at most `maxMs`.
   * @throws {ClientError} when this member is of no more use; MONITOR_UNAVAILABLE when it would rather be asked; the signal's reason
   */
  next(maxMs: DurationMs, signal: AbortSignal): Promise<readonly Namespace[]>
}

/** @throws {ClientError} as MemberWatch does */
export type OpenWatch = (member: ReachableNode, watched: Watched, signal: AbortSignal) => Promise<MemberWatch>
