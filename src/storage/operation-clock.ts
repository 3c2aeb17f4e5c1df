import type { Clock } from '../base/clock.ts'
import { firstStampAt, type OperationStamp } from '../protocol/operation-stamp.ts'

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
    this.#newest = Math.max(firstStampAt(this.#clock.nowMs()), this.#newest + 1)
    return this.#newest
  }

  /** Goes past a stamp that another node gave. Whether it is believable must be known already. */
  accept(stamp: OperationStamp): void {
    this.#newest = Math.max(this.#newest, stamp)
  }
}
