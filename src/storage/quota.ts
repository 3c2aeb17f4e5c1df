import { isPublicInbox, type Namespace } from '../protocol/namespace.ts'
import type { Counts, StoreCounts } from './counters-codec.ts'
import type { StorageOptions } from './options.ts'

/** The bound that keeps a message out. */
export type FullReason = 'account_messages' | 'account_bytes' | 'total_bytes' | 'disk'

/** What a message, or a request of the log, costs beside its data: its keys and records, rounded up. Without it, empty messages would be free. */
export const MESSAGE_OVERHEAD_BYTES = 256

export type QuotaOptions = Pick<
  StorageOptions,
  'accountMessagesMax' | 'accountBytesMax' | 'accountTombstonesMax' | 'totalBytesMax' | 'authenticatedReserve'
>

/** Which bound would be passed if the account and the whole store came to hold this much, or undefined. */
export function fullReason(
  namespace: Namespace,
  account: Counts,
  total: StoreCounts,
  options: QuotaOptions,
): FullReason | undefined {
  const share = isPublicInbox(namespace) ? 1 - options.authenticatedReserve : 1
  if (account.messages > options.accountMessagesMax * share) return 'account_messages'
  if (account.dataBytes + account.withheldBytes > options.accountBytesMax * share) return 'account_bytes'
  if (totalBytes(total) > options.totalBytesMax * share) return 'total_bytes'
  return undefined
}

export function totalBytes(counts: StoreCounts): number {
  const { messages, dataBytes, tombstones, withheldBytes, requests, requestBytes } = counts
  return dataBytes + withheldBytes + requestBytes + (messages + tombstones + requests) * MESSAGE_OVERHEAD_BYTES
}
