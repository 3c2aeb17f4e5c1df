import { toHex } from '../../base/bytes.ts'
import { type Clock, SECOND } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { RateLimiter } from '../../base/rate-limiter.ts'
import type { BlsSecretKey } from '../../crypto/bls.ts'
import { blsTags } from '../../crypto/bls-messages.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import {
  decodeSignatureRequest,
  encodeSignatureAnswer,
  type SignatureAnswer,
  type SignatureRefusal,
  type SignatureRequest,
} from '../../protocol/peer-api/signature-request.ts'
import type { MembershipEpoch, ServiceNodeKey } from '../../protocol/service-node.ts'
import { StakingError } from '../errors.ts'
import type { StakingOptions } from '../options.ts'
import type { BlsThread } from './bls-thread.ts'
import type { ContractReader } from './contract-reader.ts'
import type { ListDoubt } from './list-doubt.ts'
import type { SignatureMetrics } from './metrics.ts'
import type { SignatureOptions } from './options.ts'
import type { RegistrationLookup } from './registration-lookup.ts'
import {
  hasEpoch,
  isJudged,
  isOverdue,
  memberOf,
  type RemovalRequest,
  refusalOfExit,
  refusalOfRegistration,
  refusalOfReward,
  refusalOfTimestamp,
  refusalOfView,
  type SigningLedger,
  type SoundView,
} from './rules.ts'
import { signedMessageOf } from './signed-message.ts'

export interface SignerComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<SignatureMetrics, 'answers'>
  readonly blsSecretKey: BlsSecretKey
  /** The list of members, at final blocks. */
  readonly chain: {
    current(): MembershipEpoch | undefined
    status(): { readonly headAgeMs: number | undefined }
  }
  readonly doubt: Pick<ListDoubt, 'isDoubted'>
  readonly contract: Pick<ContractReader, 'paused'>
  readonly registrations: RegistrationLookup
  readonly ledger: SigningLedger | undefined
  readonly bls: BlsThread
}

export type SignerOptions = SignatureOptions & Pick<StakingOptions, 'chainId' | 'contract' | 'epochLengthS'>

/** Signs for the staking contract what the rules allow, and nothing else. */
export interface Signer {
  /** For this node's own operator. */
  sign(request: SignatureRequest): Promise<SignatureAnswer>
  /** For another member. @throws {ProtocolError} for what is no request */
  handle(from: ServiceNodeKey, payload: Uint8Array): Promise<Uint8Array>
  /**
   * For anyone: what an account has earned is no secret, and its operator may have left the network with his only service node. Nobody
   * can have more signed than there are accounts, each once a period.
   * @throws {ProtocolError} for what is no request about a reward
   */
  handleReward(payload: Uint8Array): Promise<Uint8Array>
}

/** Callers and subjects remembered: members, and accounts with a total. */
const KEYS_MAX = 20_000
/** Signatures kept for whoever asks for the same again: two totals of four thousand accounts, and some members that leave; 4 MB. */
const KEPT_MAX = 8192
/** Requests of strangers worked on at once, so that the thread that signs always has room for members. */
const STRANGERS_MAX = 4

export function createSigner(components: SignerComponents, options: SignerOptions): Signer {
  return new RuledSigner(components, options)
}

class RuledSigner implements Signer {
  readonly #components: SignerComponents
  readonly #options: SignerOptions
  readonly #tags
  readonly #callers: RateLimiter
  readonly #subjects: RateLimiter
  /** By message, oldest first. The same message has the same signature, so it is made once, however many ask. */
  readonly #kept = new Map<string, Promise<Uint8Array>>()
  #strangers = 0

  constructor(components: SignerComponents, options: SignerOptions) {
    this.#components = components
    this.#options = options
    this.#tags = blsTags(options.chainId, options.contract)
    const bounds = { keysMax: KEYS_MAX, whenFull: 'forget' } as const
    this.#callers = new RateLimiter(components, { ...options.callerRate, ...bounds })
    this.#subjects = new RateLimiter(components, { ...options.subjectRate, ...bounds })
  }

  async sign(request: SignatureRequest): Promise<SignatureAnswer> {
    const answer = await this.#answer(request)
    this.#count(request, answer)
    return answer
  }

