import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '../base/logger.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { HeldRecord } from '../protocol/peer-api/record-exchange.ts'
import type { ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'
import type { NetworkMetrics, RecordOutcome } from './metrics.ts'
import type { ClaimedRecord, OpenedRecord } from './node-record-envelope.ts'
import { rotated } from './random-choice.ts'
import type { RecordFile } from './record-file.ts'
import type { RecordJudge } from './record-judge.ts'

/** Who has a stake. */
interface Membership {
  isMember(key: ServiceNodeKey): boolean
  members(): readonly { readonly key: ServiceNodeKey }[]
}

export interface PeerDirectoryComponents {
  membership: Membership
  judge: RecordJudge
  file: RecordFile
  log: Logger
  metrics: NetworkMetrics
}

export interface StoredRecord extends OpenedRecord {
  readonly envelope: Uint8Array
}

/** A record that was taken, and the one it replaced. */
export interface RecordChange {
  readonly stored: StoredRecord
  readonly before: StoredRecord | undefined
}

/** Changes within this time are written together; all it can cost is asking others again after a crash. */
const WRITE_DELAY_MS = 1000
/** Signatures checked in one turn of the event loop, at about 0.2 ms each. */
const CHECKS_PER_TURN = 8

/** Where each member is, as it says itself: the newest believable record of each, never more than there are members. */
export class PeerDirectory implements AsyncDisposable {
  readonly #components: PeerDirectoryComponents
  readonly #records = new Map<ServiceNodeKey, StoredRecord>()
  readonly #listeners = new Set<(change: RecordChange) => void>()
  /** From disk, kept until there are members to judge them by. */
  #unjudged: readonly Uint8Array[] = []
  #writeTimer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(components: PeerDirectoryComponents) {
    this.#components = components
  }

  async load(): Promise<void> {
    this.#unjudged = await this.#components.file.read()
    await this.membershipChanged()
  }

  get(key: ServiceNodeKey): StoredRecord | undefined {
    return this.#records.get(key)
  }

  all(): readonly StoredRecord[] {
    return [...this.#records.values()]
  }

  contact(key: ServiceNodeKey): ServiceNodeContact | undefined {
    const stored = this.#records.get(key)
    return stored === undefined ? undefined : contactOf(stored)
  }

  contacts(): readonly ServiceNodeContact[] {
    return this.all().map(contactOf)
  }

  /** Members without a record. */
  missing(): readonly ServiceNodeKey[] {
    return this.#components.membership.members().flatMap(({ key }) => (this.#records.has(key) ? [] : [key]))
  }

  held(): readonly HeldRecord[] {
    return this.all().map(({ key, record }) => ({ key, timestampMs: record.timestampMs }))
  }

  /** Records that someone who holds `held` lacks or has in an older version, up to `bytesMax`, in random order. */
  newerThan(held: readonly HeldRecord[], bytesMax: number): readonly Uint8Array[] {
    const timestamps = new Map(held.map(({ key, timestampMs }) => [key, timestampMs]))
    const newer = this.all().filter(({ key, record }) => record.timestampMs > (timestamps.get(key) ?? -1))
    let bytes = 2
    // Where not everything fits, different askers should get different parts.
    return rotated(newer)
      .map(({ envelope }) => envelope)
      .filter((envelope) => {
        bytes += 2 + envelope.length
        return bytes <= bytesMax
      })
  }

  /** Whether anyone who holds `held` has something that we lack or have in an older version. */
  lacksAnyOf(held: readonly HeldRecord[]): boolean {
    return held.some(
      ({ key, timestampMs }) =>
        this.#components.membership.isMember(key) && timestampMs > (this.#records.get(key)?.record.timestampMs ?? -1),
    )
  }

  /** Judges and keeps one record. */
  accept(envelope: Uint8Array, options: { anyAge?: boolean } = {}): Promise<RecordOutcome> {
    return this.#acceptClaim(this.#components.judge.read(envelope), envelope, options)
  }

  /**
   * As accept, for what one peer hands over; the event loop gets its turns. An honest peer holds one record of each node and has
   * checked it, so the first that is forged or there twice ends the list: signatures are what it could keep us busy with.
   * @throws {ProtocolError} SIGNATURE_INVALID, FRAME_MALFORMED
   */
  async acceptAll(envelopes: readonly Uint8Array[]): Promise<void> {
    const seen = new Set<ServiceNodeKey>()
    for (const [index, envelope] of envelopes.entries()) {
      await this.#giveWay(index)
      const claim = this.#components.judge.read(envelope)
      const outcome = await this.#acceptClaim(claim, envelope, {})
      if (claim === 'malformed' || seen.has(claim.key)) {
        throw new ProtocolError('FRAME_MALFORMED', 'A list with what is no record, or two of one node')
      }
      if (outcome === 'signature') throw new ProtocolError('SIGNATURE_INVALID', 'A list with a forged record')
      seen.add(claim.key)
    }
  }

  /** Tells of each record that was taken; returns how to stop. */
  onRecord(listener: (change: RecordChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** To be called after each change of the member list: ex-members are forgotten. */
  async membershipChanged(): Promise<void> {
    const { membership } = this.#components
    for (const key of [...this.#records.keys()]) if (!membership.isMember(key)) this.#records.delete(key)
    if (membership.members().length > 0 && this.#unjudged.length > 0) {
      const envelopes = this.#unjudged
      this.#unjudged = []
      for (const [index, envelope] of envelopes.entries()) {
        await this.#giveWay(index)
        await this.accept(envelope, { anyAge: true })
      }
    }
    this.#count()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    if (this.#writeTimer !== undefined) this.#write()
    await this.#writing
  }

  async #giveWay(index: number): Promise<void> {
    if (index % CHECKS_PER_TURN === CHECKS_PER_TURN - 1) await nextTurn()
  }

  async #acceptClaim(
    claim: ClaimedRecord | 'malformed',
    envelope: Uint8Array,
    options: { anyAge?: boolean },
  ): Promise<RecordOutcome> {
    const outcome = claim === 'malformed' ? claim : await this.#decide(claim, envelope, options)
    this.#components.metrics.recordsReceived.inc({ outcome })
    return outcome
  }

  async #decide(claim: ClaimedRecord, envelope: Uint8Array, options: { anyAge?: boolean }): Promise<RecordOutcome> {
    if (!this.#isNewer(claim)) return 'known'
    const refusal = await this.#components.judge.judge(claim, options)
    if (refusal !== undefined) return refusal
    // Another copy may have been judged meanwhile, and the stake may have ended.
    if (!this.#isNewer(claim)) return 'known'
    if (!this.#components.membership.isMember(claim.key)) return 'not-member'
    return this.#keep({ key: claim.key, record: claim.record, envelope: Uint8Array.from(envelope) })
  }

  /** A record from before our clock was set back, which nobody would believe now, gives way to any. */
  #isNewer({ key, record }: OpenedRecord): boolean {
    const heldMs = this.#records.get(key)?.record.timestampMs ?? -1
    return record.timestampMs > heldMs || this.#components.judge.isAhead(heldMs)
  }

  #keep(stored: StoredRecord): RecordOutcome {
    const before = this.#records.get(stored.key)
    this.#records.set(stored.key, stored)
    this.#count()
    this.#writeSoon()
    for (const listener of this.#listeners) listener({ stored, before })
    return before === undefined ? 'new' : 'updated'
  }

  #count(): void {
    this.#components.metrics.records.set(this.#records.size)
    // Only members are held.
    this.#components.metrics.missingRecords.set(this.#components.membership.members().length - this.#records.size)
  }

  /** A record that was being judged when we closed is not written: the folder is no longer ours. */
  #writeSoon(): void {
    if (this.#closed) return
    this.#writeTimer ??= setTimeout(() => this.#write(), WRITE_DELAY_MS)
    this.#writeTimer.unref()
  }

  #write(): void {
    clearTimeout(this.#writeTimer)
    this.#writeTimer = undefined
    const { file, log } = this.#components
    const write = () => file.write(this.all().map(({ envelope }) => envelope))
    this.#writing = this.#writing.then(write).catch((error: unknown) => {
      log.warn({ error }, 'The records of other service nodes could not be written to disk')
    })
  }
}

function contactOf({ key, record }: StoredRecord): ServiceNodeContact {
  const { ip, httpsPort, peerPort, version, timestampMs } = record
  return { key, ip, httpsPort, peerPort, version, timestampMs }
}
