import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HttpsPlace, postToNode } from './node-request.ts'

const BODY_MAX_BYTES = 64 * 1024

export interface SeedServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
}

/**
 * Answers `POST /json_rpc` in plain HTTP on loopback by asking the nodes in turn: clients under development refuse
 * self-signed certificates of seeds, and every node can be a client's seed.
 */
export async function startSeedServer(nodes: () => readonly HttpsPlace[]): Promise<SeedServer> {
  const server = createServer((incoming, response) => {
    answer(incoming, response, nodes()).catch(() => {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  nodes: readonly HttpsPlace[],
): Promise<void> {
  if (incoming.method !== 'POST' || incoming.url !== '/json_rpc') {
    response.writeHead(404).end('POST /json_rpc is what a seed answers\n')
    return
  }
  const body = await readBody(incoming)
  for (const node of nodes) {
    const reply = await postToNode(node, '/json_rpc', body).catch(() => undefined)
    if (reply === undefined) continue
    response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(reply.body)
    return
  }
  response.writeHead(503).end('No node answers\n')
}

async function readBody(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > BODY_MAX_BYTES) throw new Error('The request is too large for a seed')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
