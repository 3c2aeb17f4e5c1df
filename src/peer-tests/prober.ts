import type { Clock, DurationMs } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import type { Timers } from '../base/timers.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import {
  decodeProbeAnswer,
  encodeProbeRequest,
  type ProbeContent,
  type ProbeRequest,
} from '../protocol/peer-api/probe.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ClockOffset } from './clock-offset.ts'
import type { MemberAnswers } from './member-answers.ts'

export interface ProberComponents {
  readonly peers: PeerRequester
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timers: Timers
  readonly offset: Pick<ClockOffset, 'note'>
  readonly answers: Pick<MemberAnswers, 'note'>
}

/** Asks members over the protocol `probe`, and learns from each answer what time they have and how far they are. */
export class Prober {
  readonly #components: ProberComponents
  readonly #timeoutMs: DurationMs

  constructor(components: ProberComponents, { timeoutMs }: { readonly timeoutMs: DurationMs }) {
    this.#components = components
    this.#timeoutMs = timeoutMs
  }

  /**
   * @throws {PeerRequestError} when the member does not answer in time
   * @throws {ProtocolError} when its answer breaks the protocol
   */
  async ask<Request extends ProbeRequest>(
    member: ServiceNodeKey,
    request: Request,
    signal: AbortSignal,
  ): Promise<ProbeContent[Request['kind']]> {
    const { peers, clock, timers, offset, answers } = this.#components
    const timeoutMs = this.#timeoutMs
    const deadline = timers.deadline(timeoutMs, signal)
    const askedAtMs = clock.monotonicMs()
    const asked = peers.request(member, 'probe', encodeProbeRequest(request), { timeoutMs, signal: deadline })
    const bytes = await raceSignal(asked, deadline).catch((cause: unknown) => {
      if (cause instanceof PeerRequestError || signal.aborted) throw cause
      throw new PeerRequestError('PEER_TIMEOUT', 'No answer to a probe in time', { cause })
    })
    const { clockMs, content } = decodeProbeAnswer<Request['kind']>(request.kind, bytes)
    const answeredAtMs = clock.monotonicMs()
    offset.note(member, clockMs, askedAtMs, answeredAtMs)
    answers.note(member, askedAtMs, answeredAtMs)
    return content
  }
}
