// An HTTPS server on real sockets, with stand-ins for the two parts that it hands requests to.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type RequestOptions, request as startRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { parseServiceNodeKey } from '../../../src/protocol/service-node.ts'
import type { RouteComponents } from '../../../src/rpc/https-routes.ts'
import { type HttpsServerComponents, startHttpsServer } from '../../../src/rpc/https-server.ts'
import { createRpcMetrics } from '../../../src/rpc/metrics.ts'
import type { MonitorService } from '../../../src/rpc/monitor/endpoint.ts'
import { defaultRpcOptions, type RpcOptions } from '../../../src/rpc/options.ts'

export const NODE_KEY = parseServiceNodeKey('c7'.repeat(32))

export interface HttpsReply {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly folder: string
  readonly agent: Agent
  post(path: string, body: Uint8Array | string, options?: RequestOptions): Promise<HttpsReply>
  /** A TLS connection to write bytes of one's own to. */
  connect(): Promise<TLSSocket>
  exposeMetrics(): Promise<string>
  stop(): Promise<void>
}

const echo: RouteComponents['rpc'] = {
  handleJson: async (body, _signal, entry) => ({ status: 200, body: { received: body.length, entry } }),
  handleJsonRpc: async () => ({ jsonrpc: '2.0', id: null, result: {} }),
}

/** Nobody subscribes to anything here. */
const noMonitor: MonitorService = {
  subscribe: () => ({ success: 1 }),
  leave: () => {},
  countOf: () => 0,
  isReady: () => true,
  stop: () => {},
}

/** Most tests of the server need no subscriptions. */
type GivenComponents = Partial<Omit<HttpsServerComponents, 'rpc'>> & {
  readonly rpc?: RouteComponents['rpc'] & { readonly monitor?: MonitorService }
}

/** A handler whose first request has `arrived`, and whose requests are answered from `finish` on. */
export function holdRequests() {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const handleJson = async () => {
    arrive()
    await finished
    return { status: 200, body: {} }
  }
  return { rpc: { ...echo, handleJson }, arrived, finish }
}

export async function startTestServer(
  options: Partial<RpcOptions> = {},
  components: GivenComponents = {},
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-rpc-'))
  const registry = createMetricsRegistry()
  if (NODE_KEY === undefined) throw new Error('Not a key')
  const server = await startHttpsServer(
    {
      log: silentLogger,
      clock: systemClock,
      metrics: createRpcMetrics(registry),
      onion: {
        handleClientRequest: async (body) => ({ status: 200, contentType: 'application/octet-stream', body }),
      },
      identity: { key: NODE_KEY },
      info: { version: [1, 2, 3] },
      overload: { isOverloaded: false },
      ...components,
      rpc: { monitor: noMonitor, ...(components.rpc ?? echo) },
    },
    {
      ...defaultRpcOptions,
      httpsHost: '127.0.0.1',
      httpsPort: 0,
      certificateFolder: join(folder, 'https'),
      ...options,
    },
  )
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: true })
  const target = { host: '127.0.0.1', port: server.port, agent }
  return {
    port: server.port,
    folder: join(folder, 'https'),
    agent,
    async post(path, body, changes = {}) {
      const request = startRequest({ ...target, path, method: 'POST', ...changes })
      const answered = once(request, 'response')
      request.end(body)
      const [response] = await answered
      const { statusCode: status, headers } = response
      return { status, headers, body: (await buffer(response)).toString('latin1') }
    },
    async connect() {
      const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      return socket
    },
    exposeMetrics: () => registry.expose(),
    stop: async () => server[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Everything that the server sends until it closes the connection. */
export async function readToEnd(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => {})
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}
