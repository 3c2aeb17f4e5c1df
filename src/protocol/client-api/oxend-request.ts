import type { JsonObject } from '../json.ts'
import { invalidRequest, objectField, required, stringField } from './parameter.ts'

/** What clients may ask of the chain through a service node. */
export type ChainEndpoint = 'get_service_nodes' | 'ons_resolve'

export interface OxendRequest {
  readonly endpoint: ChainEndpoint
  readonly params: JsonObject
}

export function parseOxendRequestParams(params: JsonObject): OxendRequest {
  const endpoint = required(stringField(params, 'endpoint'), 'endpoint')
  if (!isChainEndpoint(endpoint)) throw invalidRequest(`Invalid oxend endpoint '${endpoint}'`)
  return { endpoint, params: objectField(params, 'params') ?? {} }
}

function isChainEndpoint(text: string): text is ChainEndpoint {
  return text === 'get_service_nodes' || text === 'ons_resolve'
}
