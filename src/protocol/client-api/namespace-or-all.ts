import { utf8 } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import type { AccountId } from '../account.ts'
import type { MessageHash } from '../message.ts'
import { type Namespace, namespaceText } from '../namespace.ts'

/** How a namespace, or `all` of them, is written in signed text. */
export function namespaceOrAllText(namespace: Namespace | 'all'): string {
  return namespace === 'all' ? 'all' : namespaceText(namespace)
}

export interface HashInNamespace {
  readonly namespace: Namespace
  readonly hash: MessageHash
}

/** A list when one namespace was named, else a list for each namespace that has some, by its decimal text. All sorted. */
export type ListedHashes = readonly MessageHash[] | Readonly<Record<string, readonly MessageHash[]>>

/** How a result lists hashes. */
export function hashesByNamespace(namespace: Namespace | 'all', affected: readonly HashInNamespace[]): ListedHashes {
  if (namespace !== 'all') return affected.map(({ hash }) => hash)
  const lists = Map.groupBy(affected, (message) => message.namespace)
  return Object.fromEntries([...lists].map(([each, list]) => [String(each), list.map(({ hash }) => hash)]))
}

/**
 * What each node signs for delete_all, delete_before and expire_all: the time that the client named, and the hashes that were
 * deleted or shortened, sorted over all namespaces.
 */
export function affectedHashesSignedText(
  account: AccountId,
  timeMs: TimestampMs,
  hashes: readonly MessageHash[],
): Uint8Array {
  return utf8(`${account}${timeMs}${hashes.join('')}`)
}
