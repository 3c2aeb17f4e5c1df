import { assert } from '../base/assert.ts'

// Boundaries T_k = k * epoch length, in Unix seconds. C_k, the block of epoch k, is the last finalized block with a timestamp at or
// before T_k. It is certain as soon as a finalized block with a later timestamp exists.

/** T_k. */
export function boundaryS(index: number, epochLengthS: number): bigint {
  return BigInt(index) * BigInt(epochLengthS)
}

/** The newest epoch whose block is certain when a finalized block has this timestamp: the largest k with T_k < timestamp. */
export function newestCertainEpoch(finalizedTimestampS: bigint, epochLengthS: number): number {
  assert(Number.isSafeInteger(epochLengthS) && epochLengthS > 0, 'An epoch lasts a whole number of seconds')
  if (finalizedTimestampS <= 0n) return -1
  return Number((finalizedTimestampS - 1n) / BigInt(epochLengthS))
}

/**
 * The epochs to fetch next, ascending: those after `current`, but at most the last two. Older ones would not be used, and providers
 * without an archive may have forgotten their state.
 */
export function epochsToFetch(current: number | undefined, newest: number): readonly number[] {
  const first = Math.max((current ?? -1) + 1, newest - 1, 0)
  return Array.from({ length: Math.max(0, newest - first + 1) }, (_, offset) => first + offset)
}
