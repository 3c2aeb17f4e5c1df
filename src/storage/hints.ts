import type { TimestampMs } from '../base/clock.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'

/** Requests that a peer could not be told, in the order in which they came, until it has answered them or they are too old. */
export interface Hints {
  /** Settles when the disk has it; with false when there is no room. */
  add(peer: ServiceNodeKey, payload: Uint8Array, expiryMs: TimestampMs): Promise<boolean>
  /** Peers that have anything waiting. */
  peers(): readonly ServiceNodeKey[]
  /** The oldest that wait: as many as fit, one at least. What is too old is taken away. */
  next(peer: ServiceNodeKey, countMax: number, sizeMax: number): Promise<Hint[]>
  /** Forgets those that were answered. Settles when the disk has it. */
  remove(peer: ServiceNodeKey, ids: readonly number[]): Promise<void>
  statistics(): HintStatistics
}

export interface Hint {
  readonly id: number
  readonly payload: Uint8Array
}

export interface HintStatistics {
  readonly queued: number
  readonly bytes: number
  /** When the one that waits longest was queued. */
  readonly oldestMs?: TimestampMs
}
