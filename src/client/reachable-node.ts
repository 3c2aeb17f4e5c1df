import { bytesEqual } from '../base/bytes.ts'
import { KeyError, parseX25519PublicKey, toX25519PublicKey, type X25519PublicKey } from '../crypto/keys.ts'
import { parseIPv4 } from '../protocol/ipv4.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { parseServiceNodeKey, type ServiceNodeKey, serviceNodeKeyBytes } from '../protocol/service-node.ts'
import { ClientError } from './errors.ts'

/** A service node as a client knows it: who it is, and where its HTTPS port is. */
export interface ReachableNode {
  readonly key: ServiceNodeKey
  /** Opens its onion layers: the X25519 image of `key`. */
  readonly x25519: X25519PublicKey
  /** IPv4, dotted. */
  readonly ip: string
  readonly httpsPort: number
  /** The swarm that it belongs to, when the list says so: a point on the ring of accounts. */
  readonly swarm?: bigint
}

/** Longest list that is read. Session's network has about 2,000 nodes. */
export const NODES_MAX = 10_000

/** The fields that Session's clients ask for, in the form of the desktop client, and the swarm, of which others ask. */
export const NODE_FIELDS: JsonObject = {
  public_ip: true,
  storage_port: true,
  pubkey_x25519: true,
  pubkey_ed25519: true,
  requested_unlock_height: true,
  height: true,
  swarm: true,
}

/**
 * Reads `service_node_states`. Nodes that have not said where they are (no address, port 0 or no key), or that said
 * something else than an IPv4 address, are left out: addresses are each node's own word, and one must not be able to
 * spoil the list for all. Anything else that is not as it should be makes the list invalid: its source is at fault.
 * @throws {ClientError} NODE_LIST_INVALID
 */
export function parseServiceNodeStates(states: JsonValue | undefined): ReachableNode[] {
  if (!Array.isArray(states)) throw invalid('service_node_states is not a list')
  if (states.length > NODES_MAX) throw invalid('service_node_states has too many entries')
  const nodes = new Map<ServiceNodeKey, ReachableNode>()
  for (const state of states) {
    const node = parseState(state)
    if (node !== undefined && !nodes.has(node.key)) nodes.set(node.key, node)
  }
  return [...nodes.values()]
}

function parseState(state: JsonValue | undefined): ReachableNode | undefined {
  if (!isJsonObject(state)) throw invalid('an entry is not an object')
  const { public_ip: ip, storage_port: port, pubkey_ed25519: ed25519, pubkey_x25519: x25519 } = state
  if (typeof ip !== 'string') throw invalid('public_ip is not text')
  if (typeof port !== 'number' || !Number.isInteger(port)) throw invalid('storage_port is not an integer')
  if (typeof ed25519 !== 'string' || typeof x25519 !== 'string') throw invalid('a key is not text')
  if (parseIPv4(ip) === undefined || ip === '0.0.0.0' || port === 0 || ed25519 === '' || x25519 === '') return undefined
  const swarm = swarmIn(state['swarm'])
  return { ...reachableNode(ed25519, x25519, ip, port), ...(swarm !== undefined && { swarm }) }
}

/** What old lists say of a node that is in no swarm. */
const NO_SWARM = 0xffff_ffff_ffff_ffffn

/** Hex. A list without swarms is good too, so whatever is no swarm id counts as none. */
function swarmIn(value: JsonValue | undefined): bigint | undefined {
  const id = typeof value === 'string' && /^[0-9a-f]{1,16}$/i.test(value) ? BigInt(`0x${value}`) : NO_SWARM
  return id === NO_SWARM ? undefined : id
}

function reachableNode(ed25519: string, x25519: string, ip: string, httpsPort: number): ReachableNode {
  const key = parseServiceNodeKey(ed25519)
  if (key === undefined) throw invalid('pubkey_ed25519 is not 64 hex digits')
  const image = imageOf(key)
  const stated = parseX25519PublicKey(x25519)
  // Another X25519 key would have requests sealed to somebody else than the node that answers for them.
  if (stated === undefined || !bytesEqual(stated, image))
    throw invalid('pubkey_x25519 does not belong to pubkey_ed25519')
  if (httpsPort < 0 || httpsPort > 65_535) throw invalid('storage_port is out of range')
  return { key, x25519: image, ip, httpsPort }
}

function imageOf(key: ServiceNodeKey): X25519PublicKey {
  try {
    return toX25519PublicKey(serviceNodeKeyBytes(key))
  } catch (cause) {
    if (cause instanceof KeyError) throw invalid('pubkey_ed25519 is not a point of the curve')
    throw cause
  }
}

/** The /24 network of an address: its first three numbers. Who rents one address of it often rents its neighbours. */
export function subnetOf({ ip }: ReachableNode): string {
  return ip.slice(0, ip.lastIndexOf('.'))
}

function invalid(what: string): ClientError {
  return new ClientError('NODE_LIST_INVALID', `The list of service nodes is invalid: ${what}`)
}
