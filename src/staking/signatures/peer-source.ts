import { fromHex } from '../../base/bytes.ts'
import type { Clock, DurationMs, TimestampMs } from '../../base/clock.ts'
import { withDeadline } from '../../base/deadline.ts'
import type { Logger } from '../../base/logger.ts'
import { blsSignatureParameter, parseBlsSignature } from '../../crypto/bls.ts'
import { type BlsTags, blsTags } from '../../crypto/bls-messages.ts'
import type { PeerRequester } from '../../protocol/peer-api/peer-request.ts'
import {
  decodeSignatureAnswer,
  encodeSignatureRequest,
  type SignatureAnswer,
  type SignatureRequest,
} from '../../protocol/peer-api/signature-request.ts'
import type { Member, MembershipEpoch, ServiceNodeKey } from '../../protocol/service-node.ts'
import { mapBounded } from '../bounded-parallel.ts'
import { StakingError } from '../errors.ts'
import type { MemberId } from '../member-codec.ts'
import type { StakingOptions } from '../options.ts'
import type { BlsThread } from './bls-thread.ts'
import type { ContractReader, ContractSigners } from './contract-reader.ts'
import type { SignatureMetrics } from './metrics.ts'
import type { SignatureOptions } from './options.ts'
import { requestOf } from './request-of-subject.ts'
import type { SigningLedger } from './rules.ts'
import {
  type CollectedSignature,
  insufficient,
  type NonSignerReason,
  type SignatureSource,
  type SignatureSubject,
} from './signature-source.ts'
import { signedMessageOf } from './signed-message.ts'
import type { Signer } from './signer.ts'

export interface PeerSourceComponents {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<SignatureMetrics, 'collections' | 'collectionSeconds' | 'falseSignatures'>
  readonly self: ServiceNodeKey
  readonly peers: PeerRequester
  /** This node itself: it signs by the same rules as the others. */
  readonly signer: Pick<Signer, 'sign'>
  readonly chain: { current(): MembershipEpoch | undefined }
  readonly contract: Pick<ContractReader, 'signers'>
  readonly ledger: SigningLedger | undefined
  readonly bls: BlsThread
}

export type PeerSourceOptions = SignatureOptions & Pick<StakingOptions, 'chainId' | 'contract'>

/** Collects signatures from the members of this network: from all of them, since each one more saves gas. */
export function createPeerSignatureSource(
  components: PeerSourceComponents,
  options: PeerSourceOptions,
): SignatureSource {
  return new PeerSource(components, options)
}

/** What has been collected of one message so far. */
interface Collection {
  readonly request: SignatureRequest
  readonly begunMs: TimestampMs
  /** Of members, each unchecked until it is part of a sum. */
  readonly signatures: Map<ServiceNodeKey, Uint8Array>
  readonly reasons: Map<ServiceNodeKey, NonSignerReason>
}

/** Members in the sum, and the sum. */
interface Summed {
  readonly signature: Uint8Array | undefined
  /** BLS keys. */
  readonly signers: ReadonlySet<string>
}

class PeerSource implements SignatureSource {
  readonly #components: PeerSourceComponents
  readonly #options: PeerSourceOptions
  readonly #tags: BlsTags
  /** When a member that lied is asked again. */
  readonly #benched = new Map<ServiceNodeKey, DurationMs>()
  /** By subject. */
  readonly #collections = new Map<string, Collection>()
  #underWay = 0

  constructor(components: PeerSourceComponents, options: PeerSourceOptions) {
    this.#components = components
    this.#options = options
    this.#tags = blsTags(options.chainId, options.contract)
  }

