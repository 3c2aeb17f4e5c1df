import { isIPv4 } from 'node:net'
import { concat } from '../../base/bytes.ts'
import type { ServiceNodeContact } from '../service-node.ts'
import { serviceNodeKeyBytes } from '../service-node.ts'

// The service nodes in swarms, as short as it can be said:
//
//   list   := record*                                                                                  no header
//   record := ed25519 32 | swarm u64 | IPv4 4 | https port u16 | libp2p port u16 | version u8 u8 u8    51 bytes, big-endian

/** Ask for the active service nodes. Any node answers. */
export type ActiveNodesBinRequest = Readonly<Record<never, never>>

export function parseActiveNodesBinParams(): ActiveNodesBinRequest {
  return {}
}

export const ACTIVE_NODE_SIZE = 51
const KEY_SIZE = 32
const VERSION_PART_MAX = 255

/** A service node in a swarm, and where it is. */
export interface ActiveNode {
  readonly contact: Omit<ServiceNodeContact, 'timestampMs'>
  readonly swarm: bigint
}

/** Nodes whose address is no IPv4 one are left out: the record has no room for another. */
export function encodeActiveNodes(nodes: readonly ActiveNode[]): Uint8Array {
  return concat(...nodes.filter(({ contact }) => isIPv4(contact.ip)).map(encodeActiveNode))
}

function encodeActiveNode({ contact, swarm }: ActiveNode): Uint8Array {
  const record = Buffer.alloc(ACTIVE_NODE_SIZE)
  record.set(serviceNodeKeyBytes(contact.key))
  let at = record.writeBigUInt64BE(swarm, KEY_SIZE)
  for (const part of contact.ip.split('.')) at = record.writeUInt8(Number(part), at)
  at = record.writeUInt16BE(contact.httpsPort, at)
  at = record.writeUInt16BE(contact.peerPort, at)
  // A part that has no room is as new as can be said.
  for (const part of contact.version) at = record.writeUInt8(Math.min(part, VERSION_PART_MAX), at)
  return record
}
