import type { TimestampMs } from '../base/clock.ts'
import { parseMethodName } from '../protocol/client-api/methods.ts'
import { invalidRequest } from '../protocol/client-api/parameter.ts'
import { OPERATION_AHEAD_MAX_MS, OPERATION_LATENESS_MAX_MS } from '../protocol/limits.ts'
import { stampMs } from '../protocol/operation-stamp.ts'
import {
  decodeForwardedRequest,
  encodeForwardedAnswer,
  type ForwardedAnswer,
  type ForwardedRequest,
} from '../protocol/peer-api/forwarded-request.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { Dispatcher, DispatcherComponents } from './dispatcher.ts'
import { refusalOf, reportFailure } from './error-response.ts'
import { RpcError } from './errors.ts'
import type { MemberLimiter } from './member-limiter.ts'
import type { SwarmCall } from './method.ts'
import type { ForwardedWork } from './method-table.ts'
import { statusClass } from './metrics.ts'
import type { SwarmView } from './service-node-directory.ts'

export interface ForwardedRequestsComponents extends DispatcherComponents {
  readonly members: MemberLimiter
  readonly swarm: Pick<SwarmView, 'epoch' | 'replicas'>
}

/** Carries out, on this node only, what other members of the swarm pass on. */
export class ForwardedRequests {
  readonly #components: ForwardedRequestsComponents
  readonly #dispatcher: Dispatcher

  constructor(components: ForwardedRequestsComponents, dispatcher: Dispatcher) {
    this.#components = components
    this.#dispatcher = dispatcher
  }

  /** Settles with the bytes of an answer, whatever was asked. */
  async answer(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return encodeForwardedAnswer(await this.#answer(from, payload, signal))
  }

  /**
   * Carries out a request that another member kept, and that may have come days ago. The client's signature says that it is to be, so it does
   * not matter who hands it over.
   */
  async carryOut(payload: Uint8Array): Promise<'done' | 'refused' | 'later'> {
    try {
      const request = decodeForwardedRequest(payload)
      const work = this.#dispatcher.prepare(request)?.forwarded
      if (work === undefined || work.isOpen) return 'refused'
      return resultOf(this.#counted(request, await this.#run(work, request, payload, neverAborted)))
    } catch (error) {
      return resultOf(this.#failed(error))
    }
  }

  async #answer(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<ForwardedAnswer> {
    try {
      this.#components.members.take(from)
      const request = decodeForwardedRequest(payload)
      return this.#counted(request, await this.#execute(from, request, payload, signal))
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** Repeats every check of the entry node: a member may be wrong, or worse. */
  async #execute(
    from: ServiceNodeKey,
    request: ForwardedRequest,
    payload: Uint8Array,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    const work = this.#dispatcher.prepare(request)?.forwarded
    if (work === undefined) throw invalidRequest('received invalid forwarded non-forwardable request')
    this.#requireMember(from, work)
    if (work.isOpen) this.#components.members.takeOpenWrite(from, work.account)
    return this.#run(work, request, payload, signal)
  }

  async #run(
    work: ForwardedWork,
    request: ForwardedRequest,
    payload: Uint8Array,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    const nowMs = this.#components.clock.nowMs()
    const elsewhere = this.#components.directory.wrongSwarm(work.account, nowMs)
    if (elsewhere !== undefined) return elsewhere
    requireFresh(request, nowMs)

    const { receivedMs, stamp } = request
    // Judged as the entry node judged it, however late it comes.
    const call: SwarmCall = { entry: 'member', nowMs: receivedMs, receivedMs, signal, stamp, request: payload }
    work.check(call)
    this.#components.messages.stamps.accept(stamp)
    return { status: 200, body: await work.execute(call) }
  }

  #requireMember(from: ServiceNodeKey, { account }: ForwardedWork): void {
    if (this.#components.swarm.replicas(account).includes(from)) return
    throw new RpcError('FORWARDER_REFUSED', 'The forwarding service node is not in the swarm of this account')
  }

  #counted({ method }: ForwardedRequest, answer: ForwardedAnswer): ForwardedAnswer {
    const status = statusClass(answer.status)
    this.#components.metrics.requests.inc({ method: parseMethodName(method) ?? 'unknown', entry: 'member', status })
    return answer
  }

  #failed(error: unknown): ForwardedAnswer {
    const answer = refusalOf(error) ?? reportFailure(this.#components, error)
    const status = statusClass(answer.status)
    this.#components.metrics.requests.inc({ method: 'unknown', entry: 'member', status })
    return answer
  }
}

const neverAborted = new AbortController().signal

/** One that serves the account only in the next epoch, has no room, has too much to do, or whose clock differs, may take it another time. */
function resultOf({ status }: ForwardedAnswer): 'done' | 'refused' | 'later' {
  if (status === 200) return 'done'
  return STATUSES_REFUSED.has(status) ? 'refused' : 'later'
}

const STATUSES_REFUSED: ReadonlySet<number> = new Set([400, 401, 403])

/** An old request does not become new by being passed on late, nor does one come before what led to it. */
function requireFresh({ receivedMs, stamp }: ForwardedRequest, nowMs: TimestampMs): void {
  const placedMs = stampMs(stamp)
  const isRecent = Math.min(receivedMs, placedMs) >= nowMs - OPERATION_LATENESS_MAX_MS
  const isPast = Math.max(receivedMs, placedMs) <= nowMs + OPERATION_AHEAD_MAX_MS
  if (isRecent && isPast && Math.abs(placedMs - receivedMs) <= OPERATION_AHEAD_MAX_MS) return
  throw new RpcError('CLOCK_DIFFERS', 'Timestamp error: the request was received too far from current time')
}
