import { parseServiceNodeListParams } from '../protocol/client-api/service-node-list.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import { RpcError } from './errors.ts'
import type { ServiceNodeList } from './service-node-list.ts'

// A seed's interface (JSON-RPC 2.0 over HTTPS): what a client asks before it knows any service node. Both methods are
// the same here, since every member of the list is staked in full.

const METHODS: ReadonlySet<string> = new Set(['get_n_service_nodes', 'get_service_nodes'])

/** Codes of JSON-RPC 2.0, section 5.1. */
const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const SERVER_ERROR = -32000

/** Answers every body with JSON; never rejects for what a client sent. */
export async function answerJsonRpc(
  body: Uint8Array,
  serviceNodes: Pick<ServiceNodeList, 'list'>,
): Promise<JsonObject> {
  const request = parsed(body)
  if (request === undefined) return failure(null, PARSE_ERROR, 'Parse error')
  if (!isJsonObject(request) || typeof request['method'] !== 'string') {
    return failure(null, INVALID_REQUEST, 'Invalid Request')
  }
  const { method, params } = request
  const id = requestId(request['id'])
  if (!METHODS.has(method)) return failure(id, METHOD_NOT_FOUND, 'Method not found')
  try {
    const result = await serviceNodes.list(parseServiceNodeListParams(isJsonObject(params) ? params : {}))
    return { jsonrpc: '2.0', id, result }
  } catch (error) {
    if (error instanceof RpcError) return failure(id, SERVER_ERROR, error.message)
    throw error
  }
}

function parsed(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJson(body)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Clients may leave it out, and get `null`. */
function requestId(id: JsonValue | undefined): string | number | null {
  return typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id)) ? id : null
}

function failure(id: string | number | null, code: number, message: string): JsonObject {
  return { jsonrpc: '2.0', id, error: { code, message } }
}
