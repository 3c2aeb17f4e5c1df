// What clients have done, and what they were told: all that may be held against the nodes.
import type { DurationMs, TimestampMs } from '../../src/base/clock.ts'
import type { AccountId } from '../../src/protocol/account.ts'
import type { MessageHash } from '../../src/protocol/message.ts'
import type { Namespace } from '../../src/protocol/namespace.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'

/** Something that a client asked of the network through one node. */
interface Asked {
  readonly account: AccountId
  readonly entry: ServiceNodeKey
  readonly invokedMs: DurationMs
  /** When the answer came; undefined while nobody knows whether it was done. */
  endedMs: DurationMs | undefined
  /** Members that said they have done it. */
  acknowledgedBy: readonly ServiceNodeKey[]
}

export interface AskedStore extends Asked {
  readonly kind: 'store'
  readonly hash: MessageHash
  readonly text: string
  readonly namespace: Namespace
  readonly timestampMs: TimestampMs
  readonly expiryMs: TimestampMs
  /** From when it was asked. */
  readonly livesMs: DurationMs
}

/** What may end or shorten lives. */
export interface AskedEnd extends Asked {
  readonly kind: 'end'
  /** Messages by hash, or a part of the account. */
  readonly concerns: { readonly hashes: readonly MessageHash[] } | { readonly namespace: Namespace | 'all' }
  /** Messages with a later timestamp are left alone. */
  readonly beforeMs: TimestampMs
  /** When what it concerns ends; 0 for at once. */
  readonly endMs: TimestampMs
}

export interface AskedExtension extends Asked {
  readonly kind: 'extend'
  readonly hashes: readonly MessageHash[]
  readonly expiryMs: TimestampMs
}

export type AskedOperation = AskedStore | AskedEnd | AskedExtension

export function concerns({ concerns: what, beforeMs, account }: AskedEnd, store: AskedStore): boolean {
  if (account !== store.account || store.timestampMs > beforeMs) return false
  if ('hashes' in what) return what.hashes.includes(store.hash)
  return what.namespace === 'all' || what.namespace === store.namespace
}