  async handle(from: ServiceNodeKey, payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeSignatureRequest(payload)
    const isAllowed = this.#callers.take(from)
    const answer: SignatureAnswer = isAllowed ? await this.#answer(request) : { refusal: 'busy' }
    this.#count(request, answer)
    return encodeSignatureAnswer(answer)
  }

  async handleReward(payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeSignatureRequest(payload)
    if (request.kind !== 'reward') throw new ProtocolError('FRAME_MALFORMED', 'Only rewards are signed for everyone')
    const answer = await this.#answerStranger(request)
    this.#count(request, answer)
    return encodeSignatureAnswer(answer)
  }

  async #answerStranger(request: SignatureRequest): Promise<SignatureAnswer> {
    if (this.#strangers >= STRANGERS_MAX) return { refusal: 'busy' }
    this.#strangers++
    try {
      return await this.#answer(request)
    } finally {
      this.#strangers--
    }
  }

  #count({ kind }: SignatureRequest, answer: SignatureAnswer): void {
    const outcome = 'refusal' in answer ? answer.refusal : 'signed'
    this.#components.metrics.answers.inc({ kind, outcome })
    this.#components.log.debug({ kind, outcome }, 'A signature for the contract was asked for')
  }

  async #answer(request: SignatureRequest): Promise<SignatureAnswer> {
    const refusal = await this.#refusalOf(request)
    if (refusal !== undefined) return { refusal }
    try {
      return await this.#signatureOf(request)
    } catch (error) {
      if (error instanceof StakingError) return { refusal: 'busy' }
      throw error
    }
  }

  async #refusalOf(request: SignatureRequest): Promise<SignatureRefusal | undefined> {
    const { chain, clock, contract, doubt } = this.#components
    const [nowMs, epoch] = [clock.nowMs(), chain.current()]
    const local = {
      nowMs,
      epoch,
      finalizedAgeMs: chain.status().headAgeMs,
      nextListAgeMs: nowMs - ((epoch?.index ?? 0) + 1) * this.#options.epochLengthS * SECOND,
      isDoubted: doubt.isDoubted(),
    }
    // What is refused whatever the contract says needs no look at it.
    const early = refusalOfView({ ...local, isPaused: false }, this.#options)
    if (early !== undefined) return early
    const view = { ...local, isPaused: await contract.paused() }
    const refusal = refusalOfView(view, this.#options)
    if (refusal !== undefined || !hasEpoch(view)) return refusal
    return request.kind === 'reward'
      ? refusalOfReward(request, this.#components.ledger)
      : this.#refusalOfRemoval(request, view)
  }

  async #refusalOfRemoval(request: RemovalRequest, { epoch, nowMs }: SoundView): Promise<SignatureRefusal | undefined> {
    const member = memberOf(request, epoch)
    if (member === undefined) return 'not-a-member'
    const refusal = refusalOfTimestamp(request, nowMs, this.#options)
    if (refusal !== undefined) return refusal
    if (request.kind === 'exit') return refusalOfExit(member, epoch, this.#options)
    if (isOverdue(member, epoch, this.#options)) return undefined
    if (!isJudged(member, epoch, this.#options)) return 'not-liquidatable'
    return refusalOfRegistration(await this.#components.registrations.find(member))
  }

  async #signatureOf(request: SignatureRequest): Promise<SignatureAnswer> {
    const { bls, blsSecretKey } = this.#components
    const subject = signedMessageOf(request, this.#tags)
    if (subject === undefined) return { refusal: 'not-a-member' }
    const name = toHex(subject.message)
    const kept = this.#kept.get(name)
    if (kept !== undefined) return { signature: await kept }
    if (!this.#subjects.take(request.kind === 'reward' ? request.recipient : request.bls)) return { refusal: 'busy' }
    const signing = bls.run<'sign'>({ kind: 'sign', ...subject, secretKey: blsSecretKey })
    this.#keep(name, signing)
    return { signature: await signing }
  }

  #keep(name: string, signing: Promise<Uint8Array>): void {
    this.#kept.set(name, signing)
    signing.catch(() => this.#kept.delete(name))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest)
  }
}
