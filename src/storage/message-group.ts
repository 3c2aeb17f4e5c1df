// Messages whose fates hang together: one, and those that it has met in a public outbox lately. They are replayed together.
import { isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import type { History } from './history-codec.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { findLocator, type MessageId } from './message-records.ts'
import { type StampedOperation, stamped } from './operation.ts'
import { outboxMembers } from './outbox-members.ts'
import type { WriteBatch } from './write-batch.ts'

export interface GroupEntry {
  readonly id: MessageId
  readonly before: Locator | undefined
  readonly history: History
}

export interface MessageGroup {
  /** By the key of their hash. */
  readonly entries: ReadonlyMap<string, GroupEntry>
  /** Those that they meet in. */
  readonly outboxes: ReadonlySet<Namespace>
}

/** The latin1 text of a hash: a string can be looked up in a Map, bytes cannot. */
export function keyOf(hash: Buffer): string {
  return hash.toString('latin1')
}

/** The message with everything that it meets once `arriving` has been done with it. */
export function groupOf(batch: WriteBatch, id: MessageId, arriving: StampedOperation | undefined): MessageGroup {
  const entries = new Map<string, GroupEntry>()
  const outboxes = new Set<Namespace>()
  const pending = [id.hash]
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    const key = keyOf(hash)
    if (entries.has(key)) continue
    const entry = entryOf(batch, { account: id.account, hash })
    entries.set(key, entry)
    const operations = hash === id.hash && arriving !== undefined ? [arriving] : []
    for (const namespace of namespacesOf(entry, operations)) {
      if (!isPublicOutbox(namespace) || outboxes.has(namespace)) continue
      outboxes.add(namespace)
      pending.push(...outboxMembers(batch, id.account, namespace))
    }
  }
  return { entries, outboxes }
}

function entryOf(batch: WriteBatch, id: MessageId): GroupEntry {
  const before = findLocator(batch, id)
  return { id, before, history: historyOf(before) }
}

function historyOf(locator: Locator | undefined): History {
  if (locator === undefined) return { stamp: 0, base: undefined, operations: [] }
  if (locator.history !== undefined) return locator.history
  const { stamp, namespace, timestampMs, expiryMs } = locator
  if (!isHeld(locator)) return { stamp, base: undefined, operations: [] }
  // As a store, however long ago: another message of its outbox may remember an operation of the same stamp that came before it.
  return {
    stamp: 0,
    base: undefined,
    operations: [stamped(stamp, { kind: 'store', namespace, timestampMs, expiryMs })],
  }
}

/** Where the message is, was, or may come to be. */
function namespacesOf({ before, history }: GroupEntry, arriving: readonly StampedOperation[]): Namespace[] {
  const held = before !== undefined && isHeld(before) ? [before.namespace] : []
  const base = history.base === undefined ? [] : [history.base.namespace]
  const stores = [...history.operations, ...arriving].flatMap(({ operation }) =>
    operation.kind === 'store' ? [operation.namespace] : [],
  )
  return [...held, ...base, ...stores]
}
