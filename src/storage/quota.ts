import { isPublicInbox, type Namespace } from '../protocol/namespace.ts'
import type { Usage } from './counters-codec.ts'
import type { StorageOptions } from './options.ts'

/** The bound that keeps a message out. */
export type FullReason = 'account_messages' | 'account_bytes' | 'total_bytes' | 'disk'

/** What a message costs beside its data: its keys and records, rounded up. Without it, empty messages would be free. */
export const MESSAGE_OVERHEAD_BYTES = 256

export type QuotaOptions = Pick<
  StorageOptions,
  'accountMessagesMax' | 'accountBytesMax' | 'totalBytesMax' | 'authenticatedReserve'
>

/** Which bound would be passed if the account and the whole store came to hold this much, or undefined. */
export function fullReason(
  namespace: Namespace,
  account: Usage,
  total: Usage,
  options: QuotaOptions,
): FullReason | undefined {
  const share = isPublicInbox(namespace) ? 1 - options.authenticatedReserve : 1
  if (account.messages > options.accountMessagesMax * share) return 'account_messages'
  if (account.dataBytes > options.accountBytesMax * share) return 'account_bytes'
  if (total.dataBytes + total.messages * MESSAGE_OVERHEAD_BYTES > options.totalBytesMax * share) return 'total_bytes'
  return undefined
}
