import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: readonly string[]
  readonly body: Buffer
  /** Where the request came from. */
  readonly from: string | undefined
}

export interface WebServer extends AsyncDisposable {
  readonly port: number
  readonly requests: readonly SeenRequest[]
}

/** Answers whole requests; over TLS when there is a certificate. */
export async function startWebServer(
  answer: RequestListener,
  { host = '127.0.0.1', certificate }: { host?: string; certificate?: { key: string; cert: string } } = {},
): Promise<WebServer> {
  const requests: SeenRequest[] = []
  const listener: RequestListener = (request, response) => {
    void readBody(request).then((body) => {
      requests.push({
        method: request.method,
        url: request.url,
        headers: request.rawHeaders,
        body,
        from: request.socket.remoteAddress,
      })
      answer(request, response)
    })
  }
  const server: Server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener)
  server.listen(0, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
