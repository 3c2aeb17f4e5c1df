import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
import type { HashInNamespace } from '../protocol/client-api/namespace-or-all.ts'
import type { MessageHash, StoredMessage, StoreOutcome } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'

/** What the methods need of the message store. One that has too much to do rejects with a CodedError `BUSY`. */
export interface Messages {
  /** Settles once the message is on disk. `expiryMs` is the effective one. */
  store(message: StoredMessage): Promise<{ readonly outcome: StoreOutcome; readonly expiryMs: TimestampMs }>
  retrieve(query: {
    account: AccountId
    namespace: Namespace
    afterHash?: MessageHash
    countMax?: number
    sizeMax: number
    reverse?: boolean
  }): Promise<{ readonly messages: readonly StoredMessage[]; readonly more: boolean }>
  /** The hashes that it held, sorted. */
  delete(account: AccountId, hashes: readonly MessageHash[]): Promise<readonly MessageHash[]>
  /** What it held, sorted by hash. */
  deleteAll(account: AccountId, namespace: Namespace | 'all'): Promise<readonly HashInNamespace[]>
  /** Deletes messages with a timestamp of `beforeMs` or earlier. What it held, sorted by hash. */
  deleteBefore(
    account: AccountId,
    namespace: Namespace | 'all',
    beforeMs: TimestampMs,
  ): Promise<readonly HashInNamespace[]>
  /** Both sorted by hash. */
  expire(
    account: AccountId,
    changes: readonly MessageExpiry[],
    /** `extend-any`: an extension counts however small it is. */
    mode: ExpireMode | 'extend-any',
  ): Promise<{ readonly updated: readonly MessageExpiry[]; readonly unchanged: readonly MessageExpiry[] }>
  /** Shortens what would live longer. What it shortened, sorted by hash. */
  expireAll(
    account: AccountId,
    namespace: Namespace | 'all',
    expiryMs: TimestampMs,
  ): Promise<readonly HashInNamespace[]>
  /** Of those that it holds. */
  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<readonly MessageExpiry[]>
}
