import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { SECOND } from '../src/base/clock.ts'
import { parseServiceNodeKey, type ServiceNodeKey } from '../src/protocol/service-node.ts'

const ANSWER_TIMEOUT_MS = 10 * SECOND

/** Where a service node takes clients' requests. */
export interface HttpsPlace {
  readonly ip: string
  readonly httpsPort: number
}

export interface HttpsAnswer {
  readonly status: number
  readonly contentType: string | undefined
  readonly body: Buffer
}

/** Posts to a service node as a client does that is not on an onion path: any certificate will do. */
export async function postToNode(
  { ip, httpsPort }: HttpsPlace,
  path: string,
  body: Uint8Array | string,
): Promise<HttpsAnswer> {
  const outgoing = request({
    host: ip,
    port: httpsPort,
    path,
    method: 'POST',
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    headers: { 'Content-Length': Buffer.byteLength(body) },
  })
  outgoing.end(body)
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk)
  return { status: reply.statusCode ?? 0, contentType: reply.headers['content-type'], body: Buffer.concat(chunks) }
}

/** Calls a method of the client RPC directly. */
export async function callNode(
  node: HttpsPlace,
  method: string,
  params: object,
): Promise<{ status: number; body: unknown }> {
  const { status, body } = await postToNode(node, '/storage_rpc/v1', JSON.stringify({ method, params }))
  const text = body.toString()
  return { status, body: text.startsWith('{') ? JSON.parse(text) : text }
}

export interface ListedNode {
  readonly key: ServiceNodeKey
  /** 0.0.0.0 while the asked node does not know it. */
  readonly ip: string
  /** Hex. */
  readonly swarm: string
}

/** The service node list as one node has it. */
export async function listFrom(node: HttpsPlace): Promise<readonly ListedNode[]> {
  const call = { jsonrpc: '2.0', method: 'get_n_service_nodes', params: { active_only: true } }
  const { body } = await postToNode(node, '/json_rpc', JSON.stringify(call))
  const { result } = JSON.parse(body.toString()) as { result: { service_node_states: Record<string, string>[] } }
  return result.service_node_states.map((state) => ({
    key: parseServiceNodeKey(state['pubkey_ed25519'] ?? '') as ServiceNodeKey,
    ip: state['public_ip'] ?? '',
    swarm: state['swarm'] ?? '',
  }))
}
