import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ContentsCursor, HeldItem } from '../protocol/contents.ts'
import { heldAccountOf } from '../protocol/contents-entry.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { ArcSet } from './arc-set.ts'
import type { Contents } from './contents-store.ts'
import type { HandOverMetrics } from './hand-over-metrics.ts'
import { HandOverOffer, type HandOverOfferComponents } from './hand-over-offer.ts'
import type { HandOverOptions } from './options.ts'
import { Pause } from './pause.ts'

export interface HandOverComponents extends Pick<HandOverOfferComponents, 'exchange'> {
  readonly self: ServiceNodeKey
  readonly contents: Pick<Contents, 'page' | 'outside' | 'drop'>
  readonly membership: HandOverMembership
  /** Whether this node has more to do than it can. */
  readonly isOverloaded: () => boolean
  readonly clock: Clock
  readonly timers?: Timers
  readonly log: Logger
  readonly metrics: HandOverMetrics
}

export interface HandOverMembership {
  ownArc(): SwarmArc | undefined
  servedArcs(): readonly SwarmArc[]
  swarmOf(account: AccountId): Swarm | undefined
  serves(account: AccountId): boolean
  isMember(key: ServiceNodeKey): boolean
  onChange(listener: () => void): () => void
}

/**
 * Hands accounts that this node no longer serves to those that do, and forgets an account when more than half of its swarm has everything of it. What nobody
 * takes stays until it expires. After a restart it goes on by itself, since it looks at what is there.
 */
export interface HandOver extends AsyncDisposable {
  /** Whether accounts of this part of the ring may still be here although this node does not serve them. */
  mayHold(arc: SwarmArc): boolean
  /** Whether anything at all may be here that this node does not serve. */
  isUnfinished(): boolean
  /** Looks at once what there is to hand over, and settles when it has been offered. */
  runNow(): Promise<void>
}

/** Half of what fits a request, so that what is given fits one. */
const PAGE_BYTES = 512 * 1024
const ACCOUNTS_LISTED = 256
/** Accounts that are remembered to be unconfirmed; with more of them, those that have nothing to give are dropped another time. */
const UNCONFIRMED_MAX = 20_000

export function createHandOver(components: HandOverComponents, options: HandOverOptions): HandOver {
  return new SwarmHandOver(components, options)
}

class SwarmHandOver implements HandOver {
  readonly #components: HandOverComponents
  readonly #options: HandOverOptions
  readonly #offer: HandOverOffer
  readonly #pause: Pause
  readonly #pace: Pause
  readonly #stop = new AbortController()
  readonly #stopWatching: () => void
  readonly #running: Promise<void>
  #served: ArcSet
  #kept: ArcSet
  /** After a start, nobody knows what is left of before. */
  #mayHoldMore = true
  #turn = 0
  #waiting: PromiseWithResolvers<void>[] = []

  constructor(components: HandOverComponents, options: HandOverOptions) {
    const { membership, timers = systemTimers } = components
    this.#components = components
    this.#options = options
    this.#offer = new HandOverOffer(components, options)
    this.#pause = new Pause(timers)
    this.#pace = new Pause(timers)
    this.#served = ArcSet.of(...membership.servedArcs())
    this.#kept = ArcSet.of(...this.#keptArcs())
    this.#stopWatching = membership.onChange(() => this.#changed())
    this.#running = this.#run()
  }

  mayHold(arc: SwarmArc): boolean {
    return this.#mayHoldMore && !ArcSet.of(arc).without(this.#served).isEmpty
  }

  isUnfinished(): boolean {
    return this.#mayHoldMore
  }

  runNow(): Promise<void> {
    const waiting = Promise.withResolvers<void>()
    this.#waiting.push(waiting)
    this.#pause.end()
    return waiting.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching()
    this.#stop.abort()
    await this.#running
    for (const waiting of this.#waiting) waiting.resolve()
  }

  #changed(): void {
    const kept = ArcSet.of(...this.#keptArcs())
    if (!this.#kept.without(kept).isEmpty) this.#mayHoldMore = true
    this.#kept = kept
    this.#served = ArcSet.of(...this.#components.membership.servedArcs())
    // The walk under way goes by what was true before.
    this.#turn++
    this.#pause.end()
  }

  async #run(): Promise<void> {
    const { log } = this.#components
    const { signal } = this.#stop
    let walks = 0
    while (!signal.aborted) {
      const waiting = this.#waiting.splice(0)
      const turn = this.#turn
      await this.#walk(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error }, 'Accounts of other swarms cannot be handed over')
      })
      for (const { resolve } of waiting) resolve()
      walks = turn === this.#turn ? walks + 1 : 0
      if (turn === this.#turn && this.#waiting.length === 0) await this.#pause.for(this.#waitMs(walks), signal)
    }
  }

