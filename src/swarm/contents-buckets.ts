import { bytesEqual } from '../base/bytes.ts'
import { MINUTE, type TimestampMs } from '../base/clock.ts'
import { CONTENTS_BUCKET_MS } from '../protocol/contents.ts'
import { OPERATION_AHEAD_MAX_MS, STORE_CLOCK_TOLERANCE_MS, TTL_MAX_MS } from '../protocol/limits.ts'
import { type BucketSlots, type BucketSum, CONTENTS_SHORT_SUM_SIZE } from '../protocol/peer-api/contents-exchange.ts'
import type { ContentsSums } from './contents-store.ts'

/** What ends sooner is not compared: members forget it at slightly different moments, and hand-off has brought it if anything could. */
const COMPARED_AHEAD_MS = 2 * MINUTE

/** Of what expires at a moment. */
export function bucketOf(ms: TimestampMs): number {
  return Math.floor(ms / CONTENTS_BUCKET_MS)
}

/** The first bucket that is compared. */
export function firstComparedBucket(nowMs: TimestampMs): number {
  return Math.max(0, Math.ceil((nowMs + COMPARED_AHEAD_MS) / CONTENTS_BUCKET_MS))
}

/** The last bucket that anything can be in, by clocks that differ no more than they may. */
export function lastBucket(nowMs: TimestampMs): number {
  const latestMs = nowMs + TTL_MAX_MS + 2 * OPERATION_AHEAD_MAX_MS + STORE_CLOCK_TOLERANCE_MS
  return Math.floor(latestMs / CONTENTS_BUCKET_MS)
}

export function shortSum(sum: Uint8Array): Uint8Array {
  return sum.subarray(0, CONTENTS_SHORT_SUM_SIZE)
}

/** What is held, by bucket, from one on. */
export function bucketSums(sums: ContentsSums, from: number): BucketSum[] {
  return [...sums.buckets(from)].map(([bucket, sum]) => ({ bucket, sum: shortSum(sum) }))
}

/** The buckets in which what is held here differs from what a member has told, with our slots. */
export function differingBuckets(sums: ContentsSums, from: number, theirs: readonly BucketSum[]): BucketSlots[] {
  const told = new Map(theirs.filter(({ bucket }) => bucket >= from).map(({ bucket, sum }) => [bucket, sum]))
  const ours = sums.buckets(from)
  const differs = ([bucket, sum]: readonly [number, Uint8Array]) => {
    const other = told.get(bucket)
    return other === undefined || !bytesEqual(shortSum(sum), other)
  }
  const here = [...ours].filter(differs).map(([bucket]) => bucket)
  const onlyThere = [...told.keys()].filter((bucket) => !ours.has(bucket))
  return [...here, ...onlyThere].map((bucket) => ({ bucket, sums: sums.slots(bucket).map(shortSum) }))
}

/** The slots of a bucket in which what is held here now differs from what a member has told. */
export function differingSlots(sums: ContentsSums, { bucket, sums: theirs }: BucketSlots): ReadonlySet<number> {
  const ours = sums.slots(bucket)
  const slots = theirs.map((_, slot) => slot)
  return new Set(
    slots.filter((slot) => {
      const [mine, other] = [ours[slot], theirs[slot]]
      return mine !== undefined && other !== undefined && !bytesEqual(shortSum(mine), other)
    }),
  )
}
