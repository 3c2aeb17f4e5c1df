import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'
import type { AccountId } from '../protocol/account.ts'
import type { HeldItem } from '../protocol/contents.ts'
import { heldAccountOf, heldEntryOf } from '../protocol/contents-entry.ts'
import { CONTENTS_ASKED_MAX } from '../protocol/peer-api/contents-exchange.ts'
import { heldItemSize } from '../protocol/peer-api/contents-item.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { ContentsRequester } from './contents-requester.ts'
import type { HandOverMetrics } from './hand-over-metrics.ts'
import type { HandOverOptions } from './options.ts'

export interface HandOverOfferComponents {
  readonly exchange: ContentsRequester
  readonly membership: { swarmOf(account: AccountId): Swarm | undefined }
  readonly log: Logger
  readonly metrics: Pick<HandOverMetrics, 'items' | 'bytes'>
}

export interface Offered {
  /** For each item, whether more than half of its swarm has it. */
  readonly confirmed: readonly boolean[]
  readonly givenBytes: number
}

/** Offers things to the members of their swarms, gives them what they lack, and counts who has what. */
export class HandOverOffer {
  readonly #components: HandOverOfferComponents
  readonly #options: Pick<HandOverOptions, 'timeoutMs'>
  /** Members that did not answer in this walk: waiting for each of them with every page would take for ever. */
  readonly #silent = new Set<ServiceNodeKey>()

  constructor(components: HandOverOfferComponents, options: Pick<HandOverOptions, 'timeoutMs'>) {
    this.#components = components
    this.#options = options
  }

  /** Another walk: those that were silent are asked again. */
  begin(): void {
    this.#silent.clear()
  }

  async offer(items: readonly HeldItem[], signal: AbortSignal): Promise<Offered> {
    const confirmed = new Map<HeldItem, boolean>()
    let givenBytes = 0
    for (const [swarm, ofSwarm] of this.#bySwarm(items)) {
      for (let at = 0; at < ofSwarm.length; at += CONTENTS_ASKED_MAX) {
        const some = ofSwarm.slice(at, at + CONTENTS_ASKED_MAX)
        givenBytes += await this.#offerSome(some, swarm, confirmed, signal)
      }
    }
    return { confirmed: items.map((item) => confirmed.get(item) === true), givenBytes }
  }

  /** Tells all that can be reached, also when half of them have it. Returns the bytes that were given. */
  async #offerSome(
    items: readonly HeldItem[],
    { members }: Swarm,
    confirmed: Map<HeldItem, boolean>,
    signal: AbortSignal,
  ): Promise<number> {
    const holders = items.map(() => 0)
    let givenBytes = 0
    for (const member of members) {
      if (signal.aborted) return givenBytes
      if (this.#silent.has(member)) continue
      const told = await this.#tell(member, items, signal)
      if (told === undefined) this.#silent.add(member)
      else {
        for (const [index, has] of told.has.entries()) if (has) holders[index] = (holders[index] ?? 0) + 1
        givenBytes += told.givenBytes
      }
    }
    for (const [index, item] of items.entries()) confirmed.set(item, (holders[index] ?? 0) > members.length / 2)
    return givenBytes
  }

  /** Which of the items a member has after this; undefined when it does not answer. */
  async #tell(
    member: ServiceNodeKey,
    items: readonly HeldItem[],
    signal: AbortSignal,
  ): Promise<{ readonly has: readonly boolean[]; readonly givenBytes: number } | undefined> {
    const { exchange, metrics, log } = this.#components
    const limits = { timeoutMs: this.#options.timeoutMs, signal }
    try {
      const offered = await exchange.ask(member, { kind: 'offer', entries: items.map(heldEntryOf) }, limits)
      if ('obstacle' in offered) return undefined
      const wanted = items.filter((_, index) => offered.wanted[index])
      if (wanted.length === 0) return { has: items.map(() => true), givenBytes: 0 }
      const given = await exchange.ask(member, { kind: 'give', items: wanted }, limits)
      if ('obstacle' in given) return undefined
      const taken = new Set(wanted.filter((_, index) => given.outcomes[index] === 'taken'))
      const givenBytes = wanted.reduce((sum, item) => sum + heldItemSize(item), 0)
      metrics.items.add(taken.size)
      metrics.bytes.add(givenBytes)
      return { has: items.map((item, index) => offered.wanted[index] === false || taken.has(item)), givenBytes }
    } catch (error) {
      if (!(error instanceof CodedError) && !signal.aborted) {
        log.error({ error }, 'Handing accounts over failed in an unforeseen way')
      }
      return undefined
    }
  }

  #bySwarm(items: readonly HeldItem[]): ReadonlyMap<Swarm, readonly HeldItem[]> {
    const { membership } = this.#components
    const groups = new Map<Swarm, HeldItem[]>()
    for (const item of items) {
      const swarm = membership.swarmOf(heldAccountOf(item))
      if (swarm === undefined) continue
      const known = groups.get(swarm)
      if (known === undefined) groups.set(swarm, [item])
      else known.push(item)
    }
    return groups
  }
}
