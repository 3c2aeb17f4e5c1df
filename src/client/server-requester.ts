import { type DurationMs, SECOND } from '../base/clock.ts'
import { parseX25519PublicKey, type X25519PublicKey } from '../crypto/keys.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { BuiltOnionRequest } from '../protocol/onion/request.ts'
import { openSealedReply } from '../protocol/onion/response.ts'
import { decodeV4Reply, encodeV4Request, type V4Reply, type V4Request } from '../protocol/onion/v4-payload.ts'
import { withWords } from './answers.ts'
import { ClientError } from './errors.ts'
import { type Answer, openAnswer } from './onion-transport.ts'
import type { Path } from './path-pool.ts'
import type { PathSender } from './path-sender.ts'

/** A server outside the network that takes onion requests, such as a file server. */
export interface OutsideServer {
  readonly host: string
  /** Path to which the last hop posts. `/oxen/v4/lsrpc` unless given. */
  readonly target?: string
  /** 443 unless given. */
  readonly port?: number
  /** `https` unless given. */
  readonly protocol?: 'http' | 'https'
  /** Opens the request and seals the reply: 64 hex digits, or the key. */
  readonly x25519: string | X25519PublicKey
}

export interface ServerRequest extends OutsideServer {
  /** What the server finds when it opens the request. */
  readonly payload: Uint8Array
}

const V4_TARGET = '/oxen/v4/lsrpc'
/** A hop waits for a server as long as Session's do, and files take their time. */
const SERVER_TIMEOUT_MS: DurationMs = 30 * SECOND

/** Last hops that are tried when their operators do not let them ask the server. */
const LAST_HOPS_MAX = 2

type Reply =
  | { readonly kind: 'server'; readonly bytes: Uint8Array }
  /** The last hop did not ask the server, and says why. */
  | { readonly kind: 'last-hop'; readonly answer: Answer }

/** Asks outside servers through paths. The last hop learns which server, and not who asks; nobody on the path learns what. */
export class ServerRequester {
  readonly #sender: PathSender

  constructor(sender: PathSender) {
    this.#sender = sender
  }

  /**
   * The bytes of the server's reply.
   * @throws {ClientError} SERVER_UNREACHABLE, SERVER_KEY_INVALID, and those of the paths; the signal's reason
   */
  async ask(request: ServerRequest, signal: AbortSignal): Promise<Uint8Array> {
    const { host, target = V4_TARGET, port, protocol, payload } = request
    const address = { host, target, ...(port !== undefined && { port }), ...(protocol !== undefined && { protocol }) }
    const parcel = {
      destination: { kind: 'server' as const, ...address, x25519: keyOf(request) },
      node: undefined,
      payload,
      timeoutMs: SERVER_TIMEOUT_MS,
      open: openReply,
      finalError,
    }
    let before: Path | undefined
    let refusal: Answer | undefined
    for (let attempt = 0; attempt < LAST_HOPS_MAX; attempt++) {
      const { reply, path } = await this.#sender.send(parcel, signal, before).catch(asServerError)
      if (reply.kind === 'server') return reply.bytes
      refusal = reply.answer
      // What one operator does not allow, another may. Any other refusal is about the request itself.
      if (refusal.status !== 403) break
      before = path
    }
    throw refusedByLastHop(refusal)
  }

  /** As ask, with a request and a reply in the form of HTTP. The status may be any: it is the server's own. */
  async fetch(server: OutsideServer, request: V4Request, signal: AbortSignal): Promise<V4Reply> {
    const bytes = await this.ask({ ...server, payload: encodeV4Request(request) }, signal)
    try {
      return decodeV4Reply(bytes)
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw new ClientError('ANSWER_INVALID', "The server's reply is invalid", { cause })
    }
  }
}

function keyOf({ x25519 }: OutsideServer): X25519PublicKey {
  const key = typeof x25519 === 'string' ? parseX25519PublicKey(x25519) : x25519
  if (key === undefined) throw keyInvalid()
  return key
}

/** Undefined when neither the server nor the last hop can have written it. */
function openReply({ replyKey, lastHopKey }: BuiltOnionRequest, httpBody: Uint8Array): Reply | undefined {
  try {
    return { kind: 'server', bytes: openSealedReply(replyKey, httpBody) }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const answer = lastHopKey && openAnswer(lastHopKey, httpBody)
    return answer && { kind: 'last-hop', answer }
  }
}

function refusedByLastHop(answer: Answer | undefined): ClientError {
  const { status = 0, body = '' } = answer ?? {}
  const message = withWords('The last hop did not ask the server', body)
  return new ClientError('SERVER_UNREACHABLE', message, { details: { status } })
}

/** What servers say in clear when another try would end alike. A hop could write it too, which costs one request. */
function finalError(status: number, text: string): ClientError | undefined {
  if (status !== 404 && text.trim() !== 'Oxen Server error') return undefined
  return new ClientError('SERVER_UNREACHABLE', 'The server has nothing there that takes onion requests', {
    details: { status },
  })
}

function asServerError(error: unknown): never {
  // Nothing can be sealed to a key of low order: anybody could open it.
  if (error instanceof ProtocolError) throw keyInvalid(error)
  if (!(error instanceof ClientError) || error.code !== 'DESTINATION_UNREACHABLE') throw error
  throw new ClientError('SERVER_UNREACHABLE', 'No path brought an answer of the server', { cause: error })
}

function keyInvalid(cause?: ProtocolError): ClientError {
  return new ClientError('SERVER_KEY_INVALID', "A server's key must be a usable X25519 key, 64 hex digits", { cause })
}
