import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { HttpsPlace } from '../../devnet/node-request.ts'

/** A request that a node is in the middle of. */
export interface HangingRequest {
  /** Sends the rest and gives the status of the answer. */
  finish(): Promise<number>
  /** Ends it without a word. */
  abandon(): void
}

/** Begins a client's request and settles once the node has read its headers and waits for the body. */
export async function beginRequest({ ip, httpsPort }: HttpsPlace, body: string): Promise<HangingRequest> {
  const outgoing = request({
    host: ip,
    port: httpsPort,
    path: '/storage_rpc/v1',
    method: 'POST',
    agent: false,
    rejectUnauthorized: false,
    // The node answers `100 Continue` when it has taken the request up.
    headers: { 'Content-Length': Buffer.byteLength(body), Expect: '100-continue' },
  })
  outgoing.flushHeaders()
  await once(outgoing, 'continue')
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => {})
  return {
    async finish() {
      outgoing.end(body)
      const [answer] = await answered
      answer.resume()
      return answer.statusCode ?? 0
    },
    abandon: () => outgoing.destroy(),
  }
}
