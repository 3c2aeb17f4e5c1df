import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'
import type { ContentsEntry, HeldItem } from '../protocol/contents.ts'
import { heldEntryOf, slotOf, thingOf } from '../protocol/contents-entry.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type {
  BucketSlots,
  ContentsAnswers,
  ContentsObstacle,
  ContentsRequest,
} from '../protocol/peer-api/contents-exchange.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import { ArcSet } from './arc-set.ts'
import type { ContentsBackOff } from './contents-back-off.ts'
import { bucketSums, differingSlots, firstComparedBucket, lastBucket } from './contents-buckets.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsIntake, IntakeOutcome } from './contents-intake.ts'
import type { ContentsMetrics } from './contents-metrics.ts'
import type { ContentsRequester } from './contents-requester.ts'
import type { Contents } from './contents-store.ts'
import type { ComparingOptions } from './options.ts'
import { Pause } from './pause.ts'

export interface ContentsTurnComponents {
  readonly exchange: ContentsRequester
  readonly contents: Pick<Contents, 'sums' | 'lacking'>
  readonly intake: ContentsIntake
  readonly conduct: Pick<ContentsConduct, 'wrong' | 'ignores'>
  readonly backOff: ContentsBackOff
  readonly clock: Clock
  readonly timers: Timers
  readonly metrics: ContentsMetrics
}

export interface ContentsTurnSubject {
  readonly member: ServiceNodeKey
  /** The accounts that are compared: all that both of us serve. */
  readonly arc: SwarmArc
  readonly signal: AbortSignal
}

export interface ContentsTurnResult {
  /** Buckets that differ. */
  readonly differing: number
  /** Things that came and changed what is held here. */
  readonly fetched: number
  /** Whether all that the member has was looked at, and nothing of it has to be taken another time. */
  readonly isComplete: boolean
}

/** The two cannot compare now. */
export class ContentsObstacleError extends Error {
  readonly obstacle: ContentsObstacle

  constructor(obstacle: ContentsObstacle) {
    super('Contents cannot be compared now')
    this.obstacle = obstacle
  }
}

/** Wait before a member is asked again that has too much to do. */
const BUSY_PAUSE_MS: DurationMs = SECOND / 2
const READ_COUNT_MAX = 256
/** Buckets that are fetched at once: most have little, and would take as many round trips one after the other. */
const BUCKETS_AT_ONCE = 3
const PAGE_COUNTS_MIN = 64

/**
 * Fetches what one member has and this node lacks. What the member lacks, it fetches itself: so nobody has to take what it has not
 * asked for, each node goes as fast as its own disk, and what several lack is sent to each by whoever it asks. Buckets are taken from the
 * last one on: requests expire 30 days after they came, so nearly all of them come before the messages that they end.
 */
export class ContentsTurn {
  readonly #components: ContentsTurnComponents
  readonly #options: ComparingOptions
  readonly #subject: ContentsTurnSubject
  readonly #own: ArcSet
  readonly #endsAtMs: DurationMs
  #isComplete = true
  #hasFailed = false

  constructor(components: ContentsTurnComponents, options: ComparingOptions, subject: ContentsTurnSubject) {
    this.#components = components
    this.#options = options
    this.#subject = subject
    this.#own = ArcSet.of(subject.arc)
    this.#endsAtMs = components.clock.monotonicMs() + options.turnMaxMs
  }

  /**
   * @throws {ContentsObstacleError} when the two cannot compare now
   * @throws {PeerRequestError | ProtocolError} for a member that does not answer, or not as it should
   */
  async take(): Promise<ContentsTurnResult> {
    const differing = await this.#differing()
    this.#components.metrics.differingBuckets.add(differing.length)
    const buckets = differing.values()
    let fetched = 0
    const worker = async () => {
      for (const bucket of buckets) {
        if (this.#isOver()) return
        const came = await this.#compare(bucket)
        fetched += came
      }
    }
    // What goes wrong for one of them ends the turn for all.
    const guarded = () =>
      worker().catch((error: unknown) => {
        this.#hasFailed = true
        throw error
      })
    const results = await Promise.allSettled(Array.from({ length: BUCKETS_AT_ONCE }, guarded))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return { differing: differing.length, fetched, isComplete: this.#isComplete && !this.#isOver() }
  }

  async #compare(bucket: BucketSlots): Promise<number> {
    const { contents, backOff } = this.#components
    const sums = contents.sums()
    const slots = sums === undefined ? new Set<number>() : differingSlots(sums, bucket)
    if (slots.size === 0) return 0
    if (backOff.mayList(this.#subject.member, bucket.bucket)) return this.#fetch(bucket.bucket, slots)
    this.#isComplete = false
    return 0
  }

  async #differing(): Promise<BucketSlots[]> {
    const { contents, backOff, clock } = this.#components
    const from = firstComparedBucket(clock.nowMs())
    backOff.forgetBefore(from)
    const sums = contents.sums()
    if (sums === undefined) throw new ContentsObstacleError('not-ready')
    const { arc } = this.#subject
    const { differing } = await this.#ask({ kind: 'buckets', arc, from, sums: bucketSums(sums, from) })
    const last = lastBucket(clock.nowMs())
    const possible = differing.filter(({ bucket }) => bucket >= from && bucket <= last)
    if (possible.length < differing.length) this.#wrong('malformed')
    return possible.sort((a, b) => b.bucket - a.bucket)
  }

  /** Fetches what is lacking of some slots of a bucket. */
  async #fetch(bucket: number, slots: ReadonlySet<number>): Promise<number> {
    const { backOff, metrics } = this.#components
    const { member, arc } = this.#subject
    let [after, listed, fetched] = [0, 0, 0]
    for (;;) {
      const { entries, next } = await this.#ask({ kind: 'list', arc, bucket, slots, after })
      // Pages that are nearly empty are counted too, or there could be any number of them.
      listed += Math.max(entries.length, PAGE_COUNTS_MIN)
      fetched += await this.#fetchListed(entries.filter((entry) => this.#isOfThese(entry, slots)))
      const isRepeated = next !== undefined && next <= after
      if (isRepeated) this.#wrong('malformed')
      const isTooMuch = isRepeated || listed >= this.#options.listedMax
      if (isTooMuch) this.#isComplete = false
      if (next === undefined || isTooMuch || this.#isOver()) {
        if (fetched > 0) backOff.listedWithSuccess(member, bucket)
        else {
          backOff.listedInVain(member, bucket, listed)
          metrics.fruitlessBuckets.inc()
        }
        return fetched
      }
      after = next
    }
  }

  #isOfThese(entry: ContentsEntry, slots: ReadonlySet<number>): boolean {
    const isRight = slots.has(slotOf(entry.account)) && this.#own.has(swarmSpaceOf(entry.account))
    if (!isRight) this.#wrong('foreign')
    return isRight
  }

