import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { SECOND } from '../src/base/clock.ts'

/** Where a node takes requests. */
export interface HttpsPlace {
  readonly host: string
  readonly port: number
}

export interface HttpRequest {
  /** POST unless given. */
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Says how long the body is instead of the body itself, which may then never come. */
  readonly claimedSize?: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Too many requests, or no time for them: what was asked is not what is refused. */
const BUSY_STATUSES: readonly number[] = [429, 503]
/** Connections to one node. A node takes 200 from one address, and clients of Session use a few. */
const SOCKETS_MAX = 12
/** Above the largest retrieve, through an onion. */
const REPLY_MAX_BYTES = 16 * 1024 * 1024

/** Sends requests over HTTPS, with any certificate, and keeps connections. */
export class HttpsExchange implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, rejectUnauthorized: false })

  /** The reply, whatever its status. When the node asks to slow down, that is done, up to the signal's end. */
  async exchange(place: HttpsPlace, outgoing: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    for (;;) {
      const reply = await this.#withReconnection(place, outgoing, signal)
      const waitS = Number(reply.headers['retry-after'])
      if (!BUSY_STATUSES.includes(reply.status) || Number.isNaN(waitS)) return reply
      await delay(waitS * SECOND, undefined, { signal })
    }
  }

  async #withReconnection(place: HttpsPlace, outgoing: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    for (;;) {
      const reply = await this.once(place, outgoing, signal)
      if (reply !== undefined) return reply
    }
  }

  /** The reply to one try, or undefined when a kept connection was closed just as it was used again. */
  async once(place: HttpsPlace, outgoing: HttpRequest, signal: AbortSignal): Promise<HttpReply | undefined> {
    const { method = 'POST', path, headers = {}, body = '', claimedSize } = outgoing
    const size = claimedSize ?? Buffer.byteLength(body)
    const sent = request({
      ...place,
      path,
      method,
      agent: this.#agent,
      signal,
      headers: { ...(method === 'GET' ? {} : { 'Content-Length': size }), ...headers },
    })
    try {
      if (claimedSize === undefined) sent.end(body)
      else sent.flushHeaders()
      const [reply] = (await once(sent, 'response')) as [IncomingMessage]
      const received = await bodyOf(reply)
      if (claimedSize !== undefined) sent.destroy()
      return { status: reply.statusCode ?? 0, headers: reply.headers, body: received }
    } catch (error) {
      signal.throwIfAborted()
      if (sent.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET')
        return undefined
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

async function bodyOf(reply: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > REPLY_MAX_BYTES) throw new Error(`A reply has more than ${REPLY_MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