  /** Who could not be reached, or was behind, may soon be ready. */
  #waitMs(walks: number): DurationMs {
    const { retryMinMs, intervalMs } = this.#options
    return this.#mayHoldMore ? Math.min(intervalMs, retryMinMs * 2 ** Math.min(20, walks - 1)) : intervalMs
  }

  async #walk(signal: AbortSignal): Promise<void> {
    const { contents, membership, self, metrics } = this.#components
    // While a node does not know who serves what, it keeps everything. Nobody talks to one that has left.
    if (!this.#mayHoldMore || !membership.isMember(self)) return
    const kept = this.#keptArcs()
    const [any] = await contents.outside(kept, undefined, 1)
    if (any === undefined) {
      metrics.left.set(0)
      // In the overlap after it left its swarm, a node serves what it offers, and has not dropped it.
      if (this.#served.equals(this.#kept)) this.#mayHoldMore = false
      return
    }
    const walk: Walk = { turn: this.#turn, unconfirmed: new Set(), signal }
    this.#offer.begin()
    for (const arc of outsideOf(kept)) await this.#offerArc(arc, walk)
    await this.#dropEmpty(kept, walk)
    metrics.left.set(walk.unconfirmed.size)
    if (walk.unconfirmed.size === 0 && this.#isCurrent(walk)) this.#mayHoldMore = false
  }

  /** What a node still serves in the overlap after a change stays, unless it has no other time left to talk to anybody. */
  #keptArcs(): readonly SwarmArc[] {
    const { membership } = this.#components
    return membership.ownArc() === undefined ? [] : membership.servedArcs()
  }

  async #offerArc(arc: SwarmArc, walk: Walk): Promise<void> {
    let after: ContentsCursor | undefined
    /** The account that the next page may go on with. */
    let open: { readonly account: AccountId; readonly isConfirmed: boolean } | undefined
    do {
      await this.#waitWhileOverloaded(walk)
      if (!this.#isCurrent(walk)) return
      const startedAtMs = this.#components.clock.monotonicMs()
      const query = { arc, first: 0, last: 255, after, sizeMax: PAGE_BYTES }
      const { items, next } = await this.#components.contents.page(query)
      const { confirmed, givenBytes } = await this.#offer.offer(items, walk.signal)
      const accounts = byAccount(items, confirmed)
      if (open !== undefined) {
        const known = accounts.get(open.account)
        if (known !== undefined || items.length === 0) accounts.set(open.account, (known ?? true) && open.isConfirmed)
        else await this.#conclude(open.account, open.isConfirmed, walk)
      }
      const last = next === undefined ? undefined : [...accounts.keys()].at(-1)
      for (const [account, isConfirmed] of accounts) {
        if (account !== last) await this.#conclude(account, isConfirmed, walk)
      }
      open = last === undefined ? undefined : { account: last, isConfirmed: accounts.get(last) ?? false }
      after = next
      await this.#waitPace(givenBytes, startedAtMs, walk)
    } while (after !== undefined)
  }

  /** Everything of an account has been offered. */
  async #conclude(account: AccountId, isConfirmed: boolean, walk: Walk): Promise<void> {
    const { metrics } = this.#components
    const isDropped = isConfirmed && (await this.#drop(account, walk))
    metrics.accounts.inc({ outcome: isDropped ? 'dropped' : 'unconfirmed' })
    if (!isDropped) walk.unconfirmed.add(account)
  }

  /** Accounts of which only traces are left, such as what was deleted: nobody needs them here. */
  async #dropEmpty(kept: readonly SwarmArc[], walk: Walk): Promise<void> {
    if (walk.unconfirmed.size > UNCONFIRMED_MAX) return
    let after: AccountId | undefined
    do {
      if (!this.#isCurrent(walk)) return
      const accounts = await this.#components.contents.outside(kept, after, ACCOUNTS_LISTED)
      for (const account of accounts) if (!walk.unconfirmed.has(account)) await this.#drop(account, walk)
      after = accounts.length < ACCOUNTS_LISTED ? undefined : accounts.at(-1)
    } while (after !== undefined)
  }

  async #drop(account: AccountId, walk: Walk): Promise<boolean> {
    const { contents, membership } = this.#components
    if (!this.#isCurrent(walk) || membership.serves(account)) return false
    await contents.drop(account)
    return true
  }

  #isCurrent({ turn, signal }: Walk): boolean {
    return turn === this.#turn && !signal.aborted
  }

  async #waitWhileOverloaded({ signal }: Walk): Promise<void> {
    while (this.#components.isOverloaded() && !signal.aborted) await this.#pace.for(this.#options.loadPauseMs, signal)
  }

  async #waitPace(bytes: number, startedAtMs: DurationMs, { signal }: Walk): Promise<void> {
    const fullMs = (bytes / this.#options.bytesPerSecondMax) * SECOND
    const waitMs = fullMs - (this.#components.clock.monotonicMs() - startedAtMs)
    if (waitMs > 0) await this.#pace.for(waitMs, signal)
  }
}

/** One look at everything that is here and not ours. */
interface Walk {
  /** Of the swarms' changes. */
  readonly turn: number
  readonly unconfirmed: Set<AccountId>
  readonly signal: AbortSignal
}

/** Whether all of an account's items were confirmed, in the order of the accounts. */
function byAccount(items: readonly HeldItem[], confirmed: readonly boolean[]): Map<AccountId, boolean> {
  const accounts = new Map<AccountId, boolean>()
  for (const [index, item] of items.entries()) {
    const account = heldAccountOf(item)
    accounts.set(account, (accounts.get(account) ?? true) && confirmed[index] === true)
  }
  return accounts
}

/** The rest of the ring; what goes through 0 is one arc, so that it is walked once. */
function outsideOf(arcs: readonly SwarmArc[]): readonly SwarmArc[] {
  const outside = ArcSet.of(...arcs).rest().arcs
  const [first, last] = [outside[0], outside.at(-1)]
  const goesThrough = outside.length > 1 && first?.first === 0n && last?.last === LAST_POINT
  if (!goesThrough || first === undefined || last === undefined) return outside
  return [{ first: last.first, last: first.last }, ...outside.slice(1, -1)]
}

const LAST_POINT = (1n << 64n) - 1n
