import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { CHAIN_SUBREQUESTS_MAX, SUBREQUESTS_MAX } from '../limits.ts'
import type { Envelope } from './envelope.ts'
import { invalidRequest } from './parameter.ts'

/** Several requests in one: `batch` runs them together, `sequence` one after another until one fails. */
export interface BatchRequest {
  readonly requests: readonly Envelope[]
}

export function parseBatchParams(params: JsonObject): BatchRequest {
  const { requests } = params
  if (!Array.isArray(requests) || requests.length === 0) {
    throw invalidRequest('Invalid batch request: no valid "requests" field')
  }
  if (requests.length > SUBREQUESTS_MAX) throw invalidRequest('Invalid batch request: subrequest limit exceeded')
  const parsed = requests.map(parseSubrequest)
  if (parsed.filter(({ method }) => method === 'oxend_request').length > CHAIN_SUBREQUESTS_MAX) {
    throw invalidRequest('Invalid batch request: too many oxend_request subrequests')
  }
  return { requests: parsed }
}

function parseSubrequest(value: JsonValue): Envelope {
  if (!isJsonObject(value)) throw invalidRequest('Invalid batch request: requests must be objects')
  const { method, params } = value
  if (typeof method !== 'string' || !isJsonObject(params)) {
    throw invalidRequest('Invalid batch request: subrequests must have method/params keys')
  }
  return { method, params }
}
