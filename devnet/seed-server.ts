import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { DevnetNode } from './network.ts'

const BODY_MAX_BYTES = 64 * 1024
const ANSWER_TIMEOUT_MS = 5000

export interface SeedServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
}

/**
 * Answers `POST /json_rpc` in plain HTTP on loopback by asking the nodes in turn: clients under development refuse
 * self-signed certificates of seeds, and every node can be a client's seed.
 */
export async function startSeedServer(nodes: () => readonly DevnetNode[]): Promise<SeedServer> {
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
  nodes: readonly DevnetNode[],
): Promise<void> {
  if (incoming.method !== 'POST' || incoming.url !== '/json_rpc') {
    response.writeHead(404).end('POST /json_rpc is what a seed answers\n')
    return
  }
  const body = await readBody(incoming)
  for (const node of nodes) {
    const reply = await ask(node, body).catch(() => undefined)
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

async function ask(node: DevnetNode, body: Buffer): Promise<{ status: number; body: Buffer }> {
  const outgoing = request({
    host: node.ip,
    port: node.httpsPort,
    path: '/json_rpc',
    method: 'POST',
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    headers: { 'Content-Length': body.length },
  })
  outgoing.end(body)
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk)
  return { status: reply.statusCode ?? 502, body: Buffer.concat(chunks) }
}
