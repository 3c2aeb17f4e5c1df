import { type DurationMs, HOUR, SECOND, type TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { Timers } from '../base/timers.ts'
import type { Section, TrafficFacts } from './status.ts'

/**
 * What this node had to do, for plots: counts only, of nobody in particular. Rates are per second, over the time since the sample
 * before. All of it is JSON as it stands.
 */
export interface TrafficSample {
  readonly atMs: TimestampMs
  /** Client requests that methods answered. */
  readonly requestsPerS: number
  /** Requests and connections that were refused, before or by a method. */
  readonly refusedPerS: number
  /** Onion requests passed on to the next hop. */
  readonly relayedPerS: number
  /** Onion requests for this node, or for an outside server. */
  readonly deliveredPerS: number
  readonly storesPerS: number
  readonly retrievesPerS: number
  readonly bytesInPerS: number
  readonly bytesOutPerS: number
  readonly connections: number
  readonly storedBytes: number
  /** Age of the newest finalized block; null while none is known. */
  readonly chainLagMs: DurationMs | null
  readonly eventLoopDelayMs: DurationMs
}

export const TRAFFIC_VERSION = 1

/** What the running node remembers, as `starling top` asks for it. */
export interface TrafficDocument {
  readonly version: typeof TRAFFIC_VERSION
  readonly sampleIntervalMs: DurationMs
  /** Oldest first. */
  readonly samples: readonly TrafficSample[]
}

export function isTrafficDocument(value: unknown): value is TrafficDocument {
  if (typeof value !== 'object' || value === null || !('version' in value && 'samples' in value)) return false
  const { version, samples } = value
  const isSample = (sample: unknown) => typeof sample === 'object' && sample !== null && 'atMs' in sample
  return version === TRAFFIC_VERSION && Array.isArray(samples) && samples.every(isSample)
}

export interface TrafficHistory extends AsyncDisposable {
  readonly sampleIntervalMs: DurationMs
  /** Oldest first. */
  samples(): readonly TrafficSample[]
  /** Takes a sample now, or joins the one under way. */
  sampleNow(): Promise<void>
}

export interface TrafficHistoryComponents {
  /** It may not be able to tell the traffic for a while. */
  readonly status: () => Promise<{ readonly sections: { readonly traffic: Section<TrafficFacts> } }>
  readonly clock: { nowMs(): TimestampMs }
  readonly log: Logger
  readonly timers?: Timers
}

export interface TrafficHistoryOptions {
  readonly sampleIntervalMs: DurationMs
  /** Beyond these, the oldest go. */
  readonly samplesMax: number
}

const SAMPLE_INTERVAL_MS = 10 * SECOND

/** An hour, in steps that a plot on a wide screen can still show apart: some 50 KB. */
export const defaultTrafficHistoryOptions: TrafficHistoryOptions = {
  sampleIntervalMs: SAMPLE_INTERVAL_MS,
  samplesMax: HOUR / SAMPLE_INTERVAL_MS,
}

/** Remembers, in memory only, how much this node had to do lately, so that a page opened now shows how it came here. */
export function createTrafficHistory(
  { status, clock, log, ...others }: TrafficHistoryComponents,
  { sampleIntervalMs, samplesMax }: TrafficHistoryOptions,
): TrafficHistory {
  const samples: TrafficSample[] = []
  let before: TrafficFacts | undefined
  const take = async () => {
    const { traffic } = (await status()).sections
    if (traffic.state !== 'known') return
    const now = traffic.facts
    // The first says how things stand, and nothing of how they go; asked for twice at once, nothing has gone on.
    if (before !== undefined && now.atMs > before.atMs) samples.push(sampleOf(before, now, clock.nowMs()))
    if (samples.length > samplesMax) samples.shift()
    before = now
  }
  const periodic = createPeriodic(
    { log, ...others },
    { intervalMs: sampleIntervalMs, sentence: 'The traffic could not be noted' },
    take,
  )
  return {
    sampleIntervalMs,
    samples: () => samples,
    sampleNow: () => periodic.runNow(),
    [Symbol.asyncDispose]: () => periodic[Symbol.asyncDispose](),
  }
}

/** What happened between two looks at the counters. */
export function sampleOf(before: TrafficFacts, now: TrafficFacts, atMs: TimestampMs): TrafficSample {
  const perS = (count: (facts: TrafficFacts) => number) =>
    ((count(now) - count(before)) * SECOND) / (now.atMs - before.atMs)
  return {
    atMs,
    requestsPerS: perS(({ requests }) => Object.values(requests).reduce((all, count) => all + count, 0)),
    refusedPerS: perS(({ refused, rejected }) => refused.client + refused.swarm + refused.node + rejected),
    relayedPerS: perS(({ onion }) => onion.relayed),
    deliveredPerS: perS(({ onion }) => onion.final + onion.outside),
    storesPerS: perS(({ stores }) => stores),
    retrievesPerS: perS(({ retrieves }) => retrieves),
    bytesInPerS: perS(({ bytesIn }) => bytesIn),
    bytesOutPerS: perS(({ bytesOut }) => bytesOut),
    connections: now.connections,
    storedBytes: now.storedBytes,
    chainLagMs: now.chainLagMs,
    eventLoopDelayMs: now.eventLoopDelayMs,
  }
}
