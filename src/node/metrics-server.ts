import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECOND } from '../base/clock.ts'
import { listenError } from '../base/listen-error.ts'
import type { Logger } from '../base/logger.ts'
import type { MetricsRegistry } from '../base/metrics.ts'
import { isNearName } from './host-names.ts'
import type { Probes } from './supervision.ts'

export interface MetricsServerOptions {
  /** Loopback unless the operator says otherwise: metrics tell about traffic. */
  address: string
  port: number
}

export const defaultMetricsServerOptions: MetricsServerOptions = { address: '127.0.0.1', port: 9100 }

export interface MetricsServerComponents {
  metrics: MetricsRegistry
  /** For people, at / and what that needs; undefined where there is none. */
  page?: PageHandler | undefined
  health: Probes
  log: Logger
}

/** Answers what is of the status page, and says whether it did. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

export interface MetricsServer extends AsyncDisposable {
  readonly port: number
}

/** A scraper or two, some probes, and browsers, which open six each. */
const CONNECTIONS_MAX = 64

/**
 * Serves /metrics for Prometheus; /startupz (all parts have started), /livez (the process makes progress) and /readyz (it serves clients,
 * or why not; and what is wrong while it does).
 * @throws {ListenError} LISTEN_FAILED
 */
export async function startMetricsServer(
  components: MetricsServerComponents,
  { address, port }: MetricsServerOptions,
): Promise<MetricsServer> {
  // Scrapers send small GETs: anything slow or large is not one.
  const limits = { headersTimeout: 5 * SECOND, requestTimeout: 10 * SECOND, maxHeaderSize: 8 * 1024 }
  const server = createServer(limits, (request, response) => {
    answer(request, response, components).catch((error: unknown) => {
      components.log.error({ error }, 'The metrics, or a probe, failed unexpectedly')
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { error: 'This cannot be told: the log of the node says why' })
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  server.listen(port, address)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw listenError(cause, { address, port, group: 'metrics' })
  }

  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, health, page }: MetricsServerComponents,
): Promise<void> {
  const json = (status: number, body: object) => sendJson(response, status, body)
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'Only GET is answered here' })
  if (await page?.(request, response)) return
  switch (request.url) {
    case '/metrics': {
      const text = await metrics.expose()
      response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text)
      return
    }
    case '/livez': {
      const reasons = health.dead()
      const live = reasons.length === 0
      return json(live ? 200 : 503, { live, reasons })
    }
    case '/startupz':
    case '/readyz':
      // Their sentences tell more than counts do, and a page may have had its own name lead here.
      if (!isNearName(request.headers.host ?? '')) return json(403, { error: FOREIGN_NAME })
      return request.url === '/readyz' ? readyz(health, json) : startupz(health, json)
    default:
      return json(404, { error: 'There are /metrics, /startupz, /livez and /readyz' })
  }
}

const FOREIGN_NAME = 'This is asked for by address, as localhost, or by a name without a dot'

type Json = (status: number, body: object) => void

function startupz(health: Probes, json: Json): void {
  const started = health.phase() !== 'starting'
  json(started ? 200 : 503, { started, reasons: started ? [] : health.reasons() })
}

function readyz(health: Probes, json: Json): void {
  const reasons = health.reasons()
  const ready = reasons.length === 0
  json(ready ? 200 : 503, { ready, reasons, degraded: health.degraded() })
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
