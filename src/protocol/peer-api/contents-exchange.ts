import { CONTENTS_SUM_SIZE, type ContentsCursor, type ContentsEntry, type HeldItem } from '../contents.ts'
import type { SwarmArc } from '../swarm-assignment.ts'

// Protocol `contents`: two members of a swarm compare what they hold, and hand over what one lacks (docs/protocol/peer-api.md).
//
//   request := 0 | arc | from u32 | sum 16                            total: are the sums from this bucket on alike?
//            | 1 | arc | from u32 | count u16 | (bucket u32 | sum 8)*  buckets: which of them differ?
//            | 2 | arc | bucket u32 | slots u16 | after u48           list: what is in these slots of the bucket?
//            | 3 | entries                                            read: give these
//            | 4 | arc | first u8 | last u8 | has u8 | cursor[has]    page: give all of these accounts, behind the cursor
//            | 5 | entries                                            offer: which of these do you lack?
//            | 6 | items                                              give: take these
//   answer  := status u8 | content, which only follows status 0
//   status  := 0 done (of a total: the same) | 1 differs, of a total only | 2 other arc | 3 not ready
//   content := total: nothing
//            | buckets: count u16 | (bucket u32 | 16 times sum 8)*    those that differ, also those that the asker lacks
//            | list: next u48, 0 at the end | entries
//            | read: items
//            | page: more u8 | items
//            | offer: a bit for each entry, the first one highest: 1 when it is wanted; then zeros to whole bytes
//            | give: count u16 | outcome u8 *
//   entries := count u16 | entry *        items := count u16 | item *        arc := first u64 | last u64
//   outcome := 0 taken or known | 1 refused | 2 full | 3 later
//
// Entries, items and cursors are in contents-item.ts. Integers are big-endian; a sum of 8 bytes is the first half of one. Slots are a bit
// for each, the one of slot 0 lowest. Nothing may follow.

/** Half a sum tells states of one bucket apart well enough: a chance hit is found out when the bucket changes next. */
export const CONTENTS_SHORT_SUM_SIZE: number = CONTENTS_SUM_SIZE / 2

/** More buckets than thirty days have, with clocks that differ. */
export const CONTENTS_BUCKETS_MAX = 4_400

/** Things that may be asked about at once: each costs the other side a look at its disk. */
export const CONTENTS_ASKED_MAX = 1_024

export interface BucketSum {
  readonly bucket: number
  readonly sum: Uint8Array
}

/** A bucket that differs, by its slots. */
export interface BucketSlots {
  readonly bucket: number
  readonly sums: readonly Uint8Array[]
}

export type ContentsRequest =
  | { readonly kind: 'total'; readonly arc: SwarmArc; readonly from: number; readonly sum: Uint8Array }
  | { readonly kind: 'buckets'; readonly arc: SwarmArc; readonly from: number; readonly sums: readonly BucketSum[] }
  | {
      readonly kind: 'list'
      readonly arc: SwarmArc
      readonly bucket: number
      readonly slots: ReadonlySet<number>
      /** Where the page before ended; 0 at first. */
      readonly after: number
    }
  /** Of no more than CONTENTS_ASKED_MAX things. */
  | { readonly kind: 'read'; readonly entries: readonly ContentsEntry[] }
  | {
      readonly kind: 'page'
      readonly arc: SwarmArc
      /** First bytes of the accounts' keys. */
      readonly first: number
      readonly last: number
      readonly after: ContentsCursor | undefined
    }
  | { readonly kind: 'offer'; readonly entries: readonly ContentsEntry[] }
  | { readonly kind: 'give'; readonly items: readonly HeldItem[] }

export type ContentsRequestKind = ContentsRequest['kind']

/** Why there is no content. */
export type ContentsObstacle =
  /** The answering side serves other accounts than the asker says: they are an epoch apart. */
  | 'other-arc'
  /** It is making its sums. */
  | 'not-ready'

export type GiveOutcome = 'taken' | 'refused' | 'full' | 'later'

/** What an answer holds beside its status, by what was asked. */
export interface ContentsAnswers {
  readonly total: { readonly same: boolean }
  readonly buckets: { readonly differing: readonly BucketSlots[] }
  readonly list: { readonly entries: readonly ContentsEntry[]; readonly next: number | undefined }
  readonly read: { readonly items: readonly HeldItem[] }
  readonly page: { readonly items: readonly HeldItem[]; readonly more: boolean }
  /** One for each entry. */
  readonly offer: { readonly wanted: readonly boolean[] }
  readonly give: { readonly outcomes: readonly GiveOutcome[] }
}

export type ContentsAnswer<Kind extends ContentsRequestKind> =
  | ContentsAnswers[Kind]
  | { readonly obstacle: ContentsObstacle }

/** In the order of their numbers. */
export const CONTENTS_REQUEST_KINDS: readonly ContentsRequestKind[] = [
  'total',
  'buckets',
  'list',
  'read',
  'page',
  'offer',
  'give',
]
