import type { DurationMs } from '../src/base/clock.ts'
import { parseAccountId } from '../src/protocol/account.ts'
import type { JsonObject, JsonValue } from '../src/protocol/json.ts'
import { swarmIdFor } from '../src/protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../src/protocol/swarm-space.ts'
import { isObject } from './expectations.ts'
import type { HttpsExchange, HttpsPlace } from './https-exchange.ts'

/** A service node as the asked node's list has it. */
export interface NetworkNode {
  /** Ed25519, hex. */
  readonly key: string
  /** Hex. */
  readonly x25519: string
  readonly legacyKey: string
  readonly ip: string
  /** Hex without leading zeros; NO_SWARM when it is in none. */
  readonly swarm: string
  readonly place: HttpsPlace
}

/** What is known of the network before any case runs. */
export interface NetworkView {
  /** The node that is asked. */
  readonly node: NetworkNode
  /** Those with an address. */
  readonly nodes: readonly NetworkNode[]
  /** Ascending. */
  readonly swarmIds: readonly bigint[]
  /** The asked node's clock minus ours. */
  readonly clockOffsetMs: DurationMs
}

/** The node does not say what is needed to ask it anything else. */
export class NodeUnusable extends Error {
  override readonly name = 'NodeUnusable'
}

export const NO_SWARM = 'ffffffffffffffff'

const FIELDS: JsonObject = {
  service_node_pubkey: true,
  pubkey_ed25519: true,
  pubkey_x25519: true,
  public_ip: true,
  storage_port: true,
  swarm: true,
}

/** Asks the node who the others are, which of them it is itself, and what time it has. @throws NodeUnusable */
export async function viewNetwork(https: HttpsExchange, place: HttpsPlace, signal: AbortSignal): Promise<NetworkView> {
  const ask = (method: string, params: JsonObject) => call(https, place, { method, params }, signal)
  const sentMs = Date.now()
  const { timestamp } = await ask('info', {})
  if (typeof timestamp !== 'number') throw new NodeUnusable('Its info has no timestamp')
  const clockOffsetMs = Math.round(timestamp - (sentMs + Date.now()) / 2)

  const { result } = await ask('oxend_request', { endpoint: 'get_service_nodes', params: { fields: FIELDS } })
  const states = isObject(result) ? result['service_node_states'] : undefined
  if (!Array.isArray(states)) throw new NodeUnusable('It gives no service node list')
  const nodes = states.map(networkNode).filter(({ ip }) => ip !== '' && ip !== '0.0.0.0')

  const ownLegacyKey = await legacyKeyOf(https, place, signal)
  const node = nodes.find(({ legacyKey }) => legacyKey === ownLegacyKey)
  if (node === undefined) throw new NodeUnusable('It is not in its own service node list')
  if (node.swarm === NO_SWARM) throw new NodeUnusable('It is in no swarm, so it keeps no messages')
  const swarmIds = [...new Set(nodes.map(({ swarm }) => swarm))]
    .filter((swarm) => swarm !== NO_SWARM)
    .map((swarm) => BigInt(`0x${swarm}`))
    .sort((a, b) => (a < b ? -1 : 1))
  // The list may name an address that is not reachable from here, such as one behind a tunnel.
  return {
    node: { ...node, place },
    nodes: nodes.map((one) => (one === node ? { ...one, place } : one)),
    swarmIds,
    clockOffsetMs,
  }
}

async function call(
  https: HttpsExchange,
  place: HttpsPlace,
  request: JsonObject,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { status, body } = await https.exchange(
    place,
    { path: '/storage_rpc/v1', body: JSON.stringify(request) },
    signal,
  )
  const text = body.toString('utf8')
  if (status !== 200) throw new NodeUnusable(`It answers ${request['method']} with ${status} ${text.slice(0, 200)}`)
  try {
    return JSON.parse(text) as JsonObject
  } catch {
    throw new NodeUnusable(`It answers ${request['method']} with something else than JSON`)
  }
}

async function legacyKeyOf(https: HttpsExchange, place: HttpsPlace, signal: AbortSignal): Promise<string> {
  const { headers } = await https.exchange(place, { path: '/ping_test/v1' }, signal)
  const key = headers['x-oxen-snode-pubkey']
  if (typeof key !== 'string') throw new NodeUnusable('Its answer to a ping does not name its key')
  return key.length === 64 ? key : Buffer.from(key, 'base64').toString('hex')
}

function networkNode(state: JsonValue): NetworkNode {
  const text = (field: string) => (isObject(state) ? String(state[field] ?? '') : '')
  const [ip, key] = [text('public_ip'), text('pubkey_ed25519')]
  return {
    key,
    x25519: text('pubkey_x25519'),
    legacyKey: text('service_node_pubkey'),
    ip,
    swarm: text('swarm'),
    place: { host: ip, port: Number(text('storage_port')) },
  }
}

/** The swarm of an account as any client computes it: the nearest id on the ring. */
export function swarmTextOf(account: string, swarmIds: readonly bigint[]): string {
  const id = parseAccountId(account)
  const swarm = id === undefined ? undefined : swarmIdFor(swarmSpaceOf(id), swarmIds)
  return swarm === undefined ? NO_SWARM : swarm.toString(16)
}
