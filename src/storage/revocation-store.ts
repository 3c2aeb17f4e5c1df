import type { AccountId } from '../protocol/account.ts'
import { firstStampAt, type OperationOrigin, type OperationStamp } from '../protocol/operation-stamp.ts'
import type { Circumstances } from './circumstances.ts'
import { type Database, readError } from './database.ts'
import type { DiskSpace } from './disk-space.ts'
import { orderBucket } from './expiry-entry.ts'
import type { GroupCommit } from './group-commit.ts'
import { ACCOUNT_ITSELF, accountBytes, REVOCATION_LISTS_KEY, revocationsKey } from './keys.ts'
import type { OperationClock } from './operation-clock.ts'
import type { StorageOptions } from './options.ts'
import { logRequest } from './request-log.ts'
import {
  decodeRevocationLists,
  decodeRevocations,
  encodeRevocationLists,
  encodeRevocations,
  type RevocationChange,
  type Revocations,
  TOKEN_SIZE,
} from './revocation-codec.ts'
import { NO_REVOCATIONS, revokedBefore, settledBefore, withChange } from './revocation-history.ts'
import type { WriteBatch } from './write-batch.ts'

/**
 * Subaccounts that owners have revoked, whether they have messages or not. A token is its 36 bytes. Changes are acknowledged
 * when the disk has them, and all may be repeated. What is revoked is what all changes come to in the order of their stamps.
 */
export interface RevocationStore {
  /** Revokes tokens, or makes those revoked before the newest again. `full` when nothing was. */
  revoke(account: AccountId, tokens: readonly Uint8Array[], origin?: OperationOrigin): Promise<'revoked' | 'full'>
  /** Returns how many were revoked until now. */
  unrevoke(account: AccountId, tokens: readonly Uint8Array[], origin?: OperationOrigin): Promise<number>
  /** Whether a token is revoked; with a stamp, whether it was before. */
  isRevoked(account: AccountId, token: Uint8Array, before?: OperationStamp): boolean
  /** Oldest first. */
  revoked(account: AccountId): readonly Uint8Array[]
}

export interface RevocationStoreComponents {
  database: Database
  commits: GroupCommit
  disk: DiskSpace
  stamps: OperationClock
  /** As they are when an operation's turn has come. */
  circumstances: () => Circumstances
}

export class LevelRevocationStore implements RevocationStore {
  readonly #components: RevocationStoreComponents
  readonly #options: Pick<StorageOptions, 'revocationListsMax'>

  constructor(components: RevocationStoreComponents, options: Pick<StorageOptions, 'revocationListsMax'>) {
    this.#components = components
    this.#options = options
  }

  revoke(
    account: AccountId,
    tokens: readonly Uint8Array[],
    origin = this.#components.stamps.begin(),
  ): Promise<'revoked' | 'full'> {
    return this.#change(
      account,
      origin,
      { kind: 'revoke', stamp: origin.stamp, tokens: tokens.map((token) => Buffer.from(token)) },
      (batch, held) => {
        if (held === undefined && this.#isFull(batch)) return { result: 'full' }
        return { result: 'revoked', isChange: tokens.length > 0 }
      },
    )
  }

  unrevoke(
    account: AccountId,
    tokens: readonly Uint8Array[],
    origin = this.#components.stamps.begin(),
  ): Promise<number> {
    return this.#change(
      account,
      origin,
      { kind: 'unrevoke', stamp: origin.stamp, tokens: tokens.map((token) => Buffer.from(token)) },
      (_, held, after) => {
        const left = new Set(revokedBefore(after).map(({ token }) => idOf(token)))
        const removed = revokedBefore(held ?? NO_REVOCATIONS).filter(({ token }) => !left.has(idOf(token)))
        return { result: removed.length, isChange: tokens.length > 0 }
      },
    )
  }

  isRevoked(account: AccountId, token: Uint8Array, before?: OperationStamp): boolean {
    return revokedBefore(this.#read(account), before).some((revocation) => revocation.token.equals(token))
  }

  revoked(account: AccountId): readonly Uint8Array[] {
    return revokedBefore(this.#read(account)).map(({ token }) => token)
  }

  #read(account: AccountId): Revocations {
    const { database } = this.#components
    try {
      return decoded(database.getSync(revocationsKey(accountBytes(account)))) ?? NO_REVOCATIONS
    } catch (error) {
      throw readError(database, error)
    }
  }

  #change<T>(
    account: AccountId,
    origin: OperationOrigin,
    change: RevocationChange,
    decide: (batch: WriteBatch, held: Revocations | undefined, after: Revocations) => { result: T; isChange?: boolean },
  ): Promise<T> {
    const { commits, database, circumstances } = this.#components
    return commits.submit({
      sizeBytes: change.tokens.length * TOKEN_SIZE + (origin.request?.length ?? 0),
      scans: false,
      run: async ({ batch }) => {
        const id = accountBytes(account)
        const held = decoded(batch.get(revocationsKey(id)))
        const after = withChange(held ?? NO_REVOCATIONS, change)
        const { result, isChange = false } = decide(batch, held, after)
        if (!isChange) return result
        const judged = circumstances()
        await logRequest(database, batch, id, origin, { circumstances: judged })
        if (after === (held ?? NO_REVOCATIONS)) return result
        write(batch, id, held, settledBefore(after, firstStampAt(judged.settledMs)))
        batch.noteStamp(change.stamp)
        batch.indexExpiry(orderBucket(change.stamp), { account: id, hash: ACCOUNT_ITSELF })
        return result
      },
    })
  }

  /** A list that is there may always change: it has a bound of its own. */
  #isFull(batch: WriteBatch): boolean {
    return this.#components.disk.isFull() || listsIn(batch) >= this.#options.revocationListsMax
  }
}

/** Folds changes that nothing can come before any more. */
export function settleRevocations(batch: WriteBatch, account: Buffer, settledMs: number): void {
  const held = decoded(batch.get(revocationsKey(account)))
  if (held === undefined) return
  const settled = settledBefore(held, firstStampAt(settledMs))
  if (settled.changes.length < held.changes.length) write(batch, account, held, settled)
}

/** For an account that is dropped. */
export function forgetRevocations(batch: WriteBatch, account: Buffer): void {
  const held = decoded(batch.get(revocationsKey(account)))
  if (held !== undefined) write(batch, account, held, NO_REVOCATIONS)
}

function decoded(record: Buffer | undefined): Revocations | undefined {
  return record === undefined ? undefined : decodeRevocations(record)
}

function listsIn(batch: WriteBatch): number {
  const record = batch.get(REVOCATION_LISTS_KEY)
  return record === undefined ? 0 : decodeRevocationLists(record)
}

/** Keeps the count of accounts that have revoked any in step. A record that says nothing goes. */
function write(batch: WriteBatch, account: Buffer, held: Revocations | undefined, after: Revocations): void {
  const key = revocationsKey(account)
  const wasCounted = held !== undefined && revokedBefore(held).length > 0
  const isCounted = revokedBefore(after).length > 0
  const lists = listsIn(batch) + (isCounted ? 1 : 0) - (wasCounted ? 1 : 0)
  const isEmpty = after.base.length === 0 && after.changes.length === 0
  if (isEmpty) batch.delete(key)
  else batch.put(key, encodeRevocations(after))
  if (isCounted !== wasCounted) batch.put(REVOCATION_LISTS_KEY, encodeRevocationLists(lists))
}

function idOf(token: Buffer): string {
  return token.toString('latin1')
}
