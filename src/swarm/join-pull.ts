import type { Clock, DurationMs } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'
import type { Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ContentsCursor, ContentsEntry, HeldItem } from '../protocol/contents.ts'
import { heldAccountOf, heldEntryOf } from '../protocol/contents-entry.ts'
import type { ContentsRequest } from '../protocol/peer-api/contents-exchange.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsIntake } from './contents-intake.ts'
import type { ContentsRequester } from './contents-requester.ts'
import type { JoinMetrics } from './join-metrics.ts'
import { isFetched, isSameArc, type JoinPiece, type JoinRange, rangeTest } from './join-plan.ts'
import { JoinSources } from './join-sources.ts'
import type { JoiningOptions } from './options.ts'
import { Pause } from './pause.ts'

export interface JoinPullComponents {
  readonly exchange: ContentsRequester
  readonly intake: ContentsIntake
  readonly conduct: Pick<ContentsConduct, 'ignores' | 'wrong'>
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Logger
  readonly metrics: JoinMetrics
  readonly job: JoinJob
}

/** What is to be fetched, as it changes on the way. */
export interface JoinJob {
  pieces(): readonly JoinPiece[]
  /** The other members of our swarm. */
  members(): readonly ServiceNodeKey[]
  advance(arc: SwarmArc, range: JoinRange): void
}

interface Errand {
  readonly arc: SwarmArc
  readonly range: JoinRange
  readonly source: ServiceNodeKey
}

type PageQuery = Pick<Extract<ContentsRequest, { kind: 'page' }>, 'arc' | 'first' | 'last' | 'after'>

/** A source that gives more of one account than any account may hold repeats itself. */
const ACCOUNT_ITEMS_MAX = 200_000
/** With waits that double from a quarter of a second, eight seconds. */
const TAKING_TRIES_MAX = 6

/**
 * Fetches ranges of accounts page by page: each from one source, several at once, the next page when the one before is on the disk. A range whose source fails
 * is gone on with at another. One whose source turns out to break the rules begins anew: it may have left things out.
 */
export class JoinPull {
  readonly #components: JoinPullComponents
  readonly #options: JoiningOptions
  readonly #sources: JoinSources
  readonly #pause: Pause
  readonly #underWay = new Set<string>()
  readonly #idling = new Set<Pause>()
  #turn = 0

  constructor(components: JoinPullComponents, options: JoiningOptions) {
    this.#components = components
    this.#options = options
    this.#sources = new JoinSources(components.clock, options)
    this.#pause = new Pause(components.timers)
  }

