import { type Clock, type DurationMs, SECOND, type TimestampMs } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { forwardedFacts, forwardedVerdict } from './forwarded-facts.ts'
import type { HandOffDrop, HandOffMetrics } from './hand-off-metrics.ts'
import type { HandOffOptions } from './options.ts'
import { Pause } from './pause.ts'

/** Queues that survive a restart, one for each member. */
export interface Hints {
  /** False when there is no room for it. Settles when the disk has it. */
  add(peer: ServiceNodeKey, payload: Uint8Array, expiryMs: TimestampMs): Promise<boolean>
  /** Members that something waits for. */
  peers(): readonly ServiceNodeKey[]
  /** The oldest of what waits for a member. */
  next(
    peer: ServiceNodeKey,
    countMax: number,
    sizeMax: number,
  ): Promise<readonly { readonly id: number; readonly payload: Uint8Array }[]>
  remove(peer: ServiceNodeKey, ids: readonly number[]): Promise<void>
  statistics(): { readonly queued: number; readonly bytes: number; readonly oldestMs?: TimestampMs }
}

export interface HandOffDeliveryComponents {
  readonly peers: PeerRequester
  readonly hints: Hints
  readonly membership: {
    /** Whether this node keeps the account's messages, so that others take changes to them from it. */
    serves(account: AccountId): boolean
    replicas(account: AccountId): readonly ServiceNodeKey[]
    isMember(key: ServiceNodeKey): boolean
  }
  readonly clock: Clock
  readonly timers: Timers
  /** At least 0 and below 1: keeps many nodes from trying again at the same moment. */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: HandOffMetrics
}

/** Requests that are looked at together; of these, few are under way. */
const WINDOW = 64

interface Hint {
  readonly id: number
  readonly payload: Uint8Array
}

/** Why a request stays. */
type HintObstacle =
  /** The member has too much to do. */
  | 'later'
  /** It has no place for this one, which says nothing about others. */
  | 'aside'
  /** It is not there. */
  | 'silent'
  /** It answers that something went wrong. */
  | 'failed'

type HintEnd = 'delivered' | HintObstacle | HandOffDrop

/**
 * Sends one member what waits for it: oldest first, a few at a time, slowly enough that a member that comes back is not flooded. A request goes when
 * the member has taken it, or refuses it for ever.
 */
export class HandOffDelivery {
  readonly #components: HandOffDeliveryComponents
  readonly #options: HandOffOptions
  readonly #member: ServiceNodeKey
  readonly #signal: AbortSignal
  readonly #pause: Pause
  /** How often each of those under way went wrong at the member; only of the window. */
  #failures = new Map<number, number>()
  #retries = 0
  #waitsForAnswer = false
  #hasMore = false

  constructor(
    components: HandOffDeliveryComponents,
    options: HandOffOptions,
    member: ServiceNodeKey,
    signal: AbortSignal,
  ) {
    this.#components = components
    this.#options = options
    this.#member = member
    this.#signal = signal
    this.#pause = new Pause(components.timers)
  }

  /** Something else may wait for the member, or for nobody any more. */
  more(): void {
    this.#hasMore = true
  }

