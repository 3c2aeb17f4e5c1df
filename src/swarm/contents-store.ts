import type { AccountId } from '../protocol/account.ts'
import type { ContentsCursor, ContentsEntry, HeldItem, HeldMessage } from '../protocol/contents.ts'
import type { StoredMessage } from '../protocol/message.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'

// What comparing, joining and handing over need of the parts that hold messages and carry out requests.

/** What this node holds, as members compare it and hand it to one another (docs/replication.md). */
export interface Contents {
  /** Which accounts the sums are over; none at first. Another arc makes them anew in the background. */
  cover(arc: SwarmArc | undefined): void
  /** Undefined while they are made. The result goes with the changes: ask again for each comparison. */
  sums(): ContentsSums | undefined
  /** What expires in a bucket. A page may have more than `countMax`, and something may come twice. */
  list(query: {
    readonly arc: SwarmArc
    readonly bucket: number
    readonly slots: ReadonlySet<number>
    readonly after: number
    readonly countMax: number
  }): Promise<{ readonly entries: readonly ContentsEntry[]; readonly next: number | undefined }>
  /** Those that are not here in this version. What went by a request that is in the log is not missed. */
  lacking(entries: readonly ContentsEntry[]): Promise<readonly ContentsEntry[]>
  /** As many as fit, in order, and one at least; those that are gone are left out. */
  read(entries: readonly ContentsEntry[], sizeMax: number): Promise<readonly HeldItem[]>
  /** Everything of a range of accounts in the order of keys. A page may be empty and yet not the last. */
  page(query: {
    readonly arc: SwarmArc
    readonly first: number
    readonly last: number
    readonly after: ContentsCursor | undefined
    readonly sizeMax: number
  }): Promise<{ readonly items: readonly HeldItem[]; readonly next: ContentsCursor | undefined }>
  /** Takes messages as their claims say. Settles when the disk has them. Nothing is checked but quotas. */
  adopt(messages: readonly HeldMessage[]): Promise<readonly AdoptOutcome[]>
  /** Accounts that have anything here and lie in none of the arcs, in the order of their bytes. */
  outside(arcs: readonly SwarmArc[], after: AccountId | undefined, countMax: number): Promise<readonly AccountId[]>
  /** Forgets everything of an account. Returns how many messages were held. */
  drop(account: AccountId): Promise<number>
}

/**
 * `new` when it was not held, `changed` when it was in another version, `known` when nothing changed, `full` when there is no room,
 * `obsolete` when it has ended or is known to be gone.
 */
export type AdoptOutcome = 'new' | 'changed' | 'known' | 'full' | 'obsolete'

/** Sums of 16 bytes, modulo 2^128, over the fingerprints of what is held. */
export interface ContentsSums {
  /** Over every bucket from this one on. */
  total(fromBucket: number): Uint8Array
  /** Over all slots of each bucket that has anything, from this one on. */
  buckets(fromBucket: number): ReadonlyMap<number, Uint8Array>
  /** Those of the 16 slots of a bucket. */
  slots(bucket: number): readonly Uint8Array[]
}

/** Carries out clients' requests that other members hand over: each is judged as it was when it came, by the client's signature. */
export interface HeldRequests {
  /** `later`: it may be taken another time. */
  carryOut(payload: Uint8Array): Promise<'done' | 'refused' | 'later'>
}

/** Tells those who wait for an account's messages of one that was not held before. */
export type Announce = (message: StoredMessage) => void
