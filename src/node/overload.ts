import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import type { PeerResponder } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { NodeMetrics } from './metrics.ts'

/** How late the event loop runs. */
export interface LoopDelay extends Disposable {
  /** The median since it was asked last. */
  take(): DurationMs
}

export interface OverloadOptions {
  /** How often the delay is looked at. */
  readonly windowMs: DurationMs
  /** A window in which the loop ran later than this, in the median, is a late one. */
  readonly delayMaxMs: DurationMs
  /** So many late windows in a row are overload; one that is not late ends it. */
  readonly lateWindows: number
}

export const defaultOverloadOptions: OverloadOptions = {
  windowMs: SECOND,
  // An onion request takes some five turns of the loop at each of four nodes, and clients wait ten seconds for its answer: with turns
  // as late as this everywhere, half of them are gone.
  delayMaxMs: 250,
  // Starting, compaction of the database and collection of garbage take less.
  lateWindows: 5,
}

export interface OverloadComponents {
  readonly log: Logger
  readonly metrics: NodeMetrics
  readonly delay: LoopDelay
}

/**
 * Knows whether this node has more to do than it can, for long enough that to refuse what is new is the better service: what is under
 * way is then still answered in time.
 */
export class Overload {
  readonly #components: OverloadComponents
  readonly #options: OverloadOptions
  #lateWindows = 0

  constructor(components: OverloadComponents, options: OverloadOptions) {
    this.#components = components
    this.#options = options
  }

  get isOverloaded(): boolean {
    return this.#lateWindows >= this.#options.lateWindows
  }

  /** Judges the window that ends now. */
  look(): void {
    const { delay, log, metrics } = this.#components
    const delayMs = delay.take()
    metrics.eventLoopDelay.set(delayMs / SECOND)
    const wasOverloaded = this.isOverloaded
    this.#lateWindows = delayMs > this.#options.delayMaxMs ? this.#lateWindows + 1 : 0
    if (this.isOverloaded && !wasOverloaded) {
      log.warn(
        { delayMs: Math.round(delayMs) },
        'This machine is too slow for what is asked of it: new requests are refused',
      )
    }
    if (wasOverloaded && !this.isOverloaded) log.info({}, 'New requests are taken again')
  }

  /** A handler of other nodes' requests that refuses them during overload; the node that asks is told to try elsewhere. */
  shed(handler: PeerHandler): PeerHandler {
    return async (from, payload, signal) => {
      if (this.isOverloaded) throw new PeerRequestError('PEER_BUSY', 'This node has too much to do')
      return handler(from, payload, signal)
    }
  }
}

type PeerHandler = Parameters<PeerResponder['handle']>[1]

/** Looks all the time, until it is disposed of. */
export function watchOverload(
  overload: Overload,
  { delay, log }: OverloadComponents,
  { windowMs }: OverloadOptions,
): AsyncDisposable {
  const stack = new AsyncDisposableStack()
  stack.use(delay)
  const sentence = 'The delay of the event loop could not be judged'
  stack.use(createPeriodic({ log }, { intervalMs: windowMs, sentence }, async () => overload.look()))
  return stack
}

/** Often enough for a median, and far below what counts as late. */
const SAMPLE_MS = 50
/** Those of several windows; the newest are kept. */
const SAMPLES_MAX = 128

/** By how much a timer is late, again and again. Node's own histogram forgets the value during which it is emptied, which is all there is of a loop that stands still. */
export function measureLoopDelay(
  clock: Pick<Clock, 'monotonicMs'>,
  observe: (delayMs: DurationMs) => void = () => {},
): LoopDelay {
  let delays: DurationMs[] = []
  let dueMs = clock.monotonicMs() + SAMPLE_MS
  const timer = setInterval(() => {
    const nowMs = clock.monotonicMs()
    const delayMs = Math.max(0, nowMs - dueMs)
    observe(delayMs)
    delays = [...delays.slice(1 - SAMPLES_MAX), delayMs]
    dueMs = nowMs + SAMPLE_MS
  }, SAMPLE_MS)
  timer.unref()
  return {
    take() {
      const sorted = delays.toSorted((a, b) => a - b)
      delays = []
      return sorted[Math.floor(sorted.length / 2)] ?? 0
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
