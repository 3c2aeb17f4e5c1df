import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { fromHex, toHex, utf8 } from '../base/bytes.ts'
import { withDeadline } from '../base/deadline.ts'
import { isJsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import type { PeerRequester } from '../protocol/peer-api/peer-request.ts'
import { PeerRequestError } from '../protocol/peer-api/peer-request-error.ts'
import type { MembershipEpoch, ServiceNodeContact, ServiceNodeKey } from '../protocol/service-node.ts'

export interface SigningRequestComponents {
  readonly self: ServiceNodeKey
  readonly chain: { current(): MembershipEpoch | undefined }
  readonly peers: PeerRequester & { contact(key: ServiceNodeKey): ServiceNodeContact | undefined }
}

/** A signature in hex, and what JSON-RPC puts around it. */
const ANSWER_MAX_BYTES = 1024

/**
 * Asks members for signatures: over the peer network while this node is one of them. They let in nobody else, yet an operator whose
 * only node has left is still owed its stake. So what the account has earned is then asked for where anyone may, over HTTPS.
 */
export function createSigningRequester({ self, chain, peers }: SigningRequestComponents): PeerRequester {
  const isMember = () => chain.current()?.members.some(({ key }) => key === self) === true
  return {
    async request(peer, protocol, payload, options) {
      if (isMember()) return await peers.request(peer, protocol, payload, options)
      const contact = peers.contact(peer)
      if (contact === undefined) throw new PeerRequestError('PEER_UNKNOWN', 'Nobody knows where this service node is')
      const signal = withDeadline(options.timeoutMs, options.signal)
      const reply = await post(contact, payload, signal).catch((cause: unknown) => {
        const code = signal.aborted ? 'PEER_TIMEOUT' : 'PEER_UNREACHABLE'
        throw new PeerRequestError(code, 'The service node does not answer', { cause })
      })
      return answerIn(reply)
    },
  }
}

/** Any certificate will do: the signature is checked with the key that the contract has. */
async function post(
  { ip, httpsPort }: ServiceNodeContact,
  payload: Uint8Array,
  signal: AbortSignal,
): Promise<JsonValue> {
  const call = { jsonrpc: '2.0', id: 0, method: 'sign_reward', params: { request: toHex(payload) } }
  const body = utf8(JSON.stringify(call))
  const outgoing = request({
    ...{ host: ip, port: httpsPort, path: '/json_rpc', method: 'POST', signal },
    ...{ agent: false, rejectUnauthorized: false },
    headers: { 'Content-Type': 'application/json', 'Content-Length': body.length },
  })
  outgoing.end(body)
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of reply) {
    size += chunk.length
    if (size > ANSWER_MAX_BYTES) throw new Error('The answer is too long')
    chunks.push(chunk)
  }
  return parseJson(Buffer.concat(chunks))
}

function answerIn(reply: JsonValue): Uint8Array {
  const result = isJsonObject(reply) ? reply['result'] : undefined
  const answer = isJsonObject(result) ? result['answer'] : undefined
  const bytes = typeof answer === 'string' ? fromHex(answer) : undefined
  if (bytes === undefined) throw new PeerRequestError('PEER_FAILED', 'The service node refuses to answer')
  return bytes
}