  async #fetchListed(entries: readonly ContentsEntry[]): Promise<number> {
    const { contents, backOff } = this.#components
    const worthwhile = entries.filter((entry) => backOff.mayTake(this.#subject.member, entry))
    const lacking = worthwhile.length === 0 ? [] : await contents.lacking(worthwhile)
    const requestsFirst = [...lacking].sort((a, b) => Number(a.kind === 'message') - Number(b.kind === 'message'))
    let fetched = 0
    for (let at = 0; at < requestsFirst.length && !this.#isOver(); at += READ_COUNT_MAX) {
      fetched += await this.#read(requestsFirst.slice(at, at + READ_COUNT_MAX))
    }
    return fetched
  }

  /** An answer has as many as fit, in order, and leaves out what is gone; so what is behind its last one is asked for again. */
  async #read(entries: readonly ContentsEntry[]): Promise<number> {
    let fetched = 0
    for (let rest = entries; rest.length > 0 && !this.#isOver(); ) {
      const { items } = await this.#ask({ kind: 'read', entries: rest })
      const given = this.#matched(rest, items)
      fetched += await this.#take(given)
      const last = [...given.values()].at(-1)
      rest = last === undefined ? [] : rest.slice(rest.indexOf(last) + 1)
    }
    return fetched
  }

  /** What was asked for, with what it was asked as. Each thing comes once, in the order of the question. */
  #matched(entries: readonly ContentsEntry[], items: readonly HeldItem[]): ReadonlyMap<HeldItem, ContentsEntry> {
    const places = new Map(entries.map((entry, index) => [thingOf(entry), index]))
    const matched = new Map<HeldItem, ContentsEntry>()
    let last = -1
    for (const item of items) {
      const thing = entryOf(item)
      const place = thing === undefined ? undefined : places.get(thingOf(thing))
      const entry = place === undefined || place <= last ? undefined : entries[place]
      if (entry === undefined || place === undefined) {
        this.#wrong(thing === undefined ? 'malformed' : 'unasked')
        continue
      }
      last = place
      matched.set(item, entry)
    }
    return matched
  }

  async #take(given: ReadonlyMap<HeldItem, ContentsEntry>): Promise<number> {
    const { intake, backOff } = this.#components
    const { member } = this.#subject
    const items = [...given.keys()]
    const outcomes = await intake.take(member, items)
    let fetched = 0
    for (const [index, item] of items.entries()) {
      const outcome = outcomes[index] ?? 'later'
      const entry = given.get(item)
      if (CHANGING.has(outcome)) fetched++
      if (outcome === 'later') this.#isComplete = false
      if (SETTLED.has(outcome) && entry !== undefined) {
        backOff.tookInVain(member, entry, { isGone: outcome === 'obsolete' })
      }
    }
    return fetched
  }

  /** Asks again, while there is time, a member that has too much to do. */
  async #ask<Request extends ContentsRequest>(request: Request): Promise<ContentsAnswers[Request['kind']]> {
    const { member, signal } = this.#subject
    const { timeoutMs } = this.#options
    const { exchange, timers } = this.#components
    for (;;) {
      try {
        const answer = await exchange.ask(member, request, { timeoutMs, signal })
        if ('obstacle' in answer) throw new ContentsObstacleError(answer.obstacle)
        return answer
      } catch (error) {
        const isBusy = error instanceof PeerRequestError && error.code === 'PEER_BUSY'
        if (!isBusy || this.#isOver()) throw error
        await new Pause(timers).for(BUSY_PAUSE_MS, signal)
      }
    }
  }

  #wrong(reason: Parameters<ContentsConduct['wrong']>[1]): void {
    this.#components.conduct.wrong(this.#subject.member, reason)
  }

  #isOver(): boolean {
    const { clock, conduct } = this.#components
    const { member, signal } = this.#subject
    return this.#hasFailed || signal.aborted || clock.monotonicMs() >= this.#endsAtMs || conduct.ignores(member)
  }
}

const CHANGING: ReadonlySet<IntakeOutcome> = new Set(['new', 'changed', 'done'])
/** What need not come again soon. A request that the log has no room for is `done` each time. */
const SETTLED: ReadonlySet<IntakeOutcome> = new Set(['known', 'obsolete', 'full', 'refused', 'done'])

/** The entry of a thing as it came; undefined for a request that is none. */
function entryOf(item: HeldItem): ContentsEntry | undefined {
  try {
    return heldEntryOf(item)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
