import type { IncomingMessage, ServerResponse } from 'node:http'
import { type LoopbackServer, startLoopbackServer } from './loopback-server.ts'
import { type HttpsPlace, postToNode } from './node-request.ts'

const BODY_MAX_BYTES = 64 * 1024

/**
 * Answers `POST /json_rpc` in plain HTTP on loopback by asking the nodes in turn: clients under development refuse
 * self-signed certificates of seeds, and every node can be a client's seed.
 */
export function startSeedServer(nodes: () => readonly HttpsPlace[]): Promise<LoopbackServer> {
  return startLoopbackServer(0, (incoming, response) => {
    answer(incoming, response, nodes()).catch(() => {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    })
  })
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
