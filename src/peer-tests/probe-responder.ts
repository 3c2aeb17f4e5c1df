import { type Clock, SECOND } from '../base/clock.ts'
import { RateLimiter } from '../base/rate-limiter.ts'
import {
  decodeProbeRequest,
  encodeProbeAnswer,
  type ProbeContent,
  type ProbeKind,
  type ProofAnswer,
  type StorageChallenge,
  storageDigest,
} from '../protocol/peer-api/probe.ts'
import type { ServiceNodeKey, Swarm } from '../protocol/service-node.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import type { PeerTestsMetrics } from './metrics.ts'
import type { PeerTestsOptions } from './options.ts'
import type { Reports } from './reports.ts'
import { challengedMessages, type HeldContents, isOwnChallenge } from './storage-proof.ts'

export interface ProbeResponderComponents {
  readonly self: ServiceNodeKey
  readonly clock: Clock
  readonly swarm: { ownSwarm(): Swarm | undefined; ownArc(): SwarmArc | undefined }
  readonly contents: HeldContents
  /** Whether this node has all that its swarm holds. */
  readonly isComplete: () => boolean
  readonly reports: Pick<Reports, 'newest' | 'take'>
  readonly metrics: Pick<PeerTestsMetrics, 'proofs'>
}

/** Members that a rate of proofs is kept for: more than the swarms of two epochs have. */
const MEMBERS_MAX = 256
/** Proofs that a member may ask for at once, after a pause. */
const PROOFS_BURST = 4

/** Answers other members' tests. */
export class ProbeResponder {
  readonly #components: ProbeResponderComponents
  readonly #options: Pick<PeerTestsOptions, 'proofAnswersMax' | 'proofAnswerIntervalMs'>
  readonly #rate: RateLimiter
  #underWay = 0

  constructor(
    components: ProbeResponderComponents,
    options: Pick<PeerTestsOptions, 'proofAnswersMax' | 'proofAnswerIntervalMs'>,
  ) {
    this.#components = components
    this.#options = options
    const rate = { burst: PROOFS_BURST, perSecond: SECOND / options.proofAnswerIntervalMs }
    this.#rate = new RateLimiter(components, { ...rate, keysMax: MEMBERS_MAX, whenFull: 'forget' })
  }

  /** @throws {ProtocolError} for a request that breaks the protocol */
  async handle(from: ServiceNodeKey, payload: Uint8Array): Promise<Uint8Array> {
    const { reports } = this.#components
    const request = decodeProbeRequest(payload)
    switch (request.kind) {
      case 'ping':
        return this.#answer('ping', undefined)
      case 'proof':
        return this.#answer('proof', await this.#prove(from, request.challenge))
      case 'tell':
        return this.#answer('tell', { isTaken: reports.take(from, request.report) })
      case 'ask':
        return this.#answer('ask', { report: reports.newest })
    }
  }

  #answer<Kind extends ProbeKind>(kind: Kind, content: ProbeContent[Kind]): Uint8Array {
    return encodeProbeAnswer(kind, { clockMs: this.#components.clock.nowMs(), content })
  }

  async #prove(from: ServiceNodeKey, challenge: StorageChallenge): Promise<ProofAnswer> {
    const answer = await this.#proofOf(from, challenge)
    const outcome = 'refusal' in answer ? answer.refusal : 'answered'
    this.#components.metrics.proofs.inc({ outcome })
    return answer
  }

  async #proofOf(from: ServiceNodeKey, challenge: StorageChallenge): Promise<ProofAnswer> {
    const { self, clock, swarm, contents, isComplete } = this.#components
    const isNeighbour = swarm.ownSwarm()?.members.includes(from) === true
    if (!isNeighbour || !isOwnChallenge(challenge, { arc: swarm.ownArc(), nowMs: clock.nowMs() })) {
      return { refusal: 'other-range' }
    }
    const mayAnswer = isComplete() && this.#underWay < this.#options.proofAnswersMax && this.#rate.take(from)
    if (!mayAnswer) return { refusal: 'not-now' }
    this.#underWay++
    try {
      const messages = await challengedMessages(contents, challenge)
      return messages === undefined ? { refusal: 'not-now' } : { digest: storageDigest(challenge, self, messages) }
    } finally {
      this.#underWay--
    }
  }
}
