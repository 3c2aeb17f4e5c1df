import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { MessageHash, StoredMessage, StoreOutcome } from '../protocol/message.ts'
import type { OperationOrigin } from '../protocol/operation-stamp.ts'
import type { NamespacedHash } from './account-scan.ts'
import type { BackupManifest } from './backup/manifest.ts'
import type { BackupRun, BackupTarget } from './backup/write-backup.ts'
import type { Contents } from './contents.ts'
import type { ExpireResult, MessageExpiry } from './expire-operation.ts'
import type { Hints } from './hints.ts'
import type { Marks } from './marks.ts'
import type { ExpireMode, NamespaceChoice } from './operation.ts'
import type { OperationClock } from './operation-clock.ts'
import type { Retrieved, RetrieveQuery } from './retrieval.ts'
import type { RevocationStore } from './revocation-store.ts'

/**
 * Messages of accounts, each until its expiry.
 *
 * - A change is acknowledged when the disk has it. Whether one that rejects was made is not known; all may be repeated.
 * - Changes happen one after the other, and each sees those before it. Reads see what is acknowledged, and perhaps what
 *   is about to be.
 * - What is held is what all changes together come to in the order of their stamps, in whatever order they arrived and however
 *   often each did. What a change reports is its effect on what was held here. Without an origin, a change comes after all
 *   that is known.
 * - Nothing expired is ever returned or reported, whether it has been swept or not.
 */
export interface MessageStore extends AsyncDisposable {
  /** Gives the stamps of changes that begin here, and learns of others'. */
  readonly stamps: OperationClock
  /** Which subaccounts accounts have revoked. */
  readonly revocations: RevocationStore
  /** What is held, as members compare it. */
  readonly contents: Contents
  /** What peers could not be told. */
  readonly hints: Hints
  readonly marks: Marks
  /** Keeps a message, extends the one that is held, or says why not. `expiryMs` is what is held then. */
  store(message: StoredMessage, origin?: OperationOrigin): Promise<{ outcome: StoreOutcome; expiryMs: TimestampMs }>
  /** Messages of one namespace in the order of insertion. */
  retrieve(query: RetrieveQuery): Promise<Retrieved>
  /** Returns those that were held, sorted. */
  delete(account: AccountId, hashes: readonly MessageHash[], origin?: OperationOrigin): Promise<MessageHash[]>
  /** Returns those that were held, sorted by hash across namespaces. */
  deleteAll(account: AccountId, namespace: NamespaceChoice, origin?: OperationOrigin): Promise<NamespacedHash[]>
  /** Deletes messages with a timestamp of `beforeMs` or earlier; returns them sorted by hash. */
  deleteBefore(
    account: AccountId,
    namespace: NamespaceChoice,
    beforeMs: TimestampMs,
    origin?: OperationOrigin,
  ): Promise<NamespacedHash[]>
  expire(
    account: AccountId,
    changes: readonly MessageExpiry[],
    mode: ExpireMode,
    origin?: OperationOrigin,
  ): Promise<ExpireResult>
  /**
   * Looks whether a change of expiries would be worth nothing: all messages are held, and none would move by what matters.
   * Then their expiries, sorted by hash; else undefined. Writes nothing.
   */
  pointlessExpire(
    account: AccountId,
    changes: readonly MessageExpiry[],
    mode: ExpireMode,
  ): Promise<MessageExpiry[] | undefined>
  /** Shortens every message that would live longer; returns those shortened, sorted by hash. */
  expireAll(
    account: AccountId,
    namespace: NamespaceChoice,
    expiryMs: TimestampMs,
    origin?: OperationOrigin,
  ): Promise<NamespacedHash[]>
  /** The expiries of those that are held, in the order asked for. */
  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<MessageExpiry[]>
  /** What is held, including what has expired and is not swept yet. */
  statistics(): { messages: number; dataBytes: number }
  /**
   * Not writable after a write or flush that failed, until the store is opened again. `shortage` says that room runs out, or has.
   */
  health(): { writable: boolean; reason?: string; shortage?: string }
  /** Removes what expired in a past bucket of time; returns how many. Happens by itself now and then. */
  sweepNow(): Promise<number>
  /** Writes everything that is held at this moment into a new folder, bit by bit, while changes go on. */
  backUp(target: BackupTarget, run: BackupRun): Promise<BackupManifest>
}
