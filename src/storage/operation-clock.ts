import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import { OPERATION_AHEAD_MAX_MS } from '../protocol/limits.ts'
import { firstStampAt, type OperationOrigin, type OperationStamp } from '../protocol/operation-stamp.ts'

/**
 * How far others' stamps take ours ahead of our clock. Half of what members accept: one that lies could else take ours so far that
 * a member whose clock is a little behind refuses what we pass on.
 */
const FOLLOWED_AHEAD_MAX_MS: DurationMs = OPERATION_AHEAD_MAX_MS / 2

/**
 * Gives stamps: the wall clock's microseconds, but always more than any stamp seen, so that what follows an operation that this
 * node knows has a greater stamp even if the other node's clock is ahead.
 */
export class OperationClock {
  readonly #clock: Clock
  #newest: OperationStamp

  constructor(clock: Clock, newest: OperationStamp) {
    this.#clock = clock
    this.#newest = newest
  }

  next(): OperationStamp {
    const nowMs = this.#clock.nowMs()
    // Our clock has been set back, or a restart found the stamp of one that lied: nobody would accept what goes on from there.
    if (this.#newest >= firstStampAt(nowMs + OPERATION_AHEAD_MAX_MS)) this.#newest = latestFollowed(nowMs)
    this.#newest = Math.max(firstStampAt(nowMs), this.#newest + 1)
    return this.#newest
  }

  /** Of an operation that begins here, and that nobody asked for. */
  begin(): OperationOrigin {
    return { stamp: this.next() }
  }

  /** Goes past a stamp that another node gave. Whether it is believable must be known already. */
  accept(stamp: OperationStamp): void {
    this.#newest = Math.max(this.#newest, Math.min(stamp, latestFollowed(this.#clock.nowMs())))
  }
}

function latestFollowed(nowMs: TimestampMs): OperationStamp {
  return firstStampAt(nowMs + FOLLOWED_AHEAD_MAX_MS)
}
