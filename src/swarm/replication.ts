import type { Clock } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import type { AccountId } from '../protocol/account.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError, type PeerRequestErrorCode } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { ForwardSlots } from './forward-slots.ts'
import { forwardedVerdict } from './forwarded-facts.ts'
import { MemberPatience } from './member-patience.ts'
import type { ForwardEnd, SwarmMetrics } from './metrics.ts'
import type { SwarmOptions } from './options.ts'

export interface ReplicationComponents {
  readonly peers: PeerRequester
  /** Who else keeps an account's messages. */
  readonly membership: { replicas(account: AccountId): readonly ServiceNodeKey[] }
  /** Tells a member later what it did not take now. Without it, members find what they lack by comparing. */
  readonly handOff?: {
    missed(member: ServiceNodeKey, payload: Uint8Array): Promise<void>
    reached(member: ServiceNodeKey): void
  }
  readonly clock: Clock
  readonly timers?: Timers
  readonly log: Logger
  readonly metrics: SwarmMetrics
}

/** What one member made of a forwarded request, as far as the client's answer tells it apart. */
export type ForwardOutcome =
  | { readonly kind: 'answered'; readonly payload: Uint8Array }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable' }

/** Passes changes to an account's messages on to the other members of its swarm. */
export interface Replication {
  /**
   * Sends the same payload to every other member at once and settles when each has answered or had its time. Never rejects.
   * When the signal aborts, those without an answer count as timeouts. Members that did not take it get it later.
   */
  forward(account: AccountId, payload: Uint8Array, signal?: AbortSignal): Promise<Map<ServiceNodeKey, ForwardOutcome>>
}

/** One request, passed on to all the members. */
interface FanOut {
  readonly payload: Uint8Array
  readonly signal: AbortSignal | undefined
  /** Aborts with `signal` and, at the latest, after the full wait. */
  readonly deadline: AbortSignal
}

type FailedEnd = Exclude<ForwardEnd, 'answered'>

const END_OF_ERROR = {
  PEER_UNKNOWN: 'unknown',
  PEER_UNREACHABLE: 'unreachable',
  PEER_TIMEOUT: 'timeout',
  PEER_BUSY: 'busy',
  PEER_FAILED: 'failed',
} as const satisfies Record<PeerRequestErrorCode, FailedEnd>

export function createReplication(
  { peers, membership, handOff, clock, timers = systemTimers, log, metrics }: ReplicationComponents,
  options: SwarmOptions,
): Replication {
  const patience = new MemberPatience(clock, options)
  const slots = new ForwardSlots(options)

  const forwardTo = async (member: ServiceNodeKey, fanOut: FanOut): Promise<ForwardOutcome> => {
    if (!slots.take(member)) {
      metrics.forwards.inc({ outcome: 'shed' })
      await handOff?.missed(member, fanOut.payload)
      return outcomeOf('shed')
    }
    metrics.forwardsInFlight.set(slots.total)
    const startedAtMs = clock.monotonicMs()
    try {
      const payload = await request(member, fanOut)
      settle(member, 'answered', startedAtMs)
      await judge(member, fanOut, payload)
      return { kind: 'answered', payload }
    } catch (error) {
      const end = endOf(error, fanOut, log)
      settle(member, end, startedAtMs)
      await handOff?.missed(member, fanOut.payload)
      return outcomeOf(end)
    }
  }

  // The race holds the deadline even if the network did not.
  const request = (member: ServiceNodeKey, { payload, deadline }: FanOut): Promise<Uint8Array> =>
    raceSignal(
      peers.request(member, 'forward', payload, { timeoutMs: patience.waitMs(member), signal: deadline }),
      deadline,
    )

  /** A refusal that the member would repeat is the client's; the others are the swarm's. */
  const judge = async (member: ServiceNodeKey, { payload }: FanOut, answer: Uint8Array) => {
    const verdict = forwardedVerdict(answer)
    if (verdict === 'taken') handOff?.reached(member)
    else if (verdict !== 'refused') await handOff?.missed(member, payload)
  }

  const settle = (member: ServiceNodeKey, end: ForwardEnd, startedAtMs: number) => {
    slots.giveBack(member)
    if (end === 'answered') patience.answered(member)
    if (end === 'timeout') patience.timedOut(member, startedAtMs)
    metrics.forwards.inc({ outcome: end })
    metrics.forwardDuration.observe((clock.monotonicMs() - startedAtMs) / 1000)
    metrics.forwardsInFlight.set(slots.total)
    metrics.slowMembers.set(patience.shortened)
  }

  return {
    async forward(account, payload, signal) {
      const members = membership.replicas(account)
      if (members.length === 0) return new Map()
      const fanOut = { payload, signal, deadline: timers.deadline(options.forwardTimeoutMs, signal) }
      const outcomes = members.map(async (member) => [member, await forwardTo(member, fanOut)] as const)
      return new Map(await Promise.all(outcomes))
    },
  }
}

function endOf(error: unknown, { signal, deadline }: FanOut, log: Logger): FailedEnd {
  if (signal?.aborted) return 'abandoned'
  if (deadline.aborted) return 'timeout'
  if (error instanceof PeerRequestError) return END_OF_ERROR[error.code]
  log.error({ error }, 'Forwarding a request failed in an unforeseen way')
  return 'failed'
}

function outcomeOf(end: FailedEnd): ForwardOutcome {
  return { kind: end === 'timeout' || end === 'abandoned' ? 'timeout' : 'unreachable' }
}