  async collect(subject: SignatureSubject, signal: AbortSignal): Promise<CollectedSignature> {
    const { clock, metrics } = this.#components
    if (this.#underWay >= this.#options.collectionsMax) throw busy()
    this.#underWay++
    const startMs = clock.monotonicMs()
    try {
      const collected = await this.#collect(subject, signal)
      metrics.collections.inc({ kind: subject.kind, outcome: 'enough' })
      metrics.collectionSeconds.observe((clock.monotonicMs() - startMs) / 1000)
      return collected
    } catch (error) {
      const isTooFew = error instanceof StakingError && error.code === 'SIGNATURES_INSUFFICIENT'
      metrics.collections.inc({ kind: subject.kind, outcome: isTooFew ? 'insufficient' : 'failed' })
      throw error
    } finally {
      this.#underWay--
    }
  }

  async #collect(subject: SignatureSubject, signal: AbortSignal): Promise<CollectedSignature> {
    const epoch = this.#components.chain.current()
    if (epoch === undefined) throw new StakingError('EPOCH_UNKNOWN', 'No service node list has been read yet')
    const collection = this.#collectionOf(requestOf(subject, this.#components))
    await this.#askAll(epoch.members, collection, signal)
    return this.#sumForNewestList(epoch.members, collection, signal)
  }

  /** Signatures collected a moment ago serve again, such as when somebody registered before the transaction was mined. */
  #collectionOf(request: SignatureRequest): Collection {
    const nowMs = this.#components.clock.monotonicMs()
    for (const [name, { begunMs }] of this.#collections) {
      if (nowMs - begunMs >= this.#options.reuseMs) this.#collections.delete(name)
    }
    const name = nameOf(request)
    const known = this.#collections.get(name)
    if (known !== undefined) return known
    const collection = { request, begunMs: nowMs, signatures: new Map(), reasons: new Map() }
    this.#collections.set(name, collection)
    return collection
  }

