import { fromHex, toHex } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { type Ed25519PublicKey, ed25519PublicKey } from '../crypto/keys.ts'

/**
 * What names a service node everywhere: its Ed25519 key as 64 lower-case hex digits. The same key is the contract's
 * `serviceNodePubkey`, the libp2p peer id and, mapped to X25519, what opens onion layers.
 */
export type ServiceNodeKey = string & { readonly kind: 'ServiceNodeKey' }

export function parseServiceNodeKey(text: string): ServiceNodeKey | undefined {
  return /^[0-9a-fA-F]{64}$/.test(text) ? (text.toLowerCase() as ServiceNodeKey) : undefined
}

export function serviceNodeKey(publicKey: Ed25519PublicKey): ServiceNodeKey {
  return toHex(publicKey) as ServiceNodeKey
}

export function serviceNodeKeyBytes(key: ServiceNodeKey): Ed25519PublicKey {
  return ed25519PublicKey(fromHex(key) ?? new Uint8Array())
}

/** A service node as the staking contract has it. */
export interface Member {
  /** The contract's id: uint64 from 1, never reused. */
  readonly id: bigint
  readonly key: ServiceNodeKey
  /** BLS public key on bn254 G1, X then Y, 128 hex digits. */
  readonly bls: string
  /** Ethereum address, 0x and 40 hex digits. */
  readonly operator: `0x${string}`
  /** Unix seconds, as the contract keeps them. */
  readonly addedTimestampS: bigint
  /** Unix seconds; 0 when nobody asked for an exit. */
  readonly leaveRequestTimestampS: bigint
  /** Stake in the token's atomic units. */
  readonly depositAtomic: bigint
}

/** The service node list at one epoch boundary. Every honest node computes the same one (docs/architecture.md). */
export interface MembershipEpoch {
  /** k of the boundary T_k = k * epoch length. */
  readonly index: number
  /** The last finalized block with a timestamp at or before T_k. */
  readonly blockNumber: bigint
  /** 0x and 64 hex digits. */
  readonly blockHash: string
  readonly blockTimestampS: bigint
  /** Ascending by id. */
  readonly members: readonly Member[]
  /** SHA-256 over the members, 64 hex digits. */
  readonly root: string
}

/** Where a service node can be reached, as it says itself in its signed record. */
export interface ServiceNodeContact {
  readonly key: ServiceNodeKey
  readonly ip: string
  readonly httpsPort: number
  /** TCP port of libp2p. */
  readonly peerPort: number
  readonly version: readonly [number, number, number]
  /** When the record was signed. */
  readonly timestampMs: TimestampMs
}

/** Nodes that keep the same accounts' messages. */
export interface Swarm {
  /** Midpoint of the swarm's range of the 64-bit space. Does not fit a double: hex outside. */
  readonly id: bigint
  readonly members: readonly ServiceNodeKey[]
}

/** Hex without leading zeros, as clients read swarm ids. */
export function swarmIdText(id: bigint): string {
  return id.toString(16)
}