  /** Settles when all is fetched, or nobody can be asked for the rest just now. */
  async run(signal: AbortSignal): Promise<void> {
    const worker = async () => {
      while (!signal.aborted) {
        const errand = this.#next()
        if (errand !== undefined) await this.#run(errand, signal)
        else if (this.#underWay.size > 0) await this.#idle(signal)
        else return
      }
    }
    await Promise.all(Array.from({ length: this.#options.inFlightMax }, worker))
  }

  /** Until a source that failed may be asked again. */
  waitMs(): DurationMs | undefined {
    return this.#sources.waitMs()
  }

  /** Sources that were away may be back while others are still asked. */
  async #idle(signal: AbortSignal): Promise<void> {
    const pause = new Pause(this.#components.timers)
    this.#idling.add(pause)
    await pause.for(this.#sources.waitMs() ?? this.#options.retryMaxMs, signal)
    this.#idling.delete(pause)
  }

  #next(): Errand | undefined {
    for (const piece of this.#components.job.pieces()) {
      if (isFetched(piece)) continue
      const range = piece.ranges.find(({ done, first }) => !done && !this.#underWay.has(nameOf(piece.arc, first)))
      if (range === undefined) continue
      const source = this.#sourceOf(piece)
      if (source !== undefined) return { arc: piece.arc, range, source }
    }
    return undefined
  }

  /** Who held all of the piece before; when none of them can be asked, the others of our swarm, with what they have. */
  #sourceOf({ sources }: JoinPiece): ServiceNodeKey | undefined {
    const { conduct, job } = this.#components
    const turn = this.#turn++
    const mayBeAsked = (member: ServiceNodeKey) => !conduct.ignores(member)
    const holders = this.#sources.take(sources.filter(mayBeAsked), turn)
    if (holders !== undefined) return holders === 'busy' ? undefined : holders
    const others = job.members().filter((member) => !sources.includes(member) && mayBeAsked(member))
    const taken = this.#sources.take(others, turn)
    return taken === 'busy' ? undefined : taken
  }

  async #run({ arc, range, source }: Errand, signal: AbortSignal): Promise<void> {
    const name = nameOf(arc, range.first)
    this.#underWay.add(name)
    let end: 'answered' | 'failed' = 'failed'
    try {
      end = await this.#fetch({ arc, range, source }, signal)
    } catch (error) {
      if (!signal.aborted) this.#report(error)
    } finally {
      this.#sources.giveBack(source, end)
      this.#underWay.delete(name)
      for (const pause of this.#idling) pause.end()
    }
  }

  async #fetch(
    { arc, range: { first, last, after }, source }: Errand,
    signal: AbortSignal,
  ): Promise<'answered' | 'failed'> {
    const { exchange, conduct, metrics, job } = this.#components
    let cursor = after
    let ofAccount = 0
    const askFor = (behind: ContentsCursor | undefined) =>
      exchange.ask(
        source,
        { kind: 'page', arc, first, last, after: behind },
        { timeoutMs: this.#options.timeoutMs, signal },
      )
    let asked = askFor(cursor)
    asked.catch(() => {})
    while (this.#isWanted(arc) && !signal.aborted) {
      const answer = await asked
      if ('obstacle' in answer) {
        metrics.pages.inc({ outcome: 'failed' })
        return 'failed'
      }
      const { items, more } = answer
      const end = cursorBehind(items)
      ofAccount = end !== undefined && end.account === cursor?.account ? ofAccount + items.length : 0
      const isRight =
        isPage(items, { arc, first, last, after: cursor }) &&
        (end !== undefined || !more) &&
        ofAccount <= ACCOUNT_ITEMS_MAX
      if (isRight && more) {
        // The next page is on its way while this one is written. Should that fail, nobody waits for it.
        asked = askFor(end)
        asked.catch(() => {})
      }
      if (isRight) await this.#take(source, items, signal)
      else conduct.wrong(source, 'unasked')
      if (!isRight || conduct.ignores(source)) {
        metrics.pages.inc({ outcome: 'refused' })
        job.advance(arc, { first, last, after: undefined, done: false })
        return 'failed'
      }
      metrics.pages.inc({ outcome: 'taken' })
      metrics.items.add(items.length)
      cursor = end ?? cursor
      job.advance(arc, { first, last, after: cursor, done: !more })
      if (!more) break
    }
    return 'answered'
  }

  /**
   * What cannot be taken now is tried again while the source waits: as long as this node has too much to do, else a few times. A source
   * must not hold a range for ever with what never can be taken; should it be true after all, it comes when members are compared.
   */
  async #take(source: ServiceNodeKey, items: readonly HeldItem[], signal: AbortSignal): Promise<void> {
    let rest = items
    let waitMs = this.#options.retryMinMs
    for (let tries = 0; tries < TAKING_TRIES_MAX; ) {
      const left = await this.#takeOnce(source, rest)
      if (left !== 'busy') {
        if (left.length === 0) return
        rest = left
        tries++
      }
      await this.#pause.for(waitMs, signal)
      signal.throwIfAborted()
      waitMs = Math.min(this.#options.retryMaxMs, waitMs * 2)
    }
  }

  /** What is left. */
  async #takeOnce(source: ServiceNodeKey, items: readonly HeldItem[]): Promise<readonly HeldItem[] | 'busy'> {
    try {
      const outcomes = await this.#components.intake.take(source, items)
      return items.filter((_, index) => outcomes[index] === 'later')
    } catch (error) {
      if (error instanceof CodedError && error.code === 'BUSY') return 'busy'
      throw error
    }
  }

  #isWanted(arc: SwarmArc): boolean {
    return this.#components.job.pieces().some((piece) => isSameArc(piece.arc, arc))
  }

  #report(error: unknown): void {
    const { metrics, log } = this.#components
    metrics.pages.inc({ outcome: 'failed' })
    if (!(error instanceof CodedError)) log.warn({ error }, 'Fetching accounts failed at this node')
  }
}

function nameOf({ first, last }: SwarmArc, byte: number): string {
  return `${first} ${last} ${byte}`
}

/** Whether a page has only what was asked for, accounts in order. */
function isPage(items: readonly HeldItem[], { arc, first, last, after }: PageQuery): boolean {
  const isAsked = rangeTest(arc, { first, last })
  let before = after?.account
  let right: AccountId | undefined
  for (const item of items) {
    const account = heldAccountOf(item)
    // The things of an account come together.
    if (account === right) continue
    if (!isAsked(account) || (before !== undefined && account < before)) return false
    before = account
    right = account
  }
  return true
}

function cursorBehind(items: readonly HeldItem[]): ContentsEntry | undefined {
  const last = items.at(-1)
  return last === undefined ? undefined : heldEntryOf(last)
}
