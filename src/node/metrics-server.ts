import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECOND } from '../base/clock.ts'
import { listenError } from '../base/listen-error.ts'
import type { MetricsRegistry } from '../base/metrics.ts'
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
}

/** Answers what is of the status page, and says whether it did. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

export interface MetricsServer extends AsyncDisposable {
  readonly port: number
}

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
  const server = createServer(limits, answerWith(components))
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

function answerWith({ metrics, health, page }: MetricsServerComponents): RequestListener {
  return async (request, response) => {
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)

    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'Only GET is answered here' })
    if (await page?.(request, response)) return
    switch (request.url) {
      case '/metrics':
        return response.writeHead(200, { 'Content-Type': metrics.contentType }).end(await metrics.expose())
      case '/startupz': {
        const started = health.phase() !== 'starting'
        return json(started ? 200 : 503, { started, reasons: started ? [] : health.reasons() })
      }
      case '/livez': {
        const reasons = health.dead()
        const live = reasons.length === 0
        return json(live ? 200 : 503, { live, reasons })
      }
      case '/readyz': {
        const reasons = health.reasons()
        const ready = reasons.length === 0
        return json(ready ? 200 : 503, { ready, reasons, degraded: health.degraded() })
      }
      default:
        return json(404, { error: 'There are /metrics, /startupz, /livez and /readyz' })
    }
  }
}
