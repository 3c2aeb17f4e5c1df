// Exits for a network on one machine, and a place that counts who comes.
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { systemClock } from '../../../../src/base/clock.ts'
import { createMetricsRegistry } from '../../../../src/base/metrics.ts'
import { createOnionRelayMetrics } from '../../../../src/onion-relay/metrics.ts'
import { defaultOutsideServerOptions, type OutsideServerOptions } from '../../../../src/onion-relay/options.ts'
import { createOutsideServers, type OutsideServers } from '../../../../src/onion-relay/outside/outside-servers.ts'

/** Options of an exit for a network on one machine. */
export const localOptions: OutsideServerOptions = {
  ...defaultOutsideServerOptions,
  enabled: true,
  servers: ['127.0.0.1:*', '[::1]:*', '*:*'],
  allowPrivateAddresses: true,
}

export function createExit(options: Partial<OutsideServerOptions> = {}, ownAddresses: readonly string[] = []) {
  const registry = createMetricsRegistry()
  const components = { clock: systemClock, metrics: createOnionRelayMetrics(registry), ownAddresses }
  const servers: OutsideServers = createOutsideServers(components, { ...localOptions, ...options })
  return { ...servers, registry }
}

/** Some containers have no IPv6, not even on loopback. */
export const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1')

export const TARGET = '/oxen/v4/lsrpc'

export interface Sink extends AsyncDisposable {
  readonly port: number
  /** Addresses at which connections came in. */
  readonly connections: readonly string[]
}

/** Takes connections at every address of this machine, IPv4 and IPv6, and does with them what `serve` says. */
export async function startSink(serve: (socket: Socket) => void = (socket) => socket.end()): Promise<Sink> {
  const connections: string[] = []
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    connections.push(socket.localAddress?.replace('::ffff:', '') ?? '')
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  // Without a host, Node listens at all addresses of both families, if there are both.
  server.listen(0)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
