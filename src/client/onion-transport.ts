import { fromUtf8 } from '../base/bytes.ts'
import { type DurationMs, SECOND } from '../base/clock.ts'
import { type Envelope, encodeEnvelope } from '../protocol/client-api/envelope.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { type JsonValue, parseJsonText } from '../protocol/json.ts'
import { JSON_ANSWER_VALUES_MAX, REQUEST_MAX_BYTES } from '../protocol/limits.ts'
import type { EncryptionType } from '../protocol/onion/encryption.ts'
import { buildOnionRequest, type OnionPathNode } from '../protocol/onion/request.ts'
import { openOnionReply, type ReplyKey } from '../protocol/onion/response.ts'
import { ClientError } from './errors.ts'
import { classifyPathFailure, type PathFailure } from './path-failure.ts'
import type { Path, PathPool } from './path-pool.ts'
import type { ReachableNode } from './reachable-node.ts'
import type { Transport, TransportResponse } from './transport.ts'

/** The way of one request that was answered. */
export interface Route {
  /** The hops, guard first. */
  readonly hops: readonly ReachableNode[]
  readonly destination: ReachableNode
  readonly method: string
}

export interface OnionTransportComponents {
  readonly transport: Transport
  readonly pool: PathPool
  readonly onRoute?: ((route: Route) => void) | undefined
}

export interface OnionTransportOptions {
  readonly encryption: EncryptionType
  /** How long one request may take on one path. */
  readonly pathTimeoutMs: DurationMs
  /** Paths that are tried for one request. */
  readonly pathAttemptsMax: number
  /** Failures that could be anybody's before the destination is taken to be the reason. */
  readonly unattributedMax: number
}

export const defaultOnionTransportOptions: OnionTransportOptions = {
  encryption: 'aes-gcm',
  pathTimeoutMs: 10 * SECOND,
  pathAttemptsMax: 4,
  unattributedMax: 2,
}

/** What the destination said, and nobody else could have. Its status may be any. */
export interface Answer {
  readonly status: number
  /** JSON, or the text of a refusal. */
  readonly body: JsonValue
}

/** A retrieve of the largest size, written as JSON in JSON and then as base64. */
const RESPONSE_MAX_BYTES = 16 * 1024 * 1024

type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** A kept connection was closed just as it was used again: nobody's fault. */
  | { readonly kind: 'closed' }
  | PathFailure

/** Asks service nodes through paths of three hops, and keeps account of which paths and nodes fail. */
export class OnionTransport {
  readonly #transport: Transport
  readonly #pool: PathPool
  readonly #onRoute: OnionTransportComponents['onRoute']
  readonly #options: OnionTransportOptions

  constructor({ transport, pool, onRoute }: OnionTransportComponents, options: OnionTransportOptions) {
    this.#transport = transport
    this.#pool = pool
    this.#onRoute = onRoute
    this.#options = options
  }

  /**
   * The destination's answer, whatever its status.
   * @throws {ClientError} PATHS_FAILED, DESTINATION_UNREACHABLE, TOO_FEW_NODES, OFFLINE, TOO_LARGE; the signal's reason
   */
  async ask(destination: ReachableNode, request: Envelope, signal: AbortSignal): Promise<Answer> {
    const payload = encodeEnvelope(request)
    let last: Path | undefined
    let unattributed = 0
    for (let attempt = 0; attempt < this.#options.pathAttemptsMax; attempt++) {
      const path = this.#pool.pathTo(destination, last)
      const outcome = await this.#try(path, destination, payload, signal)
      if (outcome.kind === 'answered') {
        this.#onRoute?.({ hops: path.hops, destination, method: request.method })
        return outcome.answer
      }
      this.#blame(outcome, path, destination)
      if (outcome.kind === 'unattributed' && ++unattributed >= this.#options.unattributedMax) {
        this.#pool.strikeNode(destination.key)
        throw unreachable('The destination did not answer on several paths')
      }
      last = path
    }
    throw new ClientError('PATHS_FAILED', 'Every path that was tried failed; try again in a minute', {
      details: { attempts: this.#options.pathAttemptsMax },
    })
  }

  async #try(path: Path, destination: ReachableNode, payload: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const { body, replyKey } = buildOnionRequest({
      path: path.hops.map(onionNode),
      destination: { kind: 'service-node', ...onionNode(destination) },
      payload,
      encryption: this.#options.encryption,
    })
    if (body.length > REQUEST_MAX_BYTES) {
      throw new ClientError('TOO_LARGE', 'The request is larger than service nodes take', {
        details: { bytes: body.length, maxBytes: REQUEST_MAX_BYTES },
      })
    }
    const response = await this.#post(path, body, signal)
    if ('kind' in response) return response
    if (response.status === 200) return openAnswer(replyKey, response.body)
    return classifyPathFailure(response.status, fromUtf8(response.body.subarray(0, 1024)) ?? '', path, destination)
  }

  async #post({ guard }: Path, body: Uint8Array, signal: AbortSignal): Promise<TransportResponse | Outcome> {
    const url = `https://${guard.ip}:${guard.httpsPort}/onion_req/v2`
    const limits = { timeoutMs: this.#options.pathTimeoutMs, responseMaxBytes: RESPONSE_MAX_BYTES, signal }
    try {
      return await this.#transport.post(url, body, { ...limits, certificate: 'any' })
    } catch (error) {
      const code = error instanceof ClientError ? error.code : undefined
      if (code === 'TRANSPORT_TIMEOUT') return { kind: 'unattributed' }
      if (code === 'CONNECTION_CLOSED') return { kind: 'closed' }
      if (code === 'TRANSPORT_FAILED' || code === 'TOO_LARGE') return { kind: 'guard-failed' }
      throw error
    }
  }

  /** @throws {ClientError} when no other path would help. */
  #blame(outcome: Exclude<Outcome, { kind: 'answered' }>, path: Path, destination: ReachableNode): void {
    switch (outcome.kind) {
      case 'hop-gone':
        this.#pool.dropNode(outcome.key)
        return
      case 'destination-gone':
        this.#pool.dropNode(destination.key)
        throw unreachable('The last hop cannot reach the destination')
      case 'node-not-ready':
        this.#pool.strikeNode(outcome.key)
        if (outcome.key === destination.key) throw unreachable('The destination is not ready')
        return
      case 'guard-failed':
        this.#pool.strikeNode(path.guard.key)
        return
      case 'closed':
        return
      case 'unattributed':
        this.#pool.strikePath(path)
        return
    }
  }
}

function onionNode({ key, x25519 }: ReachableNode): OnionPathNode {
  return { ed25519: key, x25519 }
}

/** A reply that does not open was spoiled by one of the hops, and nobody knows by which. */
function openAnswer(replyKey: ReplyKey, httpBody: Uint8Array): Outcome {
  try {
    const { status, body } = openOnionReply(replyKey, httpBody)
    return { kind: 'answered', answer: { status, body: typeof body === 'string' ? jsonOrText(body) : body } }
  } catch (error) {
    if (error instanceof ProtocolError) return { kind: 'unattributed' }
    throw error
  }
}

/** Bodies are JSON written as a string, but for refusals, which are text. */
export function jsonOrText(text: string): JsonValue {
  if (!/^[[{]/.test(text)) return text
  try {
    return parseJsonText(text, JSON_ANSWER_VALUES_MAX)
  } catch (error) {
    if (error instanceof ProtocolError) return text
    throw error
  }
}

function unreachable(what: string): ClientError {
  return new ClientError('DESTINATION_UNREACHABLE', what)
}
