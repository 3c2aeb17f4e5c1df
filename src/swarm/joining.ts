import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import { ArcSet } from './arc-set.ts'
import { JoinCheck, type JoinCheckComponents } from './join-check.ts'
import type { JoinMetrics } from './join-metrics.ts'
import {
  completeShare,
  isFetched,
  isUntouched,
  type JoinRange,
  type JoinState,
  NOTHING_JOINED,
  planned,
  withComplete,
  withFetchedComplete,
  withRange,
} from './join-plan.ts'
import { JoinPull, type JoinPullComponents } from './join-pull.ts'
import { decodeJoinState, encodeJoinState } from './join-state-codec.ts'
import type { SwarmHolders } from './membership.ts'
import type { JoiningOptions } from './options.ts'
import { Pause } from './pause.ts'

/** Small facts that survive a restart. */
export interface Marks {
  read(name: string): Promise<Uint8Array | undefined>
  write(name: string, value: Uint8Array | undefined): Promise<void>
}

export interface JoiningComponents
  extends Pick<JoinPullComponents, 'exchange' | 'intake' | 'conduct'>,
    Pick<JoinCheckComponents, 'comparison'> {
  readonly self: ServiceNodeKey
  readonly membership: JoiningMembership
  readonly marks: Marks
  readonly clock: Clock
  readonly timers?: Timers
  readonly random: () => number
  readonly log: Logger
  readonly metrics: JoinMetrics
}

export interface JoiningMembership {
  ownArc(): SwarmArc | undefined
  ownSwarm(): Swarm | undefined
  servedArcs(): readonly SwarmArc[]
  isMember(key: ServiceNodeKey): boolean
  holders(): { readonly before: readonly SwarmHolders[] }
  onChange(listener: () => void): () => void
}

/**
 * Fetches the accounts that are new to this node: all when it is new or lost its disk, some when its arc of the ring grew. Everything of them is
 * asked of those who held them before, page by page, different ranges of different members; then it is compared with other members of the swarm, so that
 * nobody has to believe one source alone.
 */
export interface Joining extends AsyncDisposable {
  /**
   * Whether clients can be told what this node has of an account as all that there is. When nobody could be asked for long, it goes on with what it has:
   * it may be all that is left.
   */
  isComplete(account: AccountId): boolean
  /** Nothing is complete yet, and not even fetched. */
  isFetching(): boolean
  status(): JoiningStatus
}

export interface JoiningStatus {
  /** The part of the accounts of this node that it has fetched, 0..1. */
  readonly share: number
  /** Nothing of them is complete yet. */
  readonly isEmpty: boolean
  /** It answers for what it has although something is missing. */
  readonly isLenient: boolean
}

const MARK = 'joining'

export async function createJoining(components: JoiningComponents, options: JoiningOptions): Promise<Joining> {
  const saved = await components.marks.read(MARK)
  return new SwarmJoining(components, options, (saved && decodeJoinState(saved)) ?? NOTHING_JOINED)
}

class SwarmJoining implements Joining {
  readonly #components: JoiningComponents
  readonly #options: JoiningOptions
  readonly #pull: JoinPull
  readonly #check: JoinCheck
  readonly #pause: Pause
  readonly #stop = new AbortController()
  readonly #stopWatching: () => void
  readonly #running: Promise<void>
  #state: JoinState
  #own = ArcSet.empty
  #progressAtMs: DurationMs
  #startedAtMs: DurationMs
  #isLenient = false
  #saving: Promise<void> | undefined
  #hasUnsaved = false

