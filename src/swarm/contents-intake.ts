import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { HeldItem, HeldMessage, HeldRequest } from '../protocol/contents.ts'
import { heldAccountOf } from '../protocol/contents-entry.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { decodeForwardedRequest } from '../protocol/peer-api/forwarded-request.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { wrongOfMessage } from './contents-check.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsMetrics } from './contents-metrics.ts'
import type { AdoptOutcome, Announce, Contents, HeldRequests } from './contents-store.ts'

export interface ContentsIntakeComponents {
  readonly contents: Pick<Contents, 'adopt'>
  readonly requests: HeldRequests
  readonly announce: Announce
  readonly conduct: Pick<ContentsConduct, 'wrong'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly metrics: ContentsMetrics
}

/** What became of a thing that a member gave. */
export type IntakeOutcome =
  | AdoptOutcome
  /** A request that is in force here now; it may have been before. */
  | 'done'
  | 'refused'
  | 'later'

/** Takes what other members hold, and believes none of it: messages are checked against their hashes, requests against signatures. */
export interface ContentsIntake {
  /** Whoever calls it has made sure that the accounts are ours. Settles, in the order of the items, when the disk has them. */
  take(from: ServiceNodeKey, items: readonly HeldItem[]): Promise<readonly IntakeOutcome[]>
}

/** Requests that are carried out at once; each is a signature to verify and a write. */
const REQUESTS_AT_ONCE = 16
/** Messages that are checked between two turns of the event loop, and more of the same account: a third of a millisecond's work. */
const CHECKED_PER_TURN = 128
const CHECKED_PER_TURN_MAX = 2 * CHECKED_PER_TURN

export function createContentsIntake(components: ContentsIntakeComponents): ContentsIntake {
  const { contents, requests, announce, conduct, clock, metrics } = components

  const takeRequest = async (from: ServiceNodeKey, { payload }: HeldRequest): Promise<IntakeOutcome> => {
    const outcome = await requests.carryOut(payload)
    if (outcome === 'refused' && isProvablyWrong(payload)) conduct.wrong(from, 'request')
    if (outcome === 'done') metrics.items.inc({ kind: 'request', way: 'taken' })
    return outcome
  }

  /** Takes the messages among items from a place on, and puts their outcomes in the places that they have. */
  const takeSome = async (
    from: ServiceNodeKey,
    items: readonly HeldItem[],
    { start, end }: { readonly start: number; readonly end: number },
    outcomes: IntakeOutcome[],
  ): Promise<void> => {
    const nowMs = clock.nowMs()
    const living: HeldMessage[] = []
    const places: number[] = []
    for (const [index, item] of items.slice(start, end).entries()) {
      const place = start + index
      if (item.kind !== 'message') continue
      const wrong = wrongOfMessage(item, nowMs)
      if (wrong !== undefined) conduct.wrong(from, wrong)
      else if (item.livesUntilMs <= nowMs) outcomes[place] = 'obsolete'
      else {
        living.push(item)
        places.push(place)
      }
    }
    if (living.length === 0) return
    const adopted = await contents.adopt(living)
    let taken = 0
    for (const [index, held] of living.entries()) {
      const outcome = adopted[index] ?? 'later'
      outcomes[places[index] ?? 0] = outcome
      if (outcome === 'new' || outcome === 'changed') taken++
      if (outcome === 'new') announce({ ...held.message, expiryMs: held.livesUntilMs })
    }
    metrics.items.add(taken, { kind: 'message', way: 'taken' })
  }

  /** What is checked is on its way to the disk while the rest is checked. */
  const takeMessages = async (from: ServiceNodeKey, items: readonly HeldItem[], outcomes: IntakeOutcome[]) => {
    const taking: Promise<void>[] = []
    for (let start = 0, end = 0; start < items.length; start = end) {
      if (start > 0) await setImmediate()
      end = endOfSome(items, start)
      const some = takeSome(from, items, { start, end }, outcomes)
      // Whoever waits for all of them hears of it.
      some.catch(() => {})
      taking.push(some)
    }
    await Promise.all(taking)
  }

  /** Puts their outcomes in the places that they have. */
  const takeRequests = async (from: ServiceNodeKey, items: readonly HeldItem[], outcomes: IntakeOutcome[]) => {
    const requested = [...items.entries()].flatMap(([place, item]) =>
      item.kind === 'request' ? [{ place, item }] : [],
    )
    for (let at = 0; at < requested.length; at += REQUESTS_AT_ONCE) {
      const some = requested.slice(at, at + REQUESTS_AT_ONCE)
      await Promise.all(
        some.map(async ({ place, item }) => {
          outcomes[place] = await takeRequest(from, item)
        }),
      )
    }
  }

  return {
    async take(from, items) {
      const outcomes = items.map((): IntakeOutcome => 'refused')
      // First, so that what they end is not written before it goes.
      await takeRequests(from, items, outcomes)
      await takeMessages(from, items, outcomes)
      return outcomes
    },
  }
}

/** An account is not divided if it need not be: of one that is new, nothing is looked up, and its second part would be of one that is known. */
function endOfSome(items: readonly HeldItem[], start: number): number {
  const isSameAccount = (at: number) => {
    const [before, item] = [items[at - 1], items[at]]
    return before !== undefined && item !== undefined && heldAccountOf(before) === heldAccountOf(item)
  }
  let end = Math.min(items.length, start + CHECKED_PER_TURN)
  while (end < start + CHECKED_PER_TURN_MAX && isSameAccount(end)) end++
  return end
}

/**
 * Whether it can only have been refused because it never was right. One of a subaccount depends on what had been revoked, which the
 * giving side may not have heard of.
 */
function isProvablyWrong(payload: Uint8Array): boolean {
  try {
    return decodeForwardedRequest(payload).params['subaccount'] === undefined
  } catch (error) {
    if (error instanceof ProtocolError) return true
    throw error
  }
}
