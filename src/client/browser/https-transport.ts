import { concat } from '../../base/bytes.ts'
import { withDeadline } from '../../base/deadline.ts'
import { ClientError } from '../errors.ts'
import type { PostOptions, Transport, TransportResponse } from '../transport.ts'
import { openWebSocket } from './web-socket.ts'

/**
 * The transport of browsers, by fetch. The browser always judges certificates itself, so `any` cannot be granted: a service
 * node's self-signed one works only where the user or the application has allowed it (docs/client-sdk.md, "In a browser").
 */
export function createHttpsTransport(): Transport {
  const stop = new AbortController()
  return {
    async post(url, body, options) {
      const given = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal])
      const deadline = withDeadline(options.timeoutMs, given)
      deadline.throwIfAborted()
      try {
        return await exchange(addressOf(url), body, options, deadline)
      } catch (error) {
        options.signal?.throwIfAborted()
        throw asClientError(error, deadline.aborted && !stop.signal.aborted)
      }
    },
    openWebSocket,
    async [Symbol.asyncDispose]() {
      stop.abort(new ClientError('CLOSED', 'The transport is disposed of'))
    },
  }
}

function addressOf(url: string): URL {
  if (!URL.canParse(url)) throw new ClientError('TRANSPORT_FAILED', 'Not an address that requests can be sent to')
  const address = new URL(url)
  if (address.protocol !== 'https:' && address.protocol !== 'http:')
    throw new ClientError('TRANSPORT_FAILED', 'Only http and https addresses can be used')
  return address
}

async function exchange(
  url: URL,
  body: Uint8Array,
  { responseMaxBytes }: PostOptions,
  signal: AbortSignal,
): Promise<TransportResponse> {
  // Bytes without a Content-Type make a request that browsers send without asking for leave (OPTIONS) first.
  const response = await fetch(url, {
    method: 'POST',
    // A copy: fetch takes no memory that is shared with others.
    body: Uint8Array.from(body),
    signal,
    mode: 'cors',
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
  })
  const retryAfter = response.headers.get('Retry-After') ?? undefined
  return { status: response.status, body: await readBody(response, responseMaxBytes), retryAfter }
}

async function readBody({ body }: Response, maxBytes: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array()
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(...chunks)
    size += value.length
    if (size > maxBytes) {
      await reader.cancel()
      throw new ClientError('TOO_LARGE', 'A response is larger than allowed', { details: { maxBytes } })
    }
    chunks.push(value)
  }
}

function asClientError(cause: unknown, timedOut: boolean): ClientError {
  if (cause instanceof ClientError) return cause
  if (timedOut) return new ClientError('TRANSPORT_TIMEOUT', 'No whole response within the time allowed', { cause })
  if (isOffline()) return new ClientError('OFFLINE', 'This machine has no network', { cause })
  const reasons = 'no connection, a certificate that it does not trust, or a server that does not answer web pages'
  return new ClientError('TRANSPORT_FAILED', `The connection failed; a browser does not say why: ${reasons}`, { cause })
}

/** Only `false` is sure: a browser says `true` of any interface that is up. */
function isOffline(): boolean {
  return 'navigator' in globalThis && 'onLine' in navigator && navigator.onLine === false
}
