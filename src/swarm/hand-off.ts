import { SECOND } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import { createPeriodic } from '../base/periodic.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { forwardedFacts } from './forwarded-facts.ts'
import { HandOffDelivery, type HandOffDeliveryComponents } from './hand-off-delivery.ts'
import type { HandOffOptions } from './options.ts'

export interface HandOffComponents extends Omit<HandOffDeliveryComponents, 'timers'> {
  readonly membership: HandOffDeliveryComponents['membership'] & { onChange(listener: () => void): () => void }
  readonly timers?: Timers
}

/**
 * Hinted hand-off: a forwarded request that a member did not take waits on our disk, and goes out again when the member can be reached.
 *
 * - It is the same request with the same stamp, so it does not matter how late it comes, in which order, or how often.
 * - The client is answered when the disk has it: a message that ends before members compare it has nothing else to reach them by.
 * - It waits no longer than it matters: a store until its message expires, anything else as long as members remember operations.
 */
export interface HandOff extends AsyncDisposable {
  /** Keeps a request that a member did not take. Settles when the disk has it, or when it cannot be kept; never rejects. */
  missed(member: ServiceNodeKey, payload: Uint8Array): Promise<void>
  /** A member took something: what waits for it may go out. */
  reached(member: ServiceNodeKey): void
}

const GAUGES_INTERVAL_MS = 5 * SECOND

export function createHandOff(components: HandOffComponents, options: HandOffOptions): HandOff {
  const { hints, membership, clock, timers = systemTimers, log, metrics } = components
  const stop = new AbortController()
  const deliveries = new Map<ServiceNodeKey, HandOffDelivery>()
  const running = new Set<Promise<void>>()
  const writing = { count: 0, bytes: 0 }

  const deliver = (member: ServiceNodeKey) => {
    const known = deliveries.get(member)
    if (known !== undefined) return known.more()
    const delivery = new HandOffDelivery({ ...components, timers }, options, member, stop.signal)
    deliveries.set(member, delivery)
    const run = delivery
      .run()
      .catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn({ error }, 'Requests that wait for a member cannot be read or removed')
      })
      .finally(() => {
        deliveries.delete(member)
        running.delete(run)
      })
    running.add(run)
  }

  const keep = async (member: ServiceNodeKey, payload: Uint8Array) => {
    const facts = forwardedFacts(payload)
    if (facts === undefined) return metrics.dropped.inc({ reason: 'refused' })
    if (facts.expiryMs <= clock.nowMs()) return metrics.dropped.inc({ reason: 'expired' })
    if (!(await hints.add(member, payload, facts.expiryMs))) return metrics.dropped.inc({ reason: 'full' })
    metrics.kept.inc()
    deliver(member)
  }

  const missed = async (member: ServiceNodeKey, payload: Uint8Array) => {
    const isBusy = writing.count >= options.writingMax || writing.bytes + payload.length > options.writingMaxBytes
    if (isBusy || stop.signal.aborted) return metrics.dropped.inc({ reason: 'busy' })
    writing.count++
    writing.bytes += payload.length
    const written = keep(member, payload)
      .catch((error: unknown) => {
        metrics.dropped.inc({ reason: 'busy' })
        if (!(error instanceof CodedError)) log.error({ error }, 'Keeping a request for a member failed unforeseen')
      })
      .finally(() => {
        writing.count--
        writing.bytes -= payload.length
        running.delete(written)
      })
    running.add(written)
    return written
  }

  const measure = () => {
    const { queued, bytes, oldestMs } = hints.statistics()
    metrics.queued.set(queued)
    metrics.queuedBytes.set(bytes)
    metrics.oldestAge.set(oldestMs === undefined ? 0 : Math.max(0, clock.nowMs() - oldestMs) / SECOND)
  }

  const deliverAll = () => {
    for (const member of hints.peers()) deliver(member)
  }
  const gauges = createPeriodic(
    { log, timers },
    { intervalMs: GAUGES_INTERVAL_MS, sentence: 'Requests that wait for members cannot be counted' },
    async () => {
      measure()
      // One whose delivery ended with an error of the disk goes on.
      deliverAll()
    },
  )
  // Who left its swarm gets nothing any more.
  const stopWatching = membership.onChange(() => {
    for (const delivery of deliveries.values()) delivery.more()
    deliverAll()
  })
  measure()
  deliverAll()

  return {
    missed,
    reached: (member) => deliveries.get(member)?.reached(),
    async [Symbol.asyncDispose]() {
      stopWatching()
      stop.abort()
      await gauges[Symbol.asyncDispose]()
      while (running.size > 0) await Promise.all(running)
    },
  }
}
