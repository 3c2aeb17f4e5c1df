import type { AccountId } from '../protocol/account.ts'
import type { ContentsCursor, ContentsEntry, HeldItem, HeldMessage } from '../protocol/contents.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'

/**
 * What is held, as members compare it and hand it to one another: messages that live, and the requests of the log. Everything
 * here is bounded in the work of one turn; what a page or a batch cannot hold comes with the next.
 */
export interface Contents {
  /** Which accounts the sums are over; none at first. Another arc makes them anew in the background. */
  cover(arc: SwarmArc | undefined): void
  /** Undefined while they are made. The result goes with the changes: ask again for each comparison. */
  sums(): ContentsSums | undefined
  /** What expires in a bucket, by the number of the expiry entry that names it; something may come twice. */
  list(query: ListQuery): Promise<ListPage>
  /** Those that are not here in this version. What lately went by a request that is in the log is not missed. */
  lacking(entries: readonly ContentsEntry[]): Promise<ContentsEntry[]>
  /** As many as fit, in order, and one at least; those that are gone are left out. */
  read(entries: readonly ContentsEntry[], sizeMax: number): Promise<HeldItem[]>
  /** Everything of a range of accounts in the order of keys. A page may be empty and yet not the last. */
  page(query: PageQuery): Promise<ItemPage>
  /** Takes messages as their claims say. Settles when the disk has them. Nothing is checked but quotas. */
  adopt(messages: readonly HeldMessage[]): Promise<AdoptOutcome[]>
  /** Accounts that have anything here and lie in none of the arcs, in the order of their bytes. */
  outside(arcs: readonly SwarmArc[], after: AccountId | undefined, countMax: number): Promise<AccountId[]>
  /** Forgets everything of an account, a batch's worth at a time. Returns how many messages were held. */
  drop(account: AccountId): Promise<number>
}

export interface ListQuery {
  readonly arc: SwarmArc
  readonly bucket: number
  readonly slots: ReadonlySet<number>
  /** Number of the last expiry entry that was listed; 0 at first. */
  readonly after: number
  /** Entries that are enough for a page. One expiry entry is never divided, so a page may have more. */
  readonly countMax: number
}

export interface ListPage {
  readonly entries: ContentsEntry[]
  /** `after` of the next page. */
  readonly next: number | undefined
}

export interface PageQuery {
  readonly arc: SwarmArc
  /** Accounts whose keys begin with a byte from `first` to `last`. */
  readonly first: number
  readonly last: number
  readonly after: ContentsCursor | undefined
  readonly sizeMax: number
}

export interface ItemPage {
  readonly items: HeldItem[]
  readonly next: ContentsCursor | undefined
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
