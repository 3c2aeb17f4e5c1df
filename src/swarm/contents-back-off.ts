import { toHex } from '../base/bytes.ts'
import type { Clock, DurationMs } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { ContentsEntry } from '../protocol/contents.ts'
import { thingOf } from '../protocol/contents-entry.ts'
import { CONTENTS_ENTRY_SIZE } from '../protocol/peer-api/contents-item.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ComparingOptions } from './options.ts'

export type ContentsBackOffOptions = Pick<
  ComparingOptions,
  'backOffMinMs' | 'backOffMaxMs' | 'fruitlessBytesPerSecond' | 'fruitlessThingsMax' | 'fruitlessMemoryMs'
>

/** So many times as long as a turn in vain took, its member waits for the next. */
const TURN_REST_FACTOR = 4

interface Patience {
  /** In a row. */
  times: number
  untilMs: DurationMs
}

/**
 * What has been looked at in vain: buckets of a member that differ although it has nothing new, since it is the member that lacks
 * something, or something arrives all the time, or it lies; and things that cannot be taken from it. Forgotten when there is a reason to
 * look again.
 */
export class ContentsBackOff {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #options: ContentsBackOffOptions
  readonly #buckets = new Map<ServiceNodeKey, Map<number, Patience>>()
  /** Members whose last turn was in vain, to when they may have another. */
  readonly #turns = new Map<ServiceNodeKey, DurationMs>()
  /** Member and thing, to until when; the longest known first. */
  readonly #things = new Map<string, DurationMs>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: ContentsBackOffOptions) {
    this.#clock = clock
    this.#options = options
  }

  mayHaveTurn(member: ServiceNodeKey): boolean {
    return (this.#turns.get(member) ?? 0) <= this.#clock.monotonicMs()
  }

  /** A turn with this member took so long, and brought nothing: whoever answers slowly must not have most of the time that there is for all. */
  hadTurnInVain(member: ServiceNodeKey, tookMs: DurationMs): void {
    this.#turns.set(member, this.#clock.monotonicMs() + TURN_REST_FACTOR * tookMs)
  }

  mayList(member: ServiceNodeKey, bucket: number): boolean {
    return (this.#buckets.get(member)?.get(bucket)?.untilMs ?? 0) <= this.#clock.monotonicMs()
  }

  /** Nothing new came of a list of so many entries. */
  listedInVain(member: ServiceNodeKey, bucket: number, entries: number): void {
    const { backOffMinMs, backOffMaxMs, fruitlessBytesPerSecond } = this.#options
    const buckets = this.#buckets.get(member) ?? new Map<number, Patience>()
    this.#buckets.set(member, buckets)
    const times = (buckets.get(bucket)?.times ?? 0) + 1
    const repeatMs = Math.min(backOffMaxMs, backOffMinMs * 2 ** (times - 1))
    const costMs = ((entries * CONTENTS_ENTRY_SIZE) / fruitlessBytesPerSecond) * SECOND
    buckets.set(bucket, { times, untilMs: this.#clock.monotonicMs() + Math.max(repeatMs, costMs) })
  }

  listedWithSuccess(member: ServiceNodeKey, bucket: number): void {
    this.#buckets.get(member)?.delete(bucket)
  }

  /** Buckets that are not compared any more. */
  forgetBefore(bucket: number): void {
    for (const buckets of this.#buckets.values()) {
      for (const key of buckets.keys()) if (key < bucket) buckets.delete(key)
    }
  }

  forget(member: ServiceNodeKey): void {
    this.#buckets.delete(member)
    this.#turns.delete(member)
  }

  forgetAll(): void {
    this.#buckets.clear()
    this.#turns.clear()
    this.#things.clear()
  }

  mayTake(member: ServiceNodeKey, entry: ContentsEntry): boolean {
    return (this.#things.get(nameOf(member, entry)) ?? 0) <= this.#clock.monotonicMs()
  }

  /** Taking it changed nothing. What is gone here may be stored there again, in the same words, so it is looked at again as soon as a bucket. */
  tookInVain(member: ServiceNodeKey, entry: ContentsEntry, { isGone }: { readonly isGone: boolean }): void {
    const { fruitlessMemoryMs, backOffMaxMs } = this.#options
    const [oldest] = this.#things.keys()
    if (this.#things.size >= this.#options.fruitlessThingsMax && oldest !== undefined) this.#things.delete(oldest)
    this.#things.set(nameOf(member, entry), this.#clock.monotonicMs() + (isGone ? backOffMaxMs : fruitlessMemoryMs))
  }
}

function nameOf(member: ServiceNodeKey, entry: ContentsEntry): string {
  return `${member} ${thingOf(entry)} ${toHex(entry.version)}`
}
