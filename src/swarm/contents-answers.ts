import { bytesEqual } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CONTENTS_EXCHANGE_MAX_BYTES, type ContentsEntry, type HeldItem } from '../protocol/contents.ts'
import { thingOf } from '../protocol/contents-entry.ts'
import type {
  ContentsAnswer,
  ContentsObstacle,
  ContentsRequest,
  GiveOutcome,
} from '../protocol/peer-api/contents-exchange.ts'
import { heldItemSize } from '../protocol/peer-api/contents-item.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'
import { ArcSet } from './arc-set.ts'
import { differingBuckets, firstComparedBucket } from './contents-buckets.ts'
import type { ContentsIntake, IntakeOutcome } from './contents-intake.ts'
import type { ContentsMetrics } from './contents-metrics.ts'
import type { Contents } from './contents-store.ts'
import type { ComparingOptions } from './options.ts'

export interface ContentsAnswersComponents {
  readonly contents: Pick<Contents, 'sums' | 'list' | 'lacking' | 'read' | 'page'>
  readonly intake: ContentsIntake
  readonly membership: ContentsMembership
  /** Whether this node may still hold accounts here that it no longer serves: until their swarm has them. */
  readonly mayHold?: (arc: SwarmArc) => boolean
  /** Whether this node still fetches most of what it serves: then it differs from everybody, which nobody needs to look into. */
  readonly isFetching?: () => boolean
  readonly clock: Clock
  readonly metrics: ContentsMetrics
}

export interface ContentsMembership {
  ownArc(): SwarmArc | undefined
  servedArcs(): readonly SwarmArc[]
  arcsServedBy(key: ServiceNodeKey): readonly SwarmArc[]
  arcsLatelyServedBy(key: ServiceNodeKey): readonly SwarmArc[]
}

/** What an answer has beside its items. */
const ANSWER_HEAD_BYTES = 16

const GIVE_OUTCOMES = {
  new: 'taken',
  changed: 'taken',
  known: 'taken',
  obsolete: 'taken',
  done: 'taken',
  full: 'full',
  refused: 'refused',
  later: 'later',
} as const satisfies Record<IntakeOutcome, GiveOutcome>

export type AnyContentsAnswer = ContentsAnswer<ContentsRequest['kind']>

/** What is answered to whom. */
export class ContentsAnswers {
  readonly #components: ContentsAnswersComponents
  readonly #options: Pick<ComparingOptions, 'listCountMax' | 'itemsMaxBytes'>

  constructor(
    components: ContentsAnswersComponents,
    options: Pick<ComparingOptions, 'listCountMax' | 'itemsMaxBytes'>,
  ) {
    this.#components = components
    this.#options = options
  }

