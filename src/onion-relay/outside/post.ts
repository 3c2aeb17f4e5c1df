import { type IncomingMessage, Agent as PlainAgent, type RequestOptions, request as requestPlain } from 'node:http'
import { request as requestSecure, Agent as SecureAgent } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { SECOND } from '../../base/clock.ts'
import { GrowingBytes } from '../../base/growing-bytes.ts'
import type { WantedServer } from './allow-list.ts'

export interface PostOptions {
  /** Longest head of an answer. */
  readonly headMaxBytes: number
  /** Longest body of an answer. */
  readonly answerMaxBytes: number
  /** Bytes of all answers that are under way. */
  readonly answersMaxBytes: number
}

export interface Post {
  readonly server: WantedServer
  /** Where the server is, checked. Nothing else is connected to. */
  readonly addresses: readonly string[]
  readonly target: string
  readonly body: Uint8Array
}

export type PostAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Uint8Array }
  | { readonly kind: 'too_large' }
  /** There is no room for more bytes of answers. */
  | { readonly kind: 'busy' }

/**
 * How long one of several addresses is tried before the next. Node's quarter of a second gives up servers on the other side of
 * the globe, and then has only an IPv6 address left that many machines cannot reach.
 */
const ADDRESS_ATTEMPT_MS = 2 * SECOND
/** The same for every node and version: a server need not know more. */
const USER_AGENT = 'Starling'

/**
 * Posts to outside servers. Each request has a connection of its own, without cookies, proxies or a TLS session of another
 * request, so that nothing ties two clients' requests together. A redirect is an answer like any other.
 */
export function createPoster(options: PostOptions): (post: Post, signal: AbortSignal) => Promise<PostAnswer> {
  const room = createRoom(options.answersMaxBytes)
  // Explicit, so that nothing in the environment (NODE_TLS_REJECT_UNAUTHORIZED, NODE_USE_ENV_PROXY) changes what is safe.
  const connection = { keepAlive: false, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS }
  const plain = new PlainAgent(connection)
  const secure = new SecureAgent({
    ...connection,
    maxCachedSessions: 0,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  })

  return async (post, signal) => {
    const settings: RequestOptions = {
      ...requestOf(post),
      agent: post.server.protocol === 'https' ? secure : plain,
      maxHeaderSize: options.headMaxBytes,
      insecureHTTPParser: false,
      signal,
    }
    const answer = await send(post, settings)
    try {
      const read = await readAnswer(answer, options.answerMaxBytes, room)
      if (endsWithConnection(answer) && answer.socket.errored !== null) throw answer.socket.errored
      return read
    } finally {
      answer.destroy()
    }
  }
}

function requestOf({ server: { host, port }, addresses, target, body }: Post): RequestOptions {
  return {
    method: 'POST',
    host: host.text,
    port,
    path: target,
    // Of an address, DNS is never asked; of a name, this is all there is.
    lookup: checkedLookup(addresses),
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      'User-Agent': USER_AGENT,
    },
  }
}

/** Answers every name with the addresses that were checked. */
export function checkedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_name, { all }, callback) => {
    const first = found[0]
    if (all === true) callback(null, found)
    else if (first === undefined) callback(new Error('There is no address'), '')
    else callback(null, first.address, first.family)
  }
}

function send({ server, body }: Post, settings: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = server.protocol === 'https' ? requestSecure(settings) : requestPlain(settings)
    request.on('response', resolve)
    // Also after an answer: a server need not wait for the end of the request.
    request.on('error', reject)
    request.on('close', () => reject(new Error('The connection ended without an answer')))
    request.end(body)
  })
}

/** Whether nothing but the end of the connection ends the body. Node then takes a reset or a deadline for its end, too. */
function endsWithConnection({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
}

async function readAnswer(answer: IncomingMessage, maxBytes: number, room: Room): Promise<PostAnswer> {
  if (Number(answer.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too_large' }
  const body = new GrowingBytes()
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      body.append(chunk)
      if (!room.enter(chunk.length)) return { kind: 'busy' }
      if (body.length > maxBytes) return { kind: 'too_large' }
    }
    return { kind: 'answered', status: answer.statusCode ?? 0, body: body.whole() }
  } finally {
    room.leave(body.length)
  }
}

interface Room {
  /** Counts the bytes in any case; false when that is too many. */
  enter(bytes: number): boolean
  leave(bytes: number): void
}

function createRoom(maxBytes: number): Room {
  let bytesInside = 0
  return {
    enter(bytes) {
      bytesInside += bytes
      return bytesInside <= maxBytes
    },
    leave(bytes) {
      bytesInside -= bytes
    },
  }
}
