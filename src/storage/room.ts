// Whether there is room for what is to be kept, with the counters as they would be then.
import type { StoredMessage } from '../protocol/message.ts'
import type { Circumstances } from './circumstances.ts'
import type { Counts } from './counters-codec.ts'
import { countsOf, type RecordChange, usageOf } from './message-records.ts'
import { type FullReason, fullReason, totalBytes } from './quota.ts'
import type { WriteBatch } from './write-batch.ts'

/** For one more message of an account that is not held but remembered. */
export function hasRoomToRemember(
  batch: WriteBatch,
  account: Buffer,
  { diskIsFull, quota }: Pick<Circumstances, 'diskIsFull' | 'quota'>,
): boolean {
  if (diskIsFull || totalBytes(batch.totals) >= quota.totalBytesMax) return false
  return usageOf(batch, account).tombstones < quota.accountTombstonesMax
}

/** Which bound keeps a new message out, given all that would change with it. */
export function reasonAgainst(
  batch: WriteBatch,
  { namespace }: StoredMessage,
  account: Buffer,
  changes: readonly RecordChange[],
  { diskIsFull, quota }: Circumstances,
): FullReason | undefined {
  if (diskIsFull) return 'disk'
  return fullReason(namespace, changed(usageOf(batch, account), changes), changed(batch.totals, changes), quota)
}

function changed<T extends Counts>(held: T, changes: readonly RecordChange[]): T {
  const counts = { ...held }
  for (const { before, after } of changes) {
    const [from, to] = [countsOf(before), countsOf(after)]
    for (const field of ['messages', 'dataBytes', 'tombstones', 'withheldBytes'] as const) {
      counts[field] += to[field] - from[field]
    }
  }
  return counts
}
