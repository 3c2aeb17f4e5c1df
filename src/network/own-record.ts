import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { NetworkId } from '../protocol/network-id.ts'
import type { RecordedEpoch } from '../protocol/peer-api/node-record.ts'
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
}

export interface OwnRecordComponents {
  privateKey: PrivateKey
  network: NetworkId
  clock: Clock
  /** Undefined while the node is not a member or does not know its address. */
  facts(): OwnRecordFacts | undefined
  peerPort(): number | undefined
}

/** Signs a record of the moment. Each is newer than the last, even if the clock stood still or went back. */
export function createOwnRecord({ privateKey, network, clock, facts, peerPort }: OwnRecordComponents) {
  let lastMs = 0
  return {
    async sign(): Promise<Uint8Array | undefined> {
      const now = facts()
      const port = peerPort()
      if (now === undefined || port === undefined) return undefined
      lastMs = Math.max(clock.nowMs(), lastMs + 1)
      const { contractId, bls, publicIp, httpsPort, version, epoch } = now
      const place = { ip: publicIp, httpsPort, peerPort: port }
      const record = { network, contractId, bls: bls.toLowerCase(), ...place, version, timestampMs: lastMs, epoch }
      return sealNodeRecord(record, privateKey)
    },
  }
}

export type OwnRecord = ReturnType<typeof createOwnRecord>
