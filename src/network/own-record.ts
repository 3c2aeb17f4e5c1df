import type { PrivateKey } from '@libp2p/interface'
import { type Clock, SECOND, type TimestampMs } from '../base/clock.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { RecordedEpoch, RecordedRewards } from '../protocol/peer-api/node-record.ts'
import { sealNodeRecord } from './node-record-envelope.ts'

/** What this node says of itself; asked for each time that a record is signed. */
export interface OwnRecordFacts {
  /** The contract's id. */
  readonly contractId: bigint
  /** 128 hex digits. */
  readonly bls: string
  /** Where clients and other nodes reach this node. */
  readonly publicIp: string
  readonly httpsPort: number
  readonly version: readonly [number, number, number]
  /** What membership this node judges by. */
  readonly epoch: RecordedEpoch
  /** What rewards this node would sign; undefined while it keeps no ledger of them. */
  readonly rewards?: RecordedRewards | undefined
}

/** A node that signs more often is heard, but not passed on: otherwise one node could keep everyone busy. */
export const RECORD_SPACING_MS = SECOND

export interface OwnRecordComponents {
  privateKey: PrivateKey
  network: NetworkId
  clock: Clock
  /** Undefined while the node is not a member or does not know its address. */
  facts(): OwnRecordFacts | undefined
  peerPort(): number | undefined
  /** Timestamp of the newest record of ours that anyone has, and would believe. */
  lastMs(): TimestampMs | undefined
}

/**
 * Signs a record of the moment. Each is newer than the last by what makes others pass it on, even if it follows at once, or the
 * clock was set back, or the last is from before a restart.
 */
export function createOwnRecord({ privateKey, network, clock, facts, peerPort, lastMs }: OwnRecordComponents) {
  return {
    async sign(): Promise<Uint8Array | undefined> {
      const now = facts()
      const port = peerPort()
      if (now === undefined || port === undefined) return undefined
      const timestampMs = Math.max(clock.nowMs(), (lastMs() ?? 0) + RECORD_SPACING_MS)
      const { contractId, bls, publicIp, httpsPort, version, epoch, rewards } = now
      const place = { ip: publicIp, httpsPort, peerPort: port }
      const record = { network, contractId, bls: bls.toLowerCase(), ...place, version, timestampMs, epoch }
      return sealNodeRecord(rewards === undefined ? record : { ...record, rewards }, privateKey)
    },
  }
}

export type OwnRecord = ReturnType<typeof createOwnRecord>
