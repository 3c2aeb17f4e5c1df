import type { Clock, TimestampMs } from '../base/clock.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { NodeRecord } from '../protocol/peer-api/node-record.ts'
import type { Member, ServiceNodeKey } from '../protocol/service-node.ts'
import { isAddressAllowed } from './address-rules.ts'
import type { RecordRefusal } from './metrics.ts'
import { type ClaimedRecord, type OpenedRecord, readNodeRecord } from './node-record-envelope.ts'
import type { NetworkOptions } from './options.ts'

export interface RecordJudgeComponents {
  network: NetworkId
  memberOf(key: ServiceNodeKey): Member | undefined
  clock: Clock
}

export type RecordJudgeOptions = Pick<
  NetworkOptions,
  'allowPrivateAddresses' | 'recordClockToleranceMs' | 'recordAgeMaxMs'
>

/** Decides whether a record may be believed, cheap questions first and the signature last. */
export class RecordJudge {
  readonly #components: RecordJudgeComponents
  readonly #options: RecordJudgeOptions

  constructor(components: RecordJudgeComponents, options: RecordJudgeOptions) {
    this.#components = components
    this.#options = options
  }

  /** The claim, or why not even that. */
  read(envelope: Uint8Array): ClaimedRecord | 'malformed' {
    try {
      return readNodeRecord(envelope)
    } catch (error) {
      if (error instanceof ProtocolError) return 'malformed'
      throw error
    }
  }

  /** `anyAge` is for records from our own disk: old ones still tell where to ask. */
  async judge(claim: ClaimedRecord, { anyAge = false } = {}): Promise<RecordRefusal | undefined> {
    const { network, memberOf } = this.#components
    const { key, record } = claim
    if (record.network !== network) return 'other-network'
    const member = memberOf(key)
    if (member === undefined) return 'not-member'
    if (member.id !== record.contractId || member.bls.toLowerCase() !== record.bls) return 'other-keys'
    const refusal = this.#judgeTime(record, anyAge)
    if (refusal !== undefined) return refusal
    if (!isAddressAllowed(record.ip, { allowPrivate: this.#options.allowPrivateAddresses })) return 'address'
    return (await claim.isSignedFor(network)) ? undefined : 'signature'
  }

  /** Whether nobody would believe this moment: it is further ahead than clocks may differ. */
  isAhead(timestampMs: TimestampMs): boolean {
    return timestampMs > this.#components.clock.nowMs() + this.#options.recordClockToleranceMs
  }

  /** For those who want all or nothing. @throws {ProtocolError} */
  async open(envelope: Uint8Array): Promise<OpenedRecord> {
    const claim = readNodeRecord(envelope)
    const refusal = await this.judge(claim)
    if (refusal === undefined) return claim
    const code = refusal === 'signature' ? 'SIGNATURE_INVALID' : 'FRAME_MALFORMED'
    throw new ProtocolError(code, 'A record that is not believed', { details: { refusal } })
  }

  #judgeTime({ timestampMs }: NodeRecord, anyAge: boolean): RecordRefusal | undefined {
    if (this.isAhead(timestampMs)) return 'clock'
    const oldestMs = this.#components.clock.nowMs() - this.#options.recordAgeMaxMs
    return !anyAge && timestampMs < oldestMs ? 'expired' : undefined
  }
}
