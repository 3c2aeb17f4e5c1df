import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Clock, type DurationMs, SECOND } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { isOwnName } from '../host-names.ts'
import type { PageHandler } from '../metrics-server.ts'
import type { NodeStatus } from '../status.ts'
import type { TrafficHistory } from '../traffic-history.ts'
import type { PageContext } from './card.ts'
import { LIVE_SCRIPT } from './live-script.ts'
import { type PageFacts, statusPage } from './page.ts'
import { ICON_NAMES, icon, STYLE } from './style.ts'
import type { SwarmPicture } from './swarm-picture.ts'

/** What the page shows. */
export interface StatusPageSources {
  readonly status: () => Promise<NodeStatus>
  readonly swarm: () => SwarmPicture | undefined
  readonly history: Pick<TrafficHistory, 'samples' | 'sampleIntervalMs'>
}

export interface StatusPageComponents {
  /** Undefined while the node starts. */
  readonly sources: () => StatusPageSources | undefined
  /** The status until then. */
  readonly starting: () => NodeStatus
  readonly clock: Clock
  readonly log: Logger
}

/** However many look at once, the page is made so often at most. */
const KEPT_MS: DurationMs = SECOND

/**
 * Nothing but the page's own script and style is loaded or run, nobody may frame it, and it sends nothing anywhere. Neither it nor what
 * it is made of may be read by other pages, or kept by anybody.
 */
const HEADERS: OutgoingHttpHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  Vary: 'Accept-Encoding',
}

interface Answer {
  readonly type: string
  readonly body: Buffer
  readonly zipped: Buffer
}

/** The status page: for people, on the port that Prometheus reads. */
export function createStatusPage(components: StatusPageComponents): PageHandler {
  const { clock, log } = components
  const render = createRenderer(components)
  let page: { readonly answer: Promise<Answer>; readonly atMs: DurationMs } | undefined
  const current = () => {
    const nowMs = clock.monotonicMs()
    if (page === undefined || nowMs - page.atMs >= KEPT_MS) page = { answer: render(), atMs: nowMs }
    return page.answer
  }
  const files: Readonly<Record<string, () => Promise<Answer>>> = {
    '/': current,
    '/status.css': once(() => answerOf('text/css', STYLE)),
    '/status.js': once(() => answerOf('text/javascript', LIVE_SCRIPT)),
    ...Object.fromEntries(
      ICON_NAMES.map((name) => [`/${name}.svg`, once(() => answerOf('image/svg+xml', icon(name)))]),
    ),
  }

  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    const file = Object.hasOwn(files, path) ? files[path] : undefined
    if (file === undefined) return false
    const refusal = refusalOf(request.headers)
    if (refusal !== undefined) {
      send(response, 403, 'text/plain', Buffer.from(`${refusal}\n`))
      return true
    }
    try {
      const { type, body, zipped } = await file()
      const takesZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
      if (takesZipped) response.setHeader('Content-Encoding', 'gzip')
      send(response, 200, type, takesZipped ? zipped : body)
    } catch (error) {
      log.error({ error }, 'The status page failed unexpectedly')
      send(response, 500, 'text/plain', Buffer.from('The page cannot be shown: the log of the node tells why\n'))
    }
    return true
  }
}

function createRenderer({ sources, starting, clock, log }: StatusPageComponents): () => Promise<Answer> {
  return async () => {
    const known = sources()
    const nowMs = clock.nowMs()
    const facts = known === undefined ? { status: starting() } : await factsOf(known)
    const context: PageContext = {
      nowMs,
      history: known?.history.samples() ?? [],
      sampleIntervalMs: known?.history.sampleIntervalMs ?? 0,
      onFault: (error) => log.warn({ error }, 'A part of the status page cannot be shown'),
    }
    return answerOf('text/html', String(statusPage(facts, context)))
  }
}

async function factsOf({ status, swarm }: StatusPageSources): Promise<PageFacts> {
  return { status: await status(), swarm: swarm() }
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  const headers = { ...HEADERS, 'Content-Type': `${type}; charset=utf-8`, 'Content-Length': body.length }
  response.writeHead(status, headers).end(body)
}

const zip = promisify(gzip)

async function answerOf(type: string, text: string): Promise<Answer> {
  const body = Buffer.from(text)
  return { type, body, zipped: await zip(body) }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/**
 * A page of somebody else's may send this browser here under a name of its own, and read the answer as if it were its own server's. An
 * address cannot be such a name. Nor has another page a reason to ask for any of this.
 */
function refusalOf(headers: IncomingHttpHeaders): string | undefined {
  if (!isOwnName(headers.host ?? '')) {
    return 'The status page is asked for by address, or as localhost: http://127.0.0.1 and the port; from elsewhere through ssh -L'
  }
  const isFromElsewhere = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site'
  // Who follows a link is no page that reads.
  if (isFromElsewhere && headers['sec-fetch-mode'] !== 'navigate') return 'Other pages may not read this one'
  return undefined
}
