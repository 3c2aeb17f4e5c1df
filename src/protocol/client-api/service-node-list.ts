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

export type ServiceNodeField = keyof ServiceNodeState

/** A field without a line here does not compile. */
const FIELDS: Readonly<Record<ServiceNodeField, true>> = {
  service_node_pubkey: true,
  pubkey_ed25519: true,
  pubkey_x25519: true,
  public_ip: true,
  storage_port: true,
  storage_lmq_port: true,
  swarm: true,
  funded: true,
  active: true,
  storage_server_version: true,
  last_uptime_proof: true,
  requested_unlock_height: true,
}

export interface ServiceNodeListRequest {
  /** Absent: all fields. */
  readonly fields?: ReadonlySet<ServiceNodeField>
  readonly limit?: number
}

/** `fields` is an object of booleans or an array of names; clients use both. Whatever else is given is ignored. */
export function parseServiceNodeListParams(params: JsonObject): ServiceNodeListRequest {
  const { limit } = params
  const names = namedFields(params)
  return {
    ...(names !== undefined && { fields: new Set(names.filter(isField)) }),
    ...(typeof limit === 'number' && limit > 0 && { limit }),
  }
}

function namedFields(params: JsonObject): readonly string[] | undefined {
  const names = params['fields']
  if (Array.isArray(names)) return names.filter((name) => typeof name === 'string')
  const wanted = objectField(params, 'fields')
  return wanted && Object.keys(wanted).filter((name) => wanted[name] === true)
}

function isField(name: string): name is ServiceNodeField {
  return Object.hasOwn(FIELDS, name)
}
