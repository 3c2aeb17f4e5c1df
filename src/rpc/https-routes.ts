import type { IncomingHttpHeaders } from 'node:http'
import { toBase64, utf8 } from '../base/bytes.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import type { JsonValue } from '../protocol/json.ts'
import { type ServiceNodeKey, serviceNodeKeyBytes } from '../protocol/service-node.ts'
import type { RejectReason } from './metrics.ts'
import type { RpcHandler } from './rpc-handler.ts'

/** What goes back over HTTPS. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: 'application/json' | 'text/plain' | 'application/octet-stream'
  readonly body: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** How many requests it answers, when there are more than one. */
  readonly requests?: number
  /** Set when an address does not pay for it with its rate. */
  readonly isFree?: true
  /** Set when no method saw the request; then it is free too. */
  readonly rejected?: RejectReason
}

/** What one kind of request needs: the signal aborts when the server stops, or the client is gone. */
export interface RouteCall {
  /** What limits count the client by. Never logged. */
  readonly address: string
  readonly body: Uint8Array
  readonly headers: IncomingHttpHeaders
  readonly stopping: AbortSignal
  readonly gone: AbortSignal
}

export interface Route {
  answer(call: RouteCall): Promise<HttpAnswer>
}

export interface RouteComponents {
  readonly rpc: Pick<RpcHandler, 'handleJson' | 'handleJsonRpc'>
  readonly onion: {
    handleClientRequest(
      body: Uint8Array,
      signal: AbortSignal,
    ): Promise<{
      readonly status: number
      readonly contentType: 'text/plain' | 'application/octet-stream'
      readonly body: Uint8Array
    }>
  }
  readonly identity: { readonly key: ServiceNodeKey }
  readonly info: { readonly version: readonly [number, number, number] }
}

/** What clients ask, by method and path. */
export function createRoutes({ rpc, onion }: RouteComponents): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    [
      'POST /storage_rpc/v1',
      {
        async answer({ address, body, headers, stopping }) {
          if (headers['x-loki-long-poll'] !== undefined) return LONG_POLL
          // The client's going away does not stop what members of its swarm should still hear of.
          return clientAnswer(await rpc.handleJson(body, stopping, 'https', address))
        },
      },
    ],
    ['POST /onion_req/v2', { answer: ({ body, gone }) => onion.handleClientRequest(body, gone) }],
    ['POST /json_rpc', { answer: async ({ body }) => jsonAnswer(200, await rpc.handleJsonRpc(body)) }],
  ])
}

/** What always gets the same answer, by method and path: no body is read for it, and no address pays for it. */
export function createFixedAnswers({ identity, info }: RouteComponents): ReadonlyMap<string, HttpAnswer> {
  const ownKey = toBase64(serviceNodeKeyBytes(identity.key))
  return new Map<string, HttpAnswer>([
    ['POST /ping_test/v1', { ...textAnswer(200, ''), headers: { 'X-Oxen-Snode-Pubkey': ownKey }, isFree: true }],
    ['GET /get_stats/v1', { ...jsonAnswer(200, { version: info.version.join('.') }), isFree: true }],
  ])
}

const LONG_POLL: HttpAnswer = textAnswer(
  410,
  'long polling is no longer supported, client upgrade required',
  'long_poll',
)

export function textAnswer(status: number, text: string, rejected?: RejectReason): HttpAnswer {
  return { status, contentType: 'text/plain', body: utf8(text), ...(rejected !== undefined && { rejected }) }
}

/** Exactly `application/json`: with a charset after it, clients take the answer for something else. */
function jsonAnswer(status: number, body: JsonValue): HttpAnswer {
  return { status, contentType: 'application/json', body: utf8(JSON.stringify(body)) }
}

function clientAnswer(answer: ClientAnswer): HttpAnswer {
  const { requests, retryAfterSeconds } = answer
  return {
    ...answerBody(answer),
    ...(requests !== undefined && { requests }),
    ...(retryAfterSeconds !== undefined && { headers: { 'Retry-After': String(retryAfterSeconds) } }),
  }
}

function answerBody({ status, body, bytes }: ClientAnswer): HttpAnswer {
  if (bytes !== undefined) return { status, contentType: 'application/octet-stream', body: bytes }
  return typeof body === 'string' ? textAnswer(status, body) : jsonAnswer(status, body)
}