  /** The member answered: if that is what we wait for, the wait is over. One that is busy gets its time. */
  reached(): void {
    if (!this.#waitsForAnswer) return
    this.#retries = 0
    this.#pause.end()
  }

  /** Settles when nothing waits any more. */
  async run(): Promise<void> {
    do {
      this.#hasMore = false
      while (!this.#signal.aborted && (await this.#deliverSome())) {
        // The next ones.
      }
    } while (this.#hasMore && !this.#signal.aborted)
  }

  /** Whether there may be more. */
  async #deliverSome(): Promise<boolean> {
    const { hints, clock } = this.#components
    const waiting = await hints.next(this.#member, WINDOW, this.#options.windowMaxBytes)
    if (waiting.length === 0 || this.#signal.aborted) return false
    const startedAtMs = clock.monotonicMs()
    const ends = await this.#deliverWindow(waiting)
    const aside = waiting.filter(({ id }) => ends.get(id) === 'aside')
    if (aside.length > 0) await this.#putBack(aside)
    const done = waiting.filter(({ id }) => isFinal(ends.get(id)))
    await hints.remove(
      this.#member,
      done.map(({ id }) => id),
    )
    this.#count(done, ends)
    this.#failures = new Map([...this.#failures].filter(([id]) => ends.has(id) && !isFinal(ends.get(id))))
    const sent = done.filter(({ id }) => ends.get(id) === 'delivered')
    await this.#waitAfter(new Set(ends.values()), this.#paceMs(sent) - (clock.monotonicMs() - startedAtMs))
    return true
  }

  /** Behind all others: a client whose account is full at one member must not keep everybody's requests from it. */
  async #putBack(aside: readonly Hint[]): Promise<void> {
    const { hints } = this.#components
    const moved = await Promise.all(
      aside.map(async ({ id, payload }) => {
        const facts = forwardedFacts(payload)
        const isBehind = facts !== undefined && (await hints.add(this.#member, payload, facts.expiryMs))
        return isBehind ? [id] : []
      }),
    )
    await hints.remove(this.#member, moved.flat())
  }

  /** A few at a time. When the member can take none now, those behind are not tried. */
  async #deliverWindow(waiting: readonly Hint[]): Promise<ReadonlyMap<number, HintEnd>> {
    const ends = new Map<number, HintEnd>()
    const rest = waiting.values()
    let mayGoOn = true
    const worker = async () => {
      while (mayGoOn && !this.#signal.aborted) {
        const { value: hint, done } = rest.next()
        if (done) return
        const end = this.#outdated(hint) ?? this.#judged(hint, await this.#send(hint))
        ends.set(hint.id, end)
        if (!isFinal(end) && end !== 'aside') mayGoOn = false
      }
    }
    await Promise.all(Array.from({ length: this.#options.inFlightMax }, worker))
    return ends
  }

  /** What became superfluous while it waited. */
  #outdated({ payload }: Hint): HandOffDrop | undefined {
    const { membership, clock } = this.#components
    if (!membership.isMember(this.#member)) return 'left'
    const facts = forwardedFacts(payload)
    if (facts === undefined) return 'refused'
    if (facts.expiryMs <= clock.nowMs()) return 'expired'
    // What this node still holds of the account is handed over.
    const isShared = membership.serves(facts.account) && membership.replicas(facts.account).includes(this.#member)
    return isShared ? undefined : 'left'
  }

  async #send({ payload }: Hint): Promise<HintEnd> {
    const { peers, timers, log } = this.#components
    const { timeoutMs } = this.#options
    const signal = timers.deadline(timeoutMs, this.#signal)
    try {
      const verdict = forwardedVerdict(await peers.request(this.#member, 'forward', payload, { timeoutMs, signal }))
      return verdict === 'taken' ? 'delivered' : verdict
    } catch (error) {
      if (error instanceof PeerRequestError) return ENDS[error.code]
      if (!signal.aborted) log.error({ error }, 'Handing off a request failed in an unforeseen way')
      return 'silent'
    }
  }

  /** A request that goes wrong at the member each time must not keep all others from it. */
  #judged({ id }: Hint, end: HintEnd): HintEnd {
    if (end !== 'failed') return end
    const failures = (this.#failures.get(id) ?? 0) + 1
    if (failures >= this.#options.failuresMax) return 'refused'
    this.#failures.set(id, failures)
    return end
  }

  #count(done: readonly Hint[], ends: ReadonlyMap<number, HintEnd>): void {
    const { metrics } = this.#components
    for (const { id, payload } of done) {
      const end = ends.get(id)
      if (end === 'delivered') {
        metrics.delivered.inc()
        metrics.deliveredBytes.add(payload.length)
      } else if (isFinal(end)) {
        metrics.dropped.inc({ reason: end })
      }
    }
  }

  /** How long what was sent may take at the fastest. */
  #paceMs(sent: readonly Hint[]): DurationMs {
    const bytes = sent.reduce((sum, { payload }) => sum + payload.length, 0)
    const { bytesPerSecondMax, requestsPerSecondMax } = this.#options
    return Math.max(bytes / bytesPerSecondMax, sent.length / requestsPerSecondMax) * SECOND
  }

  async #waitAfter(ends: ReadonlySet<HintEnd>, paceMs: DurationMs): Promise<void> {
    // What was put back is behind others, unless there are none that the member takes.
    const isMoving = [...ends].every((end) => isFinal(end) || end === 'aside') && ends.has('delivered')
    const hasToWait = !isMoving && [...ends].some((end) => !isFinal(end))
    this.#retries = hasToWait ? this.#retries + 1 : 0
    const waitMs = hasToWait ? this.#retryMs() : paceMs
    if (waitMs <= 0) return
    this.#waitsForAnswer = ends.has('silent')
    await this.#pause.for(waitMs, this.#signal)
    this.#waitsForAnswer = false
  }

  /** Twice as long each time, and a part of it up to chance. */
  #retryMs(): DurationMs {
    const { retryMinMs, retryMaxMs } = this.#options
    const fullMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(30, this.#retries - 1))
    return fullMs * (0.5 + this.#components.random() / 2)
  }
}

const ENDS = {
  PEER_UNKNOWN: 'silent',
  PEER_UNREACHABLE: 'silent',
  PEER_TIMEOUT: 'silent',
  PEER_BUSY: 'later',
  PEER_FAILED: 'failed',
} as const satisfies Record<PeerRequestError['code'], HintEnd>

function isFinal(end: HintEnd | undefined): end is Exclude<HintEnd, HintObstacle> {
  return end !== undefined && end !== 'later' && end !== 'aside' && end !== 'silent' && end !== 'failed'
}
