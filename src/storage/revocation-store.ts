import type { Clock } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { REVOCATIONS_MAX } from '../protocol/limits.ts'
import { type Database, readError } from './database.ts'
import type { DiskSpace } from './disk-space.ts'
import type { GroupCommit } from './group-commit.ts'
import { accountBytes, REVOCATION_LISTS_KEY, revocationsKey } from './keys.ts'
import type { StorageOptions } from './options.ts'
import {
  decodeRevocationLists,
  decodeRevocations,
  encodeRevocationLists,
  encodeRevocations,
  type Revocation,
  TOKEN_SIZE,
} from './revocation-codec.ts'
import type { WriteBatch } from './write-batch.ts'

/**
 * Subaccounts that owners have revoked, whether they have messages or not. A token is its 36 bytes. Changes are acknowledged
 * when the disk has them, and all may be repeated.
 */
export interface RevocationStore {
  /** Revokes tokens, or makes those revoked before the newest again. `full` when nothing was. */
  revoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<'revoked' | 'full'>
  /** Returns how many were revoked until now. */
  unrevoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<number>
  isRevoked(account: AccountId, token: Uint8Array): boolean
  /** Oldest first. */
  revoked(account: AccountId): readonly Uint8Array[]
}

export interface RevocationStoreComponents {
  database: Database
  commits: GroupCommit
  disk: DiskSpace
  clock: Clock
}

export class LevelRevocationStore implements RevocationStore {
  readonly #components: RevocationStoreComponents
  readonly #options: Pick<StorageOptions, 'revocationListsMax'>

  constructor(components: RevocationStoreComponents, options: Pick<StorageOptions, 'revocationListsMax'>) {
    this.#components = components
    this.#options = options
  }

  revoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<'revoked' | 'full'> {
    return this.#change(tokens, (batch) => {
      const revokedMs = this.#components.clock.nowMs()
      const key = revocationsKey(accountBytes(account))
      const held = batch.get(key)
      if (held === undefined && this.#isFull(batch)) return 'full'
      const added = new Map(tokens.map((token) => [idOf(token), { token: Buffer.from(token), revokedMs }]))
      if (added.size === 0) return 'revoked'
      const kept = decoded(held).filter(({ token }) => !added.has(idOf(token)))
      write(batch, key, { held, list: [...kept, ...added.values()].slice(-REVOCATIONS_MAX) })
      return 'revoked'
    })
  }

  unrevoke(account: AccountId, tokens: readonly Uint8Array[]): Promise<number> {
    return this.#change(tokens, (batch) => {
      const key = revocationsKey(accountBytes(account))
      const held = batch.get(key)
      const removed = new Set(tokens.map(idOf))
      const before = decoded(held)
      const list = before.filter(({ token }) => !removed.has(idOf(token)))
      if (list.length < before.length) write(batch, key, { held, list })
      return before.length - list.length
    })
  }

  isRevoked(account: AccountId, token: Uint8Array): boolean {
    return this.#read(account).some((revocation) => revocation.token.equals(token))
  }

  revoked(account: AccountId): readonly Uint8Array[] {
    return this.#read(account).map(({ token }) => token)
  }

  #read(account: AccountId): readonly Revocation[] {
    const { database } = this.#components
    try {
      return decoded(database.getSync(revocationsKey(accountBytes(account))))
    } catch (error) {
      throw readError(database, error)
    }
  }

  #change<T>(tokens: readonly Uint8Array[], run: (batch: WriteBatch) => T): Promise<T> {
    return this.#components.commits.submit({
      sizeBytes: tokens.length * TOKEN_SIZE,
      scans: false,
      run: ({ batch }) => run(batch),
    })
  }

  /** A list that is there may always change: it has a bound of its own. */
  #isFull(batch: WriteBatch): boolean {
    return this.#components.disk.isFull() || listsIn(batch) >= this.#options.revocationListsMax
  }
}

function decoded(record: Buffer | undefined): Revocation[] {
  return record === undefined ? [] : decodeRevocations(record)
}

function listsIn(batch: WriteBatch): number {
  const record = batch.get(REVOCATION_LISTS_KEY)
  return record === undefined ? 0 : decodeRevocationLists(record)
}

/** Keeps the count of lists in step. Nobody's list is empty. */
function write(
  batch: WriteBatch,
  key: Buffer,
  { held, list }: { held: Buffer | undefined; list: readonly Revocation[] },
): void {
  const lists = listsIn(batch) + (list.length > 0 ? 1 : 0) - (held === undefined ? 0 : 1)
  if (list.length > 0) batch.put(key, encodeRevocations(list))
  else if (held !== undefined) batch.delete(key)
  batch.put(REVOCATION_LISTS_KEY, encodeRevocationLists(lists))
}

function idOf(token: Uint8Array): string {
  return Buffer.from(token).toString('latin1')
}
