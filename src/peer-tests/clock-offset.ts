import { type Clock, type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { PeerTestsOptions } from './options.ts'

export interface ClockOffsetComponents {
  readonly clock: Clock
  /** When the newest block that is known was made; the clock cannot be behind it. */
  readonly newestBlockMs: () => TimestampMs | undefined
  readonly metrics: Pick<PeerTestsMetrics, 'clockOffset' | 'clockSamples'>
}

type OffsetOptions = Pick<
  PeerTestsOptions,
  'clockSamplesMax' | 'clockSamplesMin' | 'clockMemoryMs' | 'clockRoundTripMaxMs'
>

interface ClockSample {
  /** What the member's clock would have shown when the monotonic clock here stood at 0. */
  readonly originMs: TimestampMs
  readonly takenAtMs: DurationMs
}

/** What can be said about the wall clock. */
export interface ClockStatus {
  /** How far it is ahead of the right time, as far as can be told; undefined when nothing can. */
  readonly aheadMs: DurationMs | undefined
  /** Members whose clocks are compared with. */
  readonly samples: number
  /** Whether it is the newest block that says so: the clock stands before it, and too few members' clocks are known. */
  readonly isByChain: boolean
}

/**
 * Compares the wall clock with those of other members. Theirs are kept as the monotonic clock counts on from them, so that a jump of the
 * clock here shows at once, without another answer. The median is believed: to move it, more than half of those asked must lie.
 */
export class ClockOffset {
  readonly #components: ClockOffsetComponents
  readonly #options: OffsetOptions
  /** The newest of each member, oldest first. */
  readonly #samples = new Map<ServiceNodeKey, ClockSample>()
  /** What the clocks of most showed when the monotonic clock here stood at 0; undefined while too few are known. */
  #originMs: TimestampMs | undefined

  constructor(components: ClockOffsetComponents, options: OffsetOptions) {
    this.#components = components
    this.#options = options
  }

  /** What a member's clock showed, in an answer that was asked for at one moment and came at another of the monotonic clock. */
  note(member: ServiceNodeKey, clockMs: TimestampMs, askedAtMs: DurationMs, answeredAtMs: DurationMs): void {
    if (answeredAtMs - askedAtMs > this.#options.clockRoundTripMaxMs) return
    this.#samples.delete(member)
    this.#samples.set(member, { originMs: clockMs - (askedAtMs + answeredAtMs) / 2, takenAtMs: answeredAtMs })
    const [oldest] = this.#samples.keys()
    if (this.#samples.size > this.#options.clockSamplesMax && oldest !== undefined) this.#samples.delete(oldest)
    this.#judge()
  }

  /** Forgets what is too old, and who is not a member any more. */
  keep(members: ReadonlySet<ServiceNodeKey>): void {
    const sinceMs = this.#components.clock.monotonicMs() - this.#options.clockMemoryMs
    for (const [key, { takenAtMs }] of this.#samples) {
      if (takenAtMs < sinceMs || !members.has(key)) this.#samples.delete(key)
    }
    this.#judge()
  }

  /** Asked with every request, so there is nothing but a difference in it. */
  status(): ClockStatus {
    const { clock, newestBlockMs } = this.#components
    const nowMs = clock.nowMs()
    const byMembersMs =
      this.#originMs === undefined ? undefined : Math.round(nowMs - clock.monotonicMs() - this.#originMs)
    const blockMs = newestBlockMs()
    const byChainMs = blockMs === undefined || blockMs <= nowMs ? undefined : nowMs - blockMs
    const isByChain = byMembersMs === undefined && byChainMs !== undefined
    return { aheadMs: byMembersMs ?? byChainMs, samples: this.#samples.size, isByChain }
  }

  #judge(): void {
    const origins = [...this.#samples.values()].map(({ originMs }) => originMs)
    this.#originMs = origins.length < this.#options.clockSamplesMin ? undefined : medianOf(origins)
    const { aheadMs = 0, samples } = this.status()
    this.#components.metrics.clockOffset.set(aheadMs / SECOND)
    this.#components.metrics.clockSamples.set(samples)
  }
}

/** Of an even number, the mean of the two in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