  /** `looked` is told of each look at a page's worth of records. */
  async of(
    from: ServiceNodeKey,
    request: ContentsRequest,
    turn: { readonly signal: AbortSignal; readonly looked: () => void },
  ): Promise<AnyContentsAnswer> {
    switch (request.kind) {
      case 'total':
      case 'buckets':
        return this.#compare(from, request)
      case 'list': {
        if (!this.#shares(from, request.arc)) return OTHER_ARC
        const { listCountMax: countMax } = this.#options
        return this.#components.contents.list({ ...request, countMax })
      }
      case 'page':
        return this.#page(from, request, turn)
      case 'read':
        return this.#read(from, request.entries)
      case 'offer':
        return this.#wanted(request.entries)
      case 'give':
        return this.#take(from, request.items)
    }
  }

  #compare(from: ServiceNodeKey, request: Extract<ContentsRequest, { kind: 'total' | 'buckets' }>): AnyContentsAnswer {
    const { contents, membership, clock, isFetching } = this.#components
    const own = membership.ownArc()
    const isSame = own?.first === request.arc.first && own.last === request.arc.last
    if (!isSame || !this.#shares(from, request.arc)) return OTHER_ARC
    const sums = contents.sums()
    if (sums === undefined) return NOT_READY
    const isSameSum = request.kind === 'total' && bytesEqual(sums.total(request.from), request.sum)
    if (!isSameSum && isFetching?.() === true) return NOT_READY
    if (request.kind === 'total') return { same: isSameSum }
    return { differing: differingBuckets(sums, laterFrom(request.from, clock), request.sums) }
  }

  async #page(
    from: ServiceNodeKey,
    request: Extract<ContentsRequest, { kind: 'page' }>,
    { signal, looked }: { readonly signal: AbortSignal; readonly looked: () => void },
  ): Promise<ContentsAnswer<'page'>> {
    const { contents, membership, mayHold } = this.#components
    const isOurs = ArcSet.of(request.arc).without(ArcSet.of(...membership.servedArcs())).isEmpty
    if (!isOurs && mayHold?.(request.arc) !== true) return OTHER_ARC
    if (!this.#shares(from, request.arc)) return OTHER_ARC
    const sizeMax = Math.min(this.#options.itemsMaxBytes, ITEMS_MAX_BYTES)
    let after = request.after
    for (;;) {
      signal.throwIfAborted()
      looked()
      const { items, next } = await contents.page({ ...request, after, sizeMax })
      // The answer has no place for a cursor but its last item.
      if (items.length === 0 && next !== undefined) after = next
      else return { ...this.#given(items), more: next !== undefined || fittingItems(items).length < items.length }
    }
  }

  async #read(from: ServiceNodeKey, entries: readonly ContentsEntry[]): Promise<ContentsAnswer<'read'>> {
    this.#requireShared(
      from,
      entries.map(({ account }) => swarmSpaceOf(account)),
    )
    return this.#given(await this.#components.contents.read(entries, ITEMS_MAX_BYTES))
  }

  /** Members may have served the accounts long ago. What is not ours yet, as far as we know, is not said to be here. */
  async #wanted(entries: readonly ContentsEntry[]): Promise<ContentsAnswer<'offer'>> {
    const served = ArcSet.of(...this.#components.membership.servedArcs())
    const isOurs = ({ account }: ContentsEntry) => served.has(swarmSpaceOf(account))
    const lacking = new Set((await this.#components.contents.lacking(entries.filter(isOurs))).map(thingOf))
    return { wanted: entries.map((entry) => !isOurs(entry) || lacking.has(thingOf(entry))) }
  }

  /** What is not ours, or never was the asker's, may be so only in an epoch that one of us has not heard of. */
  async #take(from: ServiceNodeKey, items: readonly HeldItem[]): Promise<ContentsAnswer<'give'>> {
    const { membership } = this.#components
    const shared = ArcSet.of(...membership.arcsLatelyServedBy(from)).within(ArcSet.of(...membership.servedArcs()))
    const isTaken = (item: HeldItem) => {
      const account = item.kind === 'message' ? item.message.account : item.account
      return shared.has(swarmSpaceOf(account))
    }
    const taken = items.filter(isTaken)
    const outcomes = await this.#components.intake.take(from, taken)
    const byItem = new Map(taken.map((item, index) => [item, outcomes[index] ?? 'later']))
    return { outcomes: items.map((item) => GIVE_OUTCOMES[byItem.get(item) ?? 'later']) }
  }

  #given(items: readonly HeldItem[]): { readonly items: readonly HeldItem[] } {
    const fitting = fittingItems(items)
    const messages = fitting.reduce((count, { kind }) => count + (kind === 'message' ? 1 : 0), 0)
    this.#components.metrics.items.add(messages, { kind: 'message', way: 'given' })
    this.#components.metrics.items.add(fitting.length - messages, { kind: 'request', way: 'given' })
    return { items: fitting }
  }

  /** Whether the asker is a member of the swarm of all these accounts. */
  #shares(from: ServiceNodeKey, arc: SwarmArc): boolean {
    return ArcSet.of(arc).without(ArcSet.of(...this.#components.membership.arcsServedBy(from))).isEmpty
  }

  #requireShared(from: ServiceNodeKey, spaces: readonly bigint[]): void {
    const shared = ArcSet.of(...this.#components.membership.arcsServedBy(from))
    if (spaces.every((space) => shared.has(space))) return
    throw new PeerRequestError('PEER_FAILED', 'This member asks about accounts of another swarm')
  }
}

const OTHER_ARC: { readonly obstacle: ContentsObstacle } = { obstacle: 'other-arc' }
const NOT_READY: { readonly obstacle: ContentsObstacle } = { obstacle: 'not-ready' }
const ITEMS_MAX_BYTES = CONTENTS_EXCHANGE_MAX_BYTES - ANSWER_HEAD_BYTES

/** What ends soon by our clock is gone here, and what ends soon by the asker's is gone there. */
function laterFrom(from: number, clock: Clock): number {
  return Math.max(from, firstComparedBucket(clock.nowMs()))
}

/** As many as an answer has room for, in order. */
function fittingItems(items: readonly HeldItem[]): readonly HeldItem[] {
  let size = 0
  const end = items.findIndex((item) => {
    size += heldItemSize(item)
    return size > ITEMS_MAX_BYTES
  })
  return end === -1 ? items : items.slice(0, end)
}
