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

/** How a result lists hashes: a list when one namespace was named, else a list for each namespace that has some. */
export function hashesByNamespace(
  namespace: Namespace | 'all',
  affected: readonly HashInNamespace[],
): MessageHash[] | Record<string, MessageHash[]> {
  if (namespace !== 'all') return affected.map(({ hash }) => hash)
  const lists = Map.groupBy(affected, (message) => message.namespace)
  return Object.fromEntries([...lists].map(([each, list]) => [String(each), list.map(({ hash }) => hash)]))
}
