import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Transport } from '../../src/client/index.ts'

export interface RecordedPost {
  readonly url: string
  readonly body: Uint8Array
}

/** Sends over real sockets, from an address that is told from all others, and keeps what it sent. */
export function createRecordingTransport(localAddress: string): Transport & { readonly posts: RecordedPost[] } {
  const posts: RecordedPost[] = []
  const plain = new http.Agent({ keepAlive: true })
  const secure = new https.Agent({ keepAlive: true, rejectUnauthorized: false })
  return {
    posts,
    async post(url, body, { timeoutMs, signal }) {
      posts.push({ url, body })
      const deadline = AbortSignal.timeout(timeoutMs)
      const options = {
        method: 'POST',
        localAddress,
        headers: { 'Content-Length': body.length },
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      }
      const request = url.startsWith('https:')
        ? https.request(url, { ...options, agent: secure })
        : http.request(url, { ...options, agent: plain })
      request.end(body)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
    },
    async [Symbol.asyncDispose]() {
      plain.destroy()
      secure.destroy()
    },
  }
}
