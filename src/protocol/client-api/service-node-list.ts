import type { JsonObject } from '../json.ts'
import { objectField } from './parameter.ts'

// The list of service nodes, as `oxend_request get_service_nodes` and a seed's `get_n_service_nodes` give it.

/** One service node of the list. Clients name the fields that they want; two they always get. */
export type ServiceNodeState = {
  readonly service_node_pubkey: string
  readonly pubkey_ed25519: string
  readonly pubkey_x25519: string
  /** 0.0.0.0 when nobody knows where the node is; clients skip it. */
  readonly public_ip: string
  readonly storage_port: number
  readonly storage_lmq_port: number
  /** Hex without leading zeros. The decimal `swarm_id` is not given: it does not fit the doubles of JSON parsers. */
  readonly swarm: string
  readonly funded: boolean
  readonly active: boolean
  readonly storage_server_version: readonly [number, number, number]
  /** Unix seconds. */
  readonly last_uptime_proof: number
  /** Block at which a leaving node's stake unlocks, 0 when it stays. Clients refuse a list without it. */
  readonly requested_unlock_height: number
}

export interface ServiceNodeListRequest {
  /** Absent: all fields. */
  readonly fields?: ReadonlySet<string>
  readonly limit?: number
}

/** `fields` is an object of booleans or an array of names; clients use both. Whatever else is given is ignored. */
export function parseServiceNodeListParams(params: JsonObject): ServiceNodeListRequest {
  const { fields: names, limit } = params
  const wanted = objectField(params, 'fields')
  const fields = Array.isArray(names)
    ? new Set(names.filter((name) => typeof name === 'string'))
    : wanted && new Set(Object.keys(wanted).filter((name) => wanted[name] === true))
  return {
    ...(fields !== undefined && { fields }),
    ...(typeof limit === 'number' && limit > 0 && { limit }),
  }
}
