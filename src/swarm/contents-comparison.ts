import { type Clock, type DurationMs, MINUTE, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { ContentsBackOff } from './contents-back-off.ts'
import { bucketOf, firstComparedBucket } from './contents-buckets.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsIntake } from './contents-intake.ts'
import type { ComparisonEnd, ContentsMetrics } from './contents-metrics.ts'
import type { ContentsRequester } from './contents-requester.ts'
import { ComparisonStanding, type ComparisonStatus, type Ends, membersThat } from './contents-standing.ts'
import type { Contents } from './contents-store.ts'
import { ContentsObstacleError, ContentsTurn } from './contents-turn.ts'
import { MemberPatience } from './member-patience.ts'
import type { ComparingOptions } from './options.ts'
import { Pause } from './pause.ts'

export interface ComparisonComponents {
  /** The key of this node. */
  readonly self: ServiceNodeKey
  readonly exchange: ContentsRequester
  readonly contents: Pick<Contents, 'cover' | 'sums' | 'lacking'>
  readonly intake: ContentsIntake
  readonly conduct: ContentsConduct
  readonly membership: ComparisonMembership
  /** Whether something else brings this node what it lacks, as while it joins. */
  readonly isPaused?: () => boolean
  readonly clock: Clock
  readonly timers?: Timers
  /** At least 0 and below 1: keeps nodes that started together from staying in step. */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: ContentsMetrics
}

export interface ComparisonMembership {
  ownSwarm(): Swarm | undefined
  ownArc(): SwarmArc | undefined
  onChange(listener: () => void): () => void
}

/**
 * Anti-entropy: compares what this node holds with each other member of its swarm, again and again, and fetches what is missing here.
 * Whatever else went wrong, members that can reach each other come to hold the same.
 */
export interface Comparison extends AsyncDisposable {
  status(): ComparisonStatus
  /** Settles after a round that began no sooner than now. Rejects after disposal. */
  roundNow(): Promise<void>
  /** Whether a member holds the same; undefined when that could not be found out. */
  isSame(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean | undefined>
  /** Fetches, not only for one turn, what a member has that is missing here. Whether nothing is any more. */
  converge(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean>
  /** A member has asked something: if it was silent before, it is compared with at once. */
  heard(member: ServiceNodeKey): void
  /** Calls the listener after each round in which all that answered held the same, and any did. Returns what ends that. */
  onEqual(listener: () => void): () => void
}

/** However urgent. */
const PAUSE_MIN_MS: DurationMs = SECOND / 4

/** A total takes no work. Who has not answered lately gets no longer than this, but for once in a while: all others wait for it. */
const TOTAL_TIMEOUT_MIN_MS: DurationMs = SECOND
const FULL_WAIT_INTERVAL_MS: DurationMs = 2 * MINUTE

/** A turn is a minute of fetching. Who has more than that to give may be making it up: another member is tried first. */
const CONVERGING_TURNS_MAX = 10

export function createComparison(components: ComparisonComponents, options: ComparingOptions): Comparison {
  const comparison = new ContentsComparison(components, options)
  comparison.start()
  return comparison
}

class ContentsComparison implements Comparison {
  readonly #components: ComparisonComponents & { readonly timers: Timers }
  readonly #options: ComparingOptions
  readonly #backOff: ContentsBackOff
  readonly #patience: MemberPatience
  readonly #pause: Pause
  readonly #stop = new AbortController()
  readonly #standing: ComparisonStanding
  #rounds: Promise<void> = Promise.resolve()
  #stopWatching = () => {}
  #isUrgent = false
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(components: ComparisonComponents, options: ComparingOptions) {
    const timers = components.timers ?? systemTimers
    this.#components = { ...components, timers }
    this.#options = options
    this.#backOff = new ContentsBackOff(components.clock, options)
    this.#patience = new MemberPatience(components.clock, {
      forwardTimeoutMs: options.timeoutMs,
      forwardTimeoutMinMs: Math.min(options.timeoutMs, TOTAL_TIMEOUT_MIN_MS),
      forwardTimeoutsToShorten: 1,
      forwardFullWaitIntervalMs: FULL_WAIT_INTERVAL_MS,
    })
    this.#pause = new Pause(timers)
    this.#standing = new ComparisonStanding(components)
  }

  start(): void {
    const { contents, membership } = this.#components
    contents.cover(membership.ownArc())
    this.#stopWatching = membership.onChange(() => {
      contents.cover(membership.ownArc())
      this.#backOff.forgetAll()
      this.#hurry()
    })
    this.#rounds = this.#run()
  }

  status(): ComparisonStatus {
    return this.#standing.status()
  }

  roundNow(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(this.#stop.signal.reason)
    this.#waiting ??= Promise.withResolvers<void>()
    this.#hurry()
    return this.#waiting.promise
  }

  async isSame(member: ServiceNodeKey, signal: AbortSignal): Promise<boolean | undefined> {
    const arc = this.#components.membership.ownArc()
    if (arc === undefined) return undefined
    const ends: Ends = new Map()
    const from = bucketOf(this.#components.clock.nowMs())
    await this.#total(arc, [member], ends, { from, signal: AbortSignal.any([signal, this.#stop.signal]) })
    const end = ends.get(member)
    return end === 'equal' ? true : end === 'differs' ? false : undefined
  }

  async converge(member: ServiceNodeKey, ended: AbortSignal): Promise<boolean> {
    const arc = this.#components.membership.ownArc()
    if (arc === undefined) return false
    const signal = AbortSignal.any([ended, this.#stop.signal])
    const backOff = new ContentsBackOff(this.#components.clock, this.#options)
    for (let turns = 0; turns < CONVERGING_TURNS_MAX && !signal.aborted; turns++) {
      const end = await this.#attempt(signal, async () => {
        const components = { ...this.#components, backOff }
        const result = await new ContentsTurn(components, this.#options, { member, arc, signal }).take()
        if (result.fetched > 0) return 'fetched'
        return result.isComplete ? 'equal' : 'fruitless'
      })
      if (end !== 'fetched') return end === 'equal'
    }
    return false
  }

  heard(member: ServiceNodeKey): void {
    if (this.#standing.endOf(member) !== 'silent') return
    this.#backOff.forget(member)
    this.#hurry()
  }

  onEqual(listener: () => void): () => void {
    return this.#standing.onEqual(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching()
    this.#stop.abort()
    await this.#rounds
    // Nobody may be waiting for it any more.
    this.#waiting?.promise.catch(() => {})
    this.#waiting?.reject(this.#stop.signal.reason)
  }

  #hurry(): void {
    this.#isUrgent = true
    this.#pause.end()
  }

  async #run(): Promise<void> {
    const { random, log } = this.#components
    const { signal } = this.#stop
    const { intervalMs } = this.#options
    await this.#pause.for(intervalMs * random(), signal)
    while (!signal.aborted) {
      this.#isUrgent = false
      const waiting = this.#waiting
      this.#waiting = undefined
      try {
        await this.#round()
      } catch (error) {
        if (!signal.aborted) log.warn({ error }, 'Comparing what members hold failed')
      }
      waiting?.resolve()
      await new Pause(this.#components.timers).for(PAUSE_MIN_MS, signal)
      if (!this.#isUrgent) await this.#pause.for(intervalMs * (0.75 + random() / 2), signal)
    }
  }

  async #round(): Promise<void> {
    const { membership, contents, isPaused } = this.#components
    const members = this.#others()
    const arc = membership.ownArc()
    const ends: Ends = new Map()
    if (isPaused?.() !== true && arc !== undefined && contents.sums() !== undefined) {
      await this.#total(arc, members, ends, this.#compared())
      for (const [member, end] of ends)
        if (this.#standing.endOf(member) === 'silent' && end !== 'silent') this.#backOff.forget(member)
      await this.#confirm(arc, ends)
      await this.#fetchAll(arc, ends)
    }
    this.#standing.conclude(members, ends)
    // What was fetched may have made both equal, which the next round finds out.
    if (membersThat(ends, 'fetched').length > 0) this.#isUrgent = true
  }

  #others(): readonly ServiceNodeKey[] {
    const { self, membership } = this.#components
    return membership.ownSwarm()?.members.filter((key) => key !== self) ?? []
  }

  #compared() {
    return { from: firstComparedBucket(this.#components.clock.nowMs()), signal: this.#stop.signal }
  }

  /** Asks members at once whether they hold the same from a bucket on. */
  async #total(
    arc: SwarmArc,
    members: readonly ServiceNodeKey[],
    ends: Ends,
    { from, signal }: { readonly from: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { contents, conduct, exchange, clock } = this.#components
    const sums = contents.sums()
    const sum = sums?.total(from)
    const endOf = async (member: ServiceNodeKey) => {
      if (conduct.ignores(member)) return 'ignored'
      if (sum === undefined) return 'not-ready'
      const startedAtMs = clock.monotonicMs()
      const timeoutMs = this.#patience.waitMs(member)
      const end = await this.#attempt(signal, async () => {
        const request = { kind: 'total', arc, from, sum } as const
        const answer = await exchange.ask(member, request, { timeoutMs, signal })
        if ('obstacle' in answer) return answer.obstacle
        return answer.same ? 'equal' : 'differs'
      })
      if (end !== 'silent') this.#patience.answered(member)
      else if (clock.monotonicMs() - startedAtMs >= timeoutMs) this.#patience.timedOut(member, startedAtMs)
      return end
    }
    await Promise.all(members.map(async (member) => ends.set(member, await endOf(member))))
  }

  /** Most differences are requests that have reached one of the two: those are gone a moment later. */
  async #confirm(arc: SwarmArc, ends: Ends): Promise<void> {
    const differing = membersThat(ends, 'differs')
    if (differing.length === 0) return
    await new Pause(this.#components.timers).for(this.#options.confirmAfterMs, this.#stop.signal)
    await this.#total(arc, differing, ends, this.#compared())
    if (membersThat(ends, 'differs').length > 0) this.#standing.differs()
  }

  /** One member after the other, so that what several have is fetched once. Those that brought nothing the last time come last. */
  async #fetchAll(arc: SwarmArc, ends: Ends): Promise<void> {
    const { random, clock } = this.#components
    const { signal } = this.#stop
    const ranked = membersThat(ends, 'differs')
      .filter((member) => this.#backOff.mayHaveTurn(member))
      .map((member) => ({
        member,
        rank: (UNPROMISING.has(this.#standing.endOf(member) ?? 'equal') ? 1 : 0) + random(),
      }))
    for (const { member } of ranked.sort((a, b) => a.rank - b.rank)) {
      const startedAtMs = clock.monotonicMs()
      const end = await this.#attempt(signal, async () => {
        const turn = new ContentsTurn({ ...this.#components, backOff: this.#backOff }, this.#options, {
          member,
          arc,
          signal,
        })
        const { differing, fetched } = await turn.take()
        // By its clock and ours together, nothing that is compared differs.
        if (differing === 0) return 'equal'
        return fetched > 0 ? 'fetched' : 'fruitless'
      })
      ends.set(member, end)
      if (UNPROMISING.has(end)) this.#backOff.hadTurnInVain(member, clock.monotonicMs() - startedAtMs)
    }
  }

  async #attempt(
    signal: AbortSignal,
    work: () => Promise<ComparisonEnd | 'differs'>,
  ): Promise<ComparisonEnd | 'differs'> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ContentsObstacleError) return error.obstacle
      if (error instanceof PeerRequestError) return error.code === 'PEER_FAILED' ? 'failed' : 'silent'
      if (error instanceof ProtocolError) return 'failed'
      if (signal.aborted) return 'silent'
      throw error
    }
  }
}

const UNPROMISING: ReadonlySet<ComparisonEnd | 'differs'> = new Set(['fruitless', 'failed', 'silent'])
