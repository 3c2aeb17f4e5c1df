import http from 'node:http'
import https from 'node:https'
import { withDeadline } from '../base/deadline.ts'
import { ClientError } from './errors.ts'
import type { PostOptions, Transport, TransportResponse } from './transport.ts'
import { openWebSocket } from './web-socket.ts'

/** Open connections to one guard: requests beyond wait for a free one. */
const SOCKETS_PER_HOST_MAX = 16

// What Session's clients send, so that a guard does not see which client this is.
const HEADERS = { 'User-Agent': 'WhatsApp', 'Accept-Language': 'en-us' }

/** Says that this machine has no network, so nobody else is at fault. */
const OFFLINE_CODES: ReadonlySet<string> = new Set(['ENETUNREACH', 'ENETDOWN', 'EAI_AGAIN'])

const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** The transport of Node (browser/https-transport.ts stands for it in a browser): connections are kept, since a client talks to the same two guards again and again. */
export function createHttpsTransport(): Transport {
  const keep = { keepAlive: true, maxSockets: SOCKETS_PER_HOST_MAX, maxFreeSockets: 2 }
  // A service node signs its own certificate. Nothing rests on it: requests are sealed to the key that the service node
  // list names, and an answer opens only with that key. TLS merely hides the ciphertext from the wire.
  const anyCertificate = new https.Agent({ ...keep, rejectUnauthorized: false })
  const verified = new https.Agent({ ...keep, rejectUnauthorized: true })
  const plain = new http.Agent(keep)

  const requestFor = (url: URL, options: PostOptions, size: number, signal: AbortSignal): http.ClientRequest => {
    const common = { method: 'POST', headers: { ...HEADERS, 'Content-Length': size }, signal }
    if (url.protocol === 'http:') return http.request(url, { ...common, agent: plain })
    if (url.protocol !== 'https:')
      throw new ClientError('TRANSPORT_FAILED', 'Only http and https addresses can be used')
    return https.request(url, { ...common, agent: options.certificate === 'any' ? anyCertificate : verified })
  }

  return {
    async post(url, body, options) {
      const deadline = withDeadline(options.timeoutMs, options.signal)
      deadline.throwIfAborted()
      const request = requestFor(parseUrl(url), options, body.length, deadline)
      let hasAnswered = false
      request.once('response', () => {
        hasAnswered = true
      })
      try {
        return await exchange(request, body, options.responseMaxBytes)
      } catch (error) {
        request.destroy()
        options.signal?.throwIfAborted()
        throw asClientError(error, { wasStale: request.reusedSocket && !hasAnswered, timedOut: deadline.aborted })
      }
    },
    openWebSocket,
    async [Symbol.asyncDispose]() {
      for (const agent of [anyCertificate, verified, plain]) agent.destroy()
    },
  }
}

function parseUrl(url: string): URL {
  if (!URL.canParse(url)) throw new ClientError('TRANSPORT_FAILED', 'Not an address that requests can be sent to')
  return new URL(url)
}

async function exchange(request: http.ClientRequest, body: Uint8Array, maxBytes: number): Promise<TransportResponse> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    // Stays attached: an error after the response has begun must not be an unhandled event.
    request.on('error', reject)
    request.end(body)
  })
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes)
      throw new ClientError('TOO_LARGE', 'A response is larger than allowed', { details: { maxBytes } })
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), retryAfter: response.headers['retry-after'] }
}

/** How an exchange stood when it failed. */
interface Standing {
  /** It went over a kept connection and nothing had come back: the other side may have closed it before. */
  readonly wasStale: boolean
  readonly timedOut: boolean
}

function asClientError(error: unknown, { wasStale, timedOut }: Standing): ClientError {
  if (error instanceof ClientError) return error
  const cause = error
  if (timedOut) return new ClientError('TRANSPORT_TIMEOUT', 'No whole response within the time allowed', { cause })
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const details = { reason: code }
  if (OFFLINE_CODES.has(code)) return new ClientError('OFFLINE', 'This machine has no network', { details, cause })
  if (CERTIFICATE_CODES.has(code)) {
    const message = "The certificate is not trusted here; a service node's own is taken only when `any` is allowed"
    return new ClientError('CERTIFICATE_UNTRUSTED', message, { details, cause })
  }
  if (wasStale && code === 'ECONNRESET') {
    return new ClientError('CONNECTION_CLOSED', 'A kept connection was closed', { details, cause })
  }
  return new ClientError('TRANSPORT_FAILED', `The connection failed (${code})`, { details, cause })
}
