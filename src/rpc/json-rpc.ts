import { fromHex, toHex } from '../base/bytes.ts'
import { parseServiceNodeListParams } from '../protocol/client-api/service-node-list.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import { RpcError } from './errors.ts'
import type { ServiceNodeList } from './service-node-list.ts'

// A seed's interface (JSON-RPC 2.0 over HTTPS): what a client asks before it knows any service node. Both of its methods are
// the same here, since every member of the list is staked in full. `sign_reward` is for operators whose node has left the network.

export interface JsonRpcComponents {
  readonly serviceNodes: Pick<ServiceNodeList, 'list'>
  /**
   * Signs what an account has earned, for the staking contract: a request and an answer of the peer protocol `sign`.
   * @throws {ProtocolError} for what is no such request
   */
  readonly signReward: (request: Uint8Array) => Promise<Uint8Array>
}

type Method = (params: JsonObject, components: JsonRpcComponents) => Promise<JsonValue>

const listServiceNodes: Method = (params, { serviceNodes }) => serviceNodes.list(parseServiceNodeListParams(params))

const METHODS: ReadonlyMap<string, Method> = new Map([
  ['get_n_service_nodes', listServiceNodes],
  ['get_service_nodes', listServiceNodes],
  [
    'sign_reward',
    async ({ request }, { signReward }) => {
      const bytes = fromHex(typeof request === 'string' ? request : '')
      return { answer: toHex(await signReward(bytes ?? new Uint8Array())) }
    },
  ],
])

/** Codes of JSON-RPC 2.0, section 5.1. */
const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const SERVER_ERROR = -32000

/** Answers every body with JSON; never rejects for what a client sent. */
export async function answerJsonRpc(body: Uint8Array, components: JsonRpcComponents): Promise<JsonObject> {
  const request = parsed(body)
  if (request === undefined) return failure(null, PARSE_ERROR, 'Parse error')
  if (!isJsonObject(request) || typeof request['method'] !== 'string') {
    return failure(null, INVALID_REQUEST, 'Invalid Request')
  }
  const { params } = request
  const id = requestId(request['id'])
  const method = METHODS.get(request['method'])
  if (method === undefined) return failure(id, METHOD_NOT_FOUND, 'Method not found')
  try {
    const result = await method(isJsonObject(params) ? params : {}, components)
    return { jsonrpc: '2.0', id, result }
  } catch (error) {
    if (error instanceof RpcError) return failure(id, SERVER_ERROR, error.message)
    if (error instanceof ProtocolError) return failure(id, INVALID_PARAMS, 'Invalid params')
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
