import type { DurationMs } from '../base/clock.ts'
import { raceSignal } from '../base/deadline.ts'
import type { Timers } from '../base/timers.ts'
import { decodeContentsAnswer } from '../protocol/peer-api/contents-answer.ts'
import type { ContentsAnswer, ContentsRequest, ContentsRequestKind } from '../protocol/peer-api/contents-exchange.ts'
import { encodeContentsRequest } from '../protocol/peer-api/contents-request.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { ContentsMetrics } from './contents-metrics.ts'

export interface ContentsRequesterComponents {
  readonly peers: PeerRequester
  readonly timers: Timers
  readonly metrics: Pick<ContentsMetrics, 'bytes'>
}

export type ContentsRequestOf<Kind extends ContentsRequestKind> = Extract<ContentsRequest, { kind: Kind }>

/**
 * Asks a member about contents.
 * @throws {PeerRequestError} when it does not answer in time
 * @throws {ProtocolError} when its answer breaks the protocol
 */
export async function askContents<Kind extends ContentsRequestKind>(
  { peers, timers, metrics }: ContentsRequesterComponents,
  member: ServiceNodeKey,
  request: ContentsRequestOf<Kind>,
  { timeoutMs, signal }: { readonly timeoutMs: DurationMs; readonly signal: AbortSignal },
): Promise<ContentsAnswer<Kind>> {
  const payload = encodeContentsRequest(request)
  // The race holds the deadline even if the network did not.
  const deadline = timers.deadline(timeoutMs, signal)
  const answer = await raceSignal(peers.request(member, 'contents', payload, { timeoutMs, signal: deadline }), deadline)
  metrics.bytes.add(payload.length, { way: 'sent' })
  metrics.bytes.add(answer.length, { way: 'received' })
  return decodeContentsAnswer<Kind>(request.kind as Kind, answer, askedCount(request))
}

function askedCount(request: ContentsRequest): number {
  if (request.kind === 'offer') return request.entries.length
  return request.kind === 'give' ? request.items.length : 0
}
