import type { Clock } from '../base/clock.ts'
import type { HeldItem, HeldMessage, HeldRequest } from '../protocol/contents.ts'
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

export function createContentsIntake(components: ContentsIntakeComponents): ContentsIntake {
  const { contents, requests, announce, conduct, clock, metrics } = components

  const takeRequest = async (from: ServiceNodeKey, { payload }: HeldRequest): Promise<IntakeOutcome> => {
    const outcome = await requests.carryOut(payload)
    if (outcome === 'refused' && isProvablyWrong(payload)) conduct.wrong(from, 'request')
    if (outcome === 'done') metrics.items.inc({ kind: 'request', way: 'taken' })
    return outcome
  }

  const takeMessages = async (
    from: ServiceNodeKey,
    messages: readonly HeldMessage[],
  ): Promise<ReadonlyMap<HeldItem, IntakeOutcome>> => {
    const nowMs = clock.nowMs()
    const right = messages.filter((held) => {
      const wrong = wrongOfMessage(held, nowMs)
      if (wrong !== undefined) conduct.wrong(from, wrong)
      return wrong === undefined
    })
    const living = right.filter(({ livesUntilMs }) => livesUntilMs > nowMs)
    const outcomes = living.length === 0 ? [] : await contents.adopt(living)
    const results = new Map<HeldItem, IntakeOutcome>(right.map((held) => [held, 'obsolete']))
    for (const [index, held] of living.entries()) {
      const outcome = outcomes[index] ?? 'later'
      results.set(held, outcome)
      if (outcome === 'new' || outcome === 'changed') metrics.items.inc({ kind: 'message', way: 'taken' })
      if (outcome === 'new') announce({ ...held.message, expiryMs: held.livesUntilMs })
    }
    return results
  }

  return {
    async take(from, items) {
      const results = new Map<HeldItem, IntakeOutcome>()
      // First, so that what they end is not written before it goes.
      const ending = items.filter((item) => item.kind === 'request')
      for (let at = 0; at < ending.length; at += REQUESTS_AT_ONCE) {
        const some = ending.slice(at, at + REQUESTS_AT_ONCE)
        const outcomes = await Promise.all(some.map((item) => takeRequest(from, item)))
        for (const [index, item] of some.entries()) results.set(item, outcomes[index] ?? 'later')
      }
      const messages = items.filter((item) => item.kind === 'message')
      for (const [item, outcome] of await takeMessages(from, messages)) results.set(item, outcome)
      return items.map((item) => results.get(item) ?? 'refused')
    },
  }
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
