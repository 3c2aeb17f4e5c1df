// The other process of relay.bench.ts: answers each request with its own payload, over TLS and over our stream.
import { createServer } from 'node:tls'
import { presharedKey, readBareFrames, startBenchNode, tlsSuite, writeBareFrames } from './relay-network.ts'

const server = createServer({ ...tlsSuite, pskCallback: () => presharedKey }, (socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  const write = writeBareFrames((bytes) => socket.write(bytes))
  // As our node's, each request is answered by a handler that is asynchronous.
  const handle = async (payload: Uint8Array) => payload
  const answer = async (id: number, payload: Uint8Array) => write(id, await handle(payload))
  socket.on('data', readBareFrames(answer))
})
server.listen(0, '127.0.0.1', async () => {
  const node = await startBenchNode(1, [])
  const address = server.address()
  const tlsPort = typeof address === 'object' ? address?.port : undefined
  process.send?.({ tlsPort, multiaddr: node.status().listening[0] })
})
process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit())
