import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { MessageHash, StoredMessage, StoreOutcome } from '../protocol/message.ts'
import type { NamespaceChoice, NamespacedHash } from './account-scan.ts'
import type { ExpireMode, ExpireResult, MessageExpiry } from './expire-operation.ts'
import type { Retrieved, RetrieveQuery } from './retrieval.ts'
import type { RevocationStore } from './revocation-store.ts'

/**
 * Messages of accounts, each until its expiry.
 *
 * - A change is acknowledged when the disk has it. Whether one that rejects was made is not known; all may be repeated.
 * - Changes happen one after the other, and each sees those before it. Reads see what is acknowledged, and perhaps what
 *   is about to be.
 * - Nothing expired is ever returned or reported, whether it has been swept or not.
 */
export interface MessageStore extends AsyncDisposable {
  /** Which subaccounts accounts have revoked. */
  readonly revocations: RevocationStore
  /** Keeps a message, extends the one that is held, or says why not. `expiryMs` is what is held then. */
  store(message: StoredMessage): Promise<{ outcome: StoreOutcome; expiryMs: TimestampMs }>
  /** Messages of one namespace in the order of insertion. */
  retrieve(query: RetrieveQuery): Promise<Retrieved>
  /** Returns those that were held, sorted. */
  delete(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageHash[]>
  /** Returns those that were held, sorted by hash across namespaces. */
  deleteAll(account: AccountId, namespace: NamespaceChoice): Promise<NamespacedHash[]>
  /** Deletes messages with a timestamp of `beforeMs` or earlier; returns them sorted by hash. */
  deleteBefore(account: AccountId, namespace: NamespaceChoice, beforeMs: TimestampMs): Promise<NamespacedHash[]>
  expire(account: AccountId, changes: readonly MessageExpiry[], mode: ExpireMode): Promise<ExpireResult>
  /** Shortens every message that would live longer; returns those shortened, sorted by hash. */
  expireAll(account: AccountId, namespace: NamespaceChoice, expiryMs: TimestampMs): Promise<NamespacedHash[]>
  /** The expiries of those that are held, in the order asked for. */
  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageExpiry[]>
  /** What is held, including what has expired and is not swept yet. */
  statistics(): { messages: number; dataBytes: number }
  /** Not writable after a write or flush that failed, until the store is opened again. */
  health(): { writable: boolean; reason?: string }
  /** Removes what expired in a past bucket of time; returns how many. Happens by itself now and then. */
  sweepNow(): Promise<number>
}