  /** Asks everyone whose signature is missing, at most for as long as may be. */
  async #askAll(members: readonly Member[], collection: Collection, parent: AbortSignal): Promise<void> {
    const signal = withDeadline(this.#options.collectTimeoutMs, parent)
    const missing = members.filter(({ key }) => !collection.signatures.has(key))
    const payload = encodeSignatureRequest(collection.request)
    await mapBounded(missing, this.#options.askedAtOnce, async ({ key }) => {
      const answer = await this.#ask(key, collection.request, payload, signal)
      if (typeof answer === 'string') collection.reasons.set(key, answer)
      else if ('refusal' in answer) collection.reasons.set(key, answer.refusal)
      else {
        collection.signatures.set(key, answer.signature)
        collection.reasons.delete(key)
      }
    })
    parent.throwIfAborted()
  }

  async #ask(
    key: ServiceNodeKey,
    request: SignatureRequest,
    payload: Uint8Array,
    signal: AbortSignal,
  ): Promise<SignatureAnswer | NonSignerReason> {
    const { self, signer, peers } = this.#components
    if (key === self) return signer.sign(request)
    if (this.#isBenched(key)) return 'benched'
    if (signal.aborted) return 'silent'
    let answer: Uint8Array
    try {
      answer = await peers.request(key, 'sign', payload, { timeoutMs: this.#options.askTimeoutMs, signal })
    } catch {
      return 'silent'
    }
    try {
      return decodeSignatureAnswer(answer)
    } catch {
      return 'malformed'
    }
  }

  #isBenched(key: ServiceNodeKey): boolean {
    const untilMs = this.#benched.get(key)
    if (untilMs === undefined || this.#components.clock.monotonicMs() < untilMs) return untilMs !== undefined
    this.#benched.delete(key)
    return false
  }

  /**
   * The contract asks for the signatures of all but those who are listed as non-signers, at the moment of the transaction. So the
   * newest list is looked at once more after summing, until it has stayed the same.
   */
  async #sumForNewestList(
    members: readonly Member[],
    collection: Collection,
    signal: AbortSignal,
  ): Promise<CollectedSignature> {
    const { contract } = this.#components
    let list = await contract.signers(signal)
    for (let look = 1; look < this.#options.listReadsMax; look++) {
      const summed = await this.#sum(members, list, collection, signal)
      const result = this.#resultOf(members, list, summed, collection)
      const newest = await contract.signers(signal)
      if (isSameList(list, newest)) return result
      list = newest
    }
    throw new StakingError('SIGNATURES_BUSY', 'The contract’s members change faster than signatures are summed')
  }

  /** Sums the signatures of those in the list; who lied is not asked for a while. */
  async #sum(
    members: readonly Member[],
    list: ContractSigners,
    { request, signatures, reasons }: Collection,
    signal: AbortSignal,
  ): Promise<Summed> {
    const listed = new Set(list.members.map(({ bls }) => bls))
    const signed = members.flatMap(({ key, bls }) => {
      const signature = signatures.get(key)
      return signature === undefined || !listed.has(bls) ? [] : [{ key, bls, signature }]
    })
    const message = signedMessageOf(request, this.#tags)
    if (message === undefined || signed.length === 0) return { signature: undefined, signers: new Set() }
    const shares = signed.map(({ bls, signature }) => ({ publicKey: fromHex(bls) ?? new Uint8Array(), signature }))
    const budgetMs = this.#options.bisectBudgetMs
    const task = { kind: 'collect', ...message, shares, budgetMs } as const
    const { signature, right, wrong, unchecked } = await this.#components.bls.run<'collect'>(task, signal)
    const keysAt = (places: readonly number[]) => places.flatMap((place) => signed[place]?.key ?? [])
    for (const key of keysAt(wrong)) {
      signatures.delete(key)
      reasons.set(key, 'false-signature')
      this.#bench(key)
    }
    for (const key of keysAt(unchecked)) reasons.set(key, 'unchecked')
    return { signature, signers: new Set(right.flatMap((place) => signed[place]?.bls ?? [])) }
  }

  #bench(key: ServiceNodeKey): void {
    const { clock, log, metrics } = this.#components
    this.#benched.set(key, clock.monotonicMs() + this.#options.benchMs)
    metrics.falseSignatures.inc()
    log.warn({ member: key }, 'A member gave a false signature and is not asked for a while')
  }

  #resultOf(
    members: readonly Member[],
    list: ContractSigners,
    { signature, signers }: Summed,
    { request, reasons }: Collection,
  ): CollectedSignature {
    const missing = list.members.filter(({ bls }) => !signers.has(bls))
    const refusals = countReasons(missing, members, reasons)
    const counts = { signed: list.members.length - missing.length, members: list.members.length, refusals }
    const sum = signature === undefined ? undefined : parseBlsSignature(signature)
    if (sum === undefined || missing.length > list.nonSignersMax) {
      throw insufficient({ ...counts, nonSignersMax: list.nonSignersMax })
    }
    return {
      kind: request.kind,
      ...(request.kind === 'reward' ? { totalAtomic: request.totalAtomic } : { timestampS: request.timestampS }),
      signature: blsSignatureParameter(sum),
      nonSigners: missing.map(({ id }) => id),
      ...counts,
    }
  }
}

/** Messages that differ in nothing but the minute are of one subject: the earlier one serves both. */
function nameOf(request: SignatureRequest): string {
  return request.kind === 'reward'
    ? [request.kind, request.recipient, request.index, request.totalAtomic].join(' ')
    : [request.kind, request.bls].join(' ')
}

function isSameList(a: ContractSigners, b: ContractSigners): boolean {
  return (
    a.nonSignersMax === b.nonSignersMax &&
    a.members.length === b.members.length &&
    a.members.every(({ id }, index) => id === b.members[index]?.id)
  )
}

function countReasons(
  missing: readonly MemberId[],
  members: readonly Member[],
  reasons: ReadonlyMap<ServiceNodeKey, NonSignerReason>,
): CollectedSignature['refusals'] {
  const keys = new Map(members.map(({ bls, key }) => [bls, key]))
  const counts: Partial<Record<NonSignerReason, number>> = {}
  for (const { bls } of missing) {
    const key = keys.get(bls)
    const reason = key === undefined ? 'new' : (reasons.get(key) ?? 'silent')
    counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

function busy(): StakingError {
  return new StakingError('SIGNATURES_BUSY', 'Signatures are being collected for others already; try again in a minute')
}
