import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ExpireMode, MessageExpiry } from '../protocol/client-api/expire.ts'
import type { HashInNamespace } from '../protocol/client-api/namespace-or-all.ts'
import type { MessageHash, StoredMessage, StoreOutcome } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { OperationOrigin, OperationStamp } from '../protocol/operation-stamp.ts'

/** Gives each operation that begins here its place among all others, and goes past the places that other nodes have given. */
export interface OperationStamps {
  next(): OperationStamp
  accept(stamp: OperationStamp): void
}

/**
 * What the methods need of the message store. One that has too much to do rejects with a CodedError `BUSY`. Changes count in the
 * order of their stamps, in whatever order they arrive; what they return is their effect on what was held here.
 */
export interface Messages {
  readonly stamps: OperationStamps
  /** Settles once the message is on disk. `expiryMs` is the effective one. */
  store(
    message: StoredMessage,
    origin: OperationOrigin,
  ): Promise<{ readonly outcome: StoreOutcome; readonly expiryMs: TimestampMs }>
  retrieve(query: {
    account: AccountId
    namespace: Namespace
    afterHash?: MessageHash
    countMax?: number
    sizeMax: number
    reverse?: boolean
  }): Promise<{ readonly messages: readonly StoredMessage[]; readonly more: boolean }>
  /** The hashes that it held, sorted. */
  delete(account: AccountId, hashes: readonly MessageHash[], origin: OperationOrigin): Promise<readonly MessageHash[]>
  /** What it held, sorted by hash. */
  deleteAll(
    account: AccountId,
    namespace: Namespace | 'all',
    origin: OperationOrigin,
  ): Promise<readonly HashInNamespace[]>
  /** Deletes messages with a timestamp of `beforeMs` or earlier. What it held, sorted by hash. */
  deleteBefore(
    account: AccountId,
    namespace: Namespace | 'all',
    beforeMs: TimestampMs,
    origin: OperationOrigin,
  ): Promise<readonly HashInNamespace[]>
  /** Both sorted by hash. */
  expire(
    account: AccountId,
    changes: readonly MessageExpiry[],
    /** `extend-any`: an extension counts however small it is. */
    mode: ExpireMode | 'extend-any',
    origin: OperationOrigin,
  ): Promise<{ readonly updated: readonly MessageExpiry[]; readonly unchanged: readonly MessageExpiry[] }>
  /** The expiries as they are, sorted by hash, when all are held and none would change by what is worth a write. */
  pointlessExpire(
    account: AccountId,
    changes: readonly MessageExpiry[],
    mode: ExpireMode | 'extend-any',
  ): Promise<readonly MessageExpiry[] | undefined>
  /** Shortens what would live longer. What it shortened, sorted by hash. */
  expireAll(
    account: AccountId,
    namespace: Namespace | 'all',
    expiryMs: TimestampMs,
    origin: OperationOrigin,
  ): Promise<readonly HashInNamespace[]>
  /** Of those that it holds. */
  expiries(account: AccountId, hashes: readonly MessageHash[]): Promise<readonly MessageExpiry[]>
}
