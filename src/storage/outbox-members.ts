// The messages of a public outbox that are replayed together: the one that is held there, found by its row, and those that the outbox list
// names. The list is there only while it names others.
import { isPublicOutbox, type Namespace } from '../protocol/namespace.ts'
import type { History } from './history-codec.ts'
import { hashBytes, outboxKey } from './keys.ts'
import { isHeld, type Locator } from './message-codec.ts'
import { outboxHash, type RecordChange } from './message-records.ts'
import { decodeOutboxList, encodeOutboxList } from './outbox-list.ts'
import type { WriteBatch } from './write-batch.ts'

/** Their hashes. */
export function outboxMembers(batch: WriteBatch, account: Buffer, namespace: Namespace): Buffer[] {
  const record = batch.get(outboxKey(account, namespace))
  const list = record === undefined ? [] : decodeOutboxList(record)
  const held = outboxHash(batch, account, namespace)
  return held === undefined ? list : [...list, hashBytes(held)]
}

/** Writes the list as it is after `changes`, which tell of every member. */
export function writeOutboxMembers(
  batch: WriteBatch,
  account: Buffer,
  namespace: Namespace,
  changes: readonly RecordChange[],
): void {
  const members = changes.filter(({ after }) => after?.history !== undefined && meetsIn(after.history, namespace))
  const isNeeded = members.some(({ after }) => !isHeldIn(after, namespace))
  const key = outboxKey(account, namespace)
  if (isNeeded) batch.put(key, encodeOutboxList(members.map(({ id }) => id.hash)))
  else if (batch.get(key) !== undefined) batch.delete(key)
}

/** Whether what has been done lately with a message may concern others. */
export function meetsInAnyOutbox({ base, operations }: History): boolean {
  if (base !== undefined && isPublicOutbox(base.namespace)) return true
  return operations.some(({ operation }) => operation.kind === 'store' && isPublicOutbox(operation.namespace))
}

function meetsIn({ base, operations }: History, namespace: Namespace): boolean {
  if (base?.namespace === namespace) return true
  return operations.some(({ operation }) => operation.kind === 'store' && operation.namespace === namespace)
}

function isHeldIn(locator: Locator | undefined, namespace: Namespace): boolean {
  return locator !== undefined && isHeld(locator) && locator.namespace === namespace
}