  constructor(components: JoiningComponents, options: JoiningOptions, state: JoinState) {
    const { clock, membership, timers = systemTimers } = components
    this.#components = components
    this.#options = options
    this.#state = state
    this.#progressAtMs = clock.monotonicMs()
    this.#startedAtMs = this.#progressAtMs
    this.#pause = new Pause(timers)
    const job = {
      pieces: () => this.#state.pieces,
      members: () => this.#others(),
      advance: (arc: SwarmArc, range: JoinRange) => this.#advance(arc, range),
    }
    this.#pull = new JoinPull({ ...components, timers, job }, options)
    this.#check = new JoinCheck({ ...components, members: job.members }, options)
    this.#plan()
    this.#stopWatching = membership.onChange(() => {
      this.#plan()
      this.#pause.end()
    })
    this.#running = this.#run()
  }

  isComplete(account: AccountId): boolean {
    return this.#state.complete.has(swarmSpaceOf(account)) || this.#lenient()
  }

  status(): JoiningStatus {
    return {
      share: completeShare(this.#state, this.#own),
      isEmpty: this.#isEmpty(),
      isLenient: this.#state.pieces.length > 0 && this.#lenient(),
    }
  }

  isFetching(): boolean {
    return this.#isEmpty() && !this.#state.pieces.every(isFetched)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching()
    this.#stop.abort()
    await this.#running
    await this.#saving
  }

  async #run(): Promise<void> {
    const { log } = this.#components
    const { signal } = this.#stop
    let failures = 0
    while (!signal.aborted) {
      const isDone = await this.#joinSome(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error }, 'Accounts that are new to this node cannot be fetched')
        return false
      })
      failures = isDone ? 0 : failures + 1
      await this.#pause.for(isDone ? this.#options.retryMaxMs : this.#waitMs(failures), signal)
    }
  }

  /** Whether nothing is missing any more. */
  async #joinSome(signal: AbortSignal): Promise<boolean> {
    if (this.#state.pieces.length === 0) return true
    const own = this.#own
    if (!this.#hasSources()) return this.#finish(withComplete(this.#state, own))
    if (this.#state.pieces.every(isUntouched) && (await this.#check.isSame(this.#state.pieces, signal))) {
      return this.#finish(withComplete(this.#state, own))
    }
    await this.#pull.run(signal)
    if (this.#own !== own || !this.#state.pieces.some(isFetched)) return false
    if (!(await this.#check.passes(signal)) || this.#own !== own) return false
    return this.#finish(withFetchedComplete(this.#state))
  }

  #isEmpty(): boolean {
    return !this.#own.isEmpty && this.#own.within(this.#state.complete).isEmpty
  }

  #finish(state: JoinState): boolean {
    const { log, metrics, clock } = this.#components
    this.#progressed()
    this.#set(state)
    if (state.pieces.length > 0) return false
    metrics.joins.inc()
    metrics.duration.observe((clock.monotonicMs() - this.#startedAtMs) / SECOND)
    log.info({}, 'All that other members have of the accounts of this node is here')
    return true
  }

  #advance(arc: SwarmArc, range: JoinRange): void {
    this.#progressed()
    this.#set(withRange(this.#state, arc, range))
  }

  #plan(): void {
    const { membership, clock, self } = this.#components
    const own = ArcSet.of(membership.ownArc())
    const hadNothingToDo = this.#state.pieces.length === 0
    const circumstances = {
      own,
      served: ArcSet.of(...membership.servedArcs()),
      holdersBefore: membership.holders().before,
      members: membership.ownSwarm()?.members ?? [],
      self,
    }
    if (!this.#own.equals(own)) this.#own = own
    this.#set(planned(this.#state, circumstances, this.#options.ranges))
    if (!hadNothingToDo || this.#state.pieces.length === 0) return
    this.#progressed()
    this.#startedAtMs = clock.monotonicMs()
  }

  #set(state: JoinState): void {
    this.#state = state
    if (state.pieces.length === 0) this.#isLenient = false
    this.#components.metrics.share.set(completeShare(state, this.#own))
    this.#save()
  }

  /** The newest state is written; those that came while the one before was being written are not. */
  #save(): void {
    this.#hasUnsaved = true
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined
    })
  }

  async #saveAll(): Promise<void> {
    const { marks, log } = this.#components
    while (this.#hasUnsaved) {
      this.#hasUnsaved = false
      // What is not saved is fetched again after a restart.
      await marks.write(MARK, encodeJoinState(this.#state)).catch((error: unknown) => {
        log.debug({ error }, 'How far a join has come cannot be saved')
      })
    }
  }

  #progressed(): void {
    this.#progressAtMs = this.#components.clock.monotonicMs()
  }

  /** Stays so until nothing is missing: clients should not be told one thing now and another then. */
  #lenient(): boolean {
    const { clock } = this.#components
    if (this.#state.pieces.length === 0) return false
    if (clock.monotonicMs() - this.#progressAtMs >= this.#options.patienceMs) this.#isLenient = true
    return this.#isLenient
  }

  /** Without anybody who might have more, what is here is all. */
  #hasSources(): boolean {
    const { isMember } = this.#components.membership
    return this.#others().length > 0 || this.#state.pieces.some(({ sources }) => sources.some(isMember))
  }

  #others(): readonly ServiceNodeKey[] {
    const { membership, self } = this.#components
    return (membership.ownSwarm()?.members ?? []).filter((key) => key !== self)
  }

  #waitMs(failures: number): DurationMs {
    const { retryMinMs, retryMaxMs } = this.#options
    const longest = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(20, failures - 1))
    return Math.min(longest, this.#pull.waitMs() ?? longest)
  }
}
