import type { TimestampMs } from '../base/clock.ts'

/**
 * The place of an operation among all others, in microseconds: given once by the entry node, and the same on every member. What
 * a member holds is what carrying out the operations in the order of their stamps gives, in whatever order they arrived.
 */
export type OperationStamp = number

/** Where an operation comes from. */
export interface OperationOrigin {
  readonly stamp: OperationStamp
  /** The client's request as it is forwarded, for what members keep to prove that lives were ended (docs/storage.md). */
  readonly request?: Uint8Array | undefined
}

const PER_MS = 1000

export function isOperationStamp(value: unknown): value is OperationStamp {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** The first stamp of a moment. */
export function firstStampAt(ms: TimestampMs): OperationStamp {
  return ms * PER_MS
}

/** The moment that an operation is judged at, whenever it arrives. */
export function stampMs(stamp: OperationStamp): TimestampMs {
  return Math.floor(stamp / PER_MS)
}
