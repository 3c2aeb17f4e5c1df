import { RateLimiter } from '../base/rate-limiter.ts'
import type { HeldItem } from '../protocol/contents.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { encodeContentsAnswer } from '../protocol/peer-api/contents-answer.ts'
import type { ContentsRequest } from '../protocol/peer-api/contents-exchange.ts'
import { decodeContentsRequest } from '../protocol/peer-api/contents-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { ContentsAnswers, type ContentsAnswersComponents } from './contents-answers.ts'
import type { ContentsConduct } from './contents-conduct.ts'
import type { ContentsAnswerEnd } from './contents-metrics.ts'
import type { ComparingOptions } from './options.ts'

export interface ContentsResponderComponents extends ContentsAnswersComponents {
  readonly conduct: Pick<ContentsConduct, 'ignores' | 'wrong'>
  /** A member has asked, so it can be reached again. */
  readonly heard?: (member: ServiceNodeKey) => void
}

/** Answers what other members ask about what this node holds. */
export interface ContentsResponder {
  /**
   * @throws {PeerRequestError} PEER_BUSY when the asker has to wait, PEER_FAILED when it may not ask this
   * @throws {ProtocolError} for a request that breaks the protocol
   */
  handle(from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** Members with a bucket of bytes; far more than the swarms of two epochs have. */
const MEMBERS_MAX = 4_096

export function createContentsResponder(
  components: ContentsResponderComponents,
  options: ComparingOptions,
): ContentsResponder {
  const { conduct, heard, clock, metrics } = components
  const answers = new ContentsAnswers(components, options)
  // In tokens of a byte moved, or of work worth one; what an answer took beyond its bucket, the next request waits for.
  const bytes = new RateLimiter(
    { clock },
    { burst: options.burstBytes, perSecond: options.bytesPerSecondMax, keysMax: MEMBERS_MAX, whenFull: 'forget' },
  )
  const underWay = new Map<ServiceNodeKey, number>()
  let underWayOfAll = 0

  const begin = (from: ServiceNodeKey) => {
    const count = underWay.get(from) ?? 0
    if (count >= options.answersPerMemberMax || underWayOfAll >= options.answersMax || !bytes.take(from)) return false
    underWay.set(from, count + 1)
    underWayOfAll++
    return true
  }

  const end = (from: ServiceNodeKey) => {
    const count = underWay.get(from) ?? 0
    if (count > 1) underWay.set(from, count - 1)
    else underWay.delete(from)
    underWayOfAll--
  }

  const decoded = (from: ServiceNodeKey, payload: Uint8Array): ContentsRequest => {
    try {
      return decodeContentsRequest(payload)
    } catch (error) {
      if (error instanceof ProtocolError) conduct.wrong(from, 'malformed')
      throw error
    }
  }

  const answer = async (from: ServiceNodeKey, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> => {
    const request = decoded(from, payload)
    let outcome: ContentsAnswerEnd = 'failed'
    let workBytes = workOf(request)
    const looked = () => {
      workBytes += PAGE_WORK_BYTES
    }
    let bytesMoved = payload.length
    try {
      const content = await answers.of(from, request, { signal, looked })
      outcome = 'obstacle' in content ? 'obstacle' : 'answered'
      const result = encodeContentsAnswer(request.kind, content)
      bytesMoved += result.length
      return result
    } catch (error) {
      if (error instanceof PeerRequestError) outcome = error.code === 'PEER_BUSY' ? 'busy' : 'refused'
      throw error
    } finally {
      bytes.charge(from, Math.max(bytesMoved, workBytes) - payload.length)
      metrics.answers.inc({ request: request.kind, outcome })
    }
  }

  return {
    async handle(from, payload, signal) {
      if (conduct.ignores(from)) {
        metrics.answers.inc({ request: 'unknown', outcome: 'refused' })
        throw new PeerRequestError('PEER_FAILED', 'This member gave too many wrong things')
      }
      if (!begin(from)) {
        metrics.answers.inc({ request: 'unknown', outcome: 'busy' })
        throw new PeerRequestError('PEER_BUSY', 'This member has had its share for now')
      }
      try {
        heard?.(from)
        bytes.charge(from, payload.length)
        const result = await answer(from, payload, signal)
        metrics.bytes.add(payload.length, { way: 'received' })
        metrics.bytes.add(result.length, { way: 'sent' })
        return result
      } finally {
        end(from)
      }
    },
  }
}

const KIB = 1024
/** What a look at a page's worth of records is worth: as much as a page has that is full. */
const PAGE_WORK_BYTES = 256 * KIB
const THING_WORK_BYTES = KIB
/** A request is verified and carried out. */
const REQUEST_WORK_BYTES = 4 * KIB

/**
 * What a request costs its asker at least. One of a few bytes with an empty answer may still be a long look at the disk, or hundreds of
 * signatures: without this, a member could have that done as fast as it can ask.
 */
function workOf(request: ContentsRequest): number {
  switch (request.kind) {
    case 'total':
      return 16 * KIB
    case 'buckets':
    case 'list':
      return 64 * KIB
    case 'page':
      return 0
    case 'read':
    case 'offer':
      return request.entries.length * THING_WORK_BYTES
    case 'give':
      return request.items.reduce((sum, item) => sum + workOfTaking(item), 0)
  }
}

function workOfTaking({ kind }: HeldItem): number {
  return kind === 'message' ? THING_WORK_BYTES : REQUEST_WORK_BYTES
}
