import type { DurationMs } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import { systemTimers, type Timers } from '../base/timers.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { decodeContentsAnswer } from '../protocol/peer-api/contents-answer.ts'
import type { ContentsAnswer, ContentsRequest } from '../protocol/peer-api/contents-exchange.ts'
import { encodeContentsRequest } from '../protocol/peer-api/contents-request.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsMetrics } from './contents-metrics.ts'

export interface ContentsRequesterComponents {
  readonly peers: PeerRequester
  readonly conduct: Pick<ContentsConduct, 'ignores' | 'wrong'>
  readonly timers?: Timers
  readonly metrics: Pick<ContentsMetrics, 'bytes'>
}

/** Asks members about contents. */
export interface ContentsRequester {
  /**
   * @throws {PeerRequestError} when the member does not answer in time, or gave too many wrong things to be asked
   * @throws {ProtocolError} when its answer breaks the protocol, which is held against it
   */
  ask<Request extends ContentsRequest>(
    member: ServiceNodeKey,
    request: Request,
    options: { readonly timeoutMs: DurationMs; readonly signal: AbortSignal },
  ): Promise<ContentsAnswer<Request['kind']>>
}

export function createContentsRequester({
  peers,
  conduct,
  timers = systemTimers,
  metrics,
}: ContentsRequesterComponents): ContentsRequester {
  return {
    async ask<Request extends ContentsRequest>(
      member: ServiceNodeKey,
      request: Request,
      { timeoutMs, signal }: { readonly timeoutMs: DurationMs; readonly signal: AbortSignal },
    ) {
      if (conduct.ignores(member)) throw new PeerRequestError('PEER_FAILED', 'This member gave too many wrong things')
      const payload = encodeContentsRequest(request)
      // The race holds the deadline even if the network did not.
      const deadline = timers.deadline(timeoutMs, signal)
      const asked = peers.request(member, 'contents', payload, { timeoutMs, signal: deadline })
      const answer = await raceSignal(asked, deadline).catch((error: unknown) => {
        if (error instanceof PeerRequestError || !deadline.aborted || signal.aborted) throw error
        throw new PeerRequestError('PEER_TIMEOUT', 'No answer about contents in time', { cause: error })
      })
      metrics.bytes.add(payload.length, { way: 'sent' })
      metrics.bytes.add(answer.length, { way: 'received' })
      try {
        return decodeContentsAnswer<Request['kind']>(request.kind, answer, askedCount(request))
      } catch (error) {
        if (error instanceof ProtocolError) conduct.wrong(member, 'malformed')
        throw error
      }
    },
  }
}

function askedCount(request: ContentsRequest): number {
  if (request.kind === 'offer') return request.entries.length
  return request.kind === 'give' ? request.items.length : 0
}
