import type { Clock, DurationMs, TimestampMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

/** What a node's answer says about the time, and how long it was under way. */
export interface TimeSample {
  readonly node: ServiceNodeKey
  /** `t` of the answer. */
  readonly nodeMs: TimestampMs
  /** By this machine's clock. */
  readonly sentMs: TimestampMs
  readonly receivedMs: TimestampMs
}

/** Nodes whose last word on the time is kept. */
const SAMPLES_KEPT = 5
/** One node, or two, must not be able to set a client's clock: with three it takes two that lie. */
export const SAMPLES_NEEDED = 3
/** 2021: an answer from before is no time of day. */
const EARLIEST_MS: TimestampMs = 1_609_459_200_000

/**
 * The network's time: nodes refuse signatures with timestamps far from theirs, and many machines' clocks are wrong.
 * It is the median of what the last few nodes said, and this machine's own time until three have spoken.
 */
export class NetworkClock {
  readonly #clock: Clock
  readonly #offsets = new Map<ServiceNodeKey, DurationMs>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowMs(): TimestampMs {
    return Math.round(this.#clock.nowMs() + this.offsetMs())
  }

  /** This machine's time, for the samples. */
  localMs(): TimestampMs {
    return this.#clock.nowMs()
  }

  /** How far the network is ahead of this machine. */
  offsetMs(): DurationMs {
    if (this.#offsets.size < SAMPLES_NEEDED) return 0
    const sorted = [...this.#offsets.values()].sort((a, b) => a - b)
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  }

  /** The node is taken to have looked at its clock half way between request and answer. */
  add({ node, nodeMs, sentMs, receivedMs }: TimeSample): void {
    if (!Number.isSafeInteger(nodeMs) || nodeMs < EARLIEST_MS) return
    this.#offsets.delete(node)
    this.#offsets.set(node, nodeMs - (sentMs + receivedMs) / 2)
    const oldest = this.#offsets.keys().next()
    if (this.#offsets.size > SAMPLES_KEPT && !oldest.done) this.#offsets.delete(oldest.value)
  }

  /** Forgets what was said before, as after a change of this machine's clock. */
  clear(): void {
    this.#offsets.clear()
  }
}
