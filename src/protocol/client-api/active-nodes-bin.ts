import { concat } from '../../base/bytes.ts'
import { ed25519PublicKey } from '../../crypto/keys.ts'
import { ProtocolError } from '../errors.ts'
import { ipv4Text, parseIPv4 } from '../ipv4.ts'
import { type ServiceNodeContact, serviceNodeKey, serviceNodeKeyBytes } from '../service-node.ts'

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
/** Longest list that is read. Session's network has about 2,000 nodes. */
const ACTIVE_NODES_MAX = 10_000
const SWARM_AT = 32
const IP_AT = 40
const HTTPS_PORT_AT = 44
const PEER_PORT_AT = 46
const VERSION_AT = 48
const VERSION_PART_MAX = 255

/** A service node in a swarm, and where it is. */
export interface ActiveNode {
  readonly contact: Omit<ServiceNodeContact, 'timestampMs'>
  readonly swarm: bigint
}

/** Nodes whose address is no IPv4 one are left out: the record has no room for another. */
export function encodeActiveNodes(nodes: readonly ActiveNode[]): Uint8Array {
  return concat(...nodes.flatMap((node) => encodeActiveNode(node) ?? []))
}

/**
 * Keys are not checked to be on the curve.
 * @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE
 */
export function decodeActiveNodes(bytes: Uint8Array): ActiveNode[] {
  if (bytes.length % ACTIVE_NODE_SIZE !== 0) {
    throw new ProtocolError('FRAME_TRUNCATED', 'The list of active nodes ends within a record')
  }
  const count = bytes.length / ACTIVE_NODE_SIZE
  if (count > ACTIVE_NODES_MAX) throw new ProtocolError('FRAME_TOO_LARGE', 'The list of active nodes is too long')
  return Array.from({ length: count }, (_, at) =>
    decodeActiveNode(bytes.subarray(at * ACTIVE_NODE_SIZE, (at + 1) * ACTIVE_NODE_SIZE)),
  )
}

function encodeActiveNode({ contact, swarm }: ActiveNode): Uint8Array | undefined {
  const ip = parseIPv4(contact.ip)
  if (ip === undefined) return undefined
  const record = new Uint8Array(ACTIVE_NODE_SIZE)
  const fields = new DataView(record.buffer)
  record.set(serviceNodeKeyBytes(contact.key))
  fields.setBigUint64(SWARM_AT, swarm)
  record.set(ip, IP_AT)
  fields.setUint16(HTTPS_PORT_AT, contact.httpsPort)
  fields.setUint16(PEER_PORT_AT, contact.peerPort)
  // A part that has no room is as new as can be said.
  record.set(
    contact.version.map((part) => Math.min(part, VERSION_PART_MAX)),
    VERSION_AT,
  )
  return record
}

function decodeActiveNode(record: Uint8Array): ActiveNode {
  const fields = new DataView(record.buffer, record.byteOffset, record.length)
  const [major = 0, minor = 0, patch = 0] = record.subarray(VERSION_AT)
  return {
    contact: {
      key: serviceNodeKey(ed25519PublicKey(record.subarray(0, SWARM_AT))),
      ip: ipv4Text(record.subarray(IP_AT, HTTPS_PORT_AT)),
      httpsPort: fields.getUint16(HTTPS_PORT_AT),
      peerPort: fields.getUint16(PEER_PORT_AT),
      version: [major, minor, patch],
    },
    swarm: fields.getBigUint64(SWARM_AT),
  }
}
