import { parseServiceNodeKey, type ServiceNodeKey } from '../protocol/service-node.ts'
import type { Path } from './path-pool.ts'
import type { ReachableNode } from './reachable-node.ts'

/** Why a request did not come back with a sealed reply, as far as the answer in clear can be believed. */
export type PathFailure =
  /** A hop after the guard is not a service node any more, cannot be reached, or does not serve yet. */
  | { readonly kind: 'hop-gone'; readonly key: ServiceNodeKey }
  /** The same of the destination. */
  | { readonly kind: 'destination-gone'; readonly key: ServiceNodeKey }
  /** The guard does not serve yet, takes no more requests from this client, or none of a size that all should take, or cannot be reached. */
  | { readonly kind: 'guard-failed' }
  | { readonly kind: 'unattributed' }

const NODE_GONE = [
  /^Next node not found: ([0-9a-fA-F]{64})$/,
  /^Next node is currently unreachable: ([0-9a-fA-F]{64})$/,
]
const NODE_NOT_READY = /^Snode not ready: ([0-9a-fA-F]{64})$/
/** Only a guard's HTTPS entry says these: it hands none of them back from a later hop (docs/protocol/onion-requests.md). */
const GUARD_STATUSES: ReadonlySet<number> = new Set([413, 429])

/**
 * Reads an answer in clear, whose status is not 200. Any hop can have written it, so it can do no more than have a node
 * of this path or the destination replaced: a name of anybody else is as good as no name.
 */
export function classifyPathFailure(
  status: number,
  text: string,
  path: Path,
  destination: ReachableNode | undefined,
): PathFailure {
  const line = text.trim()
  if (GUARD_STATUSES.has(status)) return { kind: 'guard-failed' }
  if (status === 502) return nodeGone(namedIn(line, NODE_GONE), path, destination)
  if (status === 503) return nodeNotReady(namedIn(line, [NODE_NOT_READY]), path, destination)
  return { kind: 'unattributed' }
}

/** Nodes say it of themselves, and those before them hand it on. These could say it, too, so it counts as if they had missed the node. */
function nodeNotReady(
  key: ServiceNodeKey | undefined,
  path: Path,
  destination: ReachableNode | undefined,
): PathFailure {
  // An honest guard hands on nothing that names it.
  return key === path.guard.key ? { kind: 'guard-failed' } : nodeGone(key, path, destination)
}

function nodeGone(key: ServiceNodeKey | undefined, path: Path, destination: ReachableNode | undefined): PathFailure {
  if (key !== undefined && key === destination?.key) return { kind: 'destination-gone', key }
  // Nobody stands before the guard who could miss it.
  const isLaterHop = path.hops.slice(1).some((hop) => hop.key === key)
  return key !== undefined && isLaterHop ? { kind: 'hop-gone', key } : { kind: 'unattributed' }
}

function namedIn(line: string, patterns: readonly RegExp[]): ServiceNodeKey | undefined {
  const name = patterns.map((pattern) => pattern.exec(line)?.[1]).find((match) => match !== undefined)
  return name === undefined ? undefined : parseServiceNodeKey(name)
}
