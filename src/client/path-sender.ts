import { fromUtf8 } from '../base/bytes.ts'
import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import { wait } from '../base/wait.ts'
import { REQUEST_MAX_BYTES } from '../protocol/limits.ts'
import type { EncryptionType } from '../protocol/onion/encryption.ts'
import {
  type BuiltOnionRequest,
  buildOnionRequest,
  type OnionDestination,
  type OnionPathNode,
} from '../protocol/onion/request.ts'
import { ClientError } from './errors.ts'
import { GuardRests } from './guard-rests.ts'
import { classifyPathFailure, type PathFailure } from './path-failure.ts'
import type { Path, PathPool } from './path-pool.ts'
import type { ReachableNode } from './reachable-node.ts'
import type { Transport, TransportResponse } from './transport.ts'

export interface PathSenderComponents {
  readonly transport: Transport
  readonly pool: PathPool
  readonly clock: Pick<Clock, 'monotonicMs'>
}

export interface PathSenderOptions {
  readonly encryption: EncryptionType
  /** How long one request may take on one path. */
  readonly pathTimeoutMs: DurationMs
  /** Paths that are tried for one request. */
  readonly pathAttemptsMax: number
  /** Failures that the destination, or anybody, could have caused before it is taken to be the reason. */
  readonly destinationFailuresMax: number
}

export const defaultPathSenderOptions: PathSenderOptions = {
  encryption: 'aes-gcm',
  pathTimeoutMs: 10 * SECOND,
  pathAttemptsMax: 4,
  destinationFailuresMax: 2,
}

/** What is to be brought to its destination. */
export interface Parcel<T> {
  readonly destination: OnionDestination
  /** The destination, when it is a service node: it may not be near a hop, and it can be at fault. */
  readonly node: ReachableNode | undefined
  readonly payload: Uint8Array
  readonly timeoutMs?: DurationMs | undefined
  /** What an HTTP body of status 200 says; undefined when the destination cannot have written it. */
  open(keys: BuiltOnionRequest, httpBody: Uint8Array): T | undefined
  /** The error of an answer in clear after which no other path is tried. */
  finalError?(status: number, text: string): ClientError | undefined
}

export interface Delivered<T> {
  readonly path: Path
  readonly reply: T
}

/** A retrieve of the largest size, written as JSON in JSON and then as base64. */
const RESPONSE_MAX_BYTES = 16 * 1024 * 1024
/** Of an answer in clear, what is looked at. */
const CLEAR_TEXT_MAX_BYTES = 1024

type Outcome<T> =
  | { readonly kind: 'answered'; readonly reply: T }
  /** A kept connection was closed just as it was used again: nobody's fault. */
  | { readonly kind: 'closed' }
  | PathFailure

/** Brings requests through paths of three hops, and keeps account of which paths and nodes fail. */
export class PathSender {
  readonly #transport: Transport
  readonly #pool: PathPool
  readonly #rests: GuardRests
  readonly #options: PathSenderOptions

  constructor({ transport, pool, clock }: PathSenderComponents, options: PathSenderOptions) {
    this.#transport = transport
    this.#pool = pool
    this.#rests = new GuardRests(clock)
    this.#options = options
  }

  /**
   * Begins with another path than `before`, if there is one.
   * @throws {ClientError} PATHS_FAILED, DESTINATION_UNREACHABLE, TOO_FEW_NODES, OFFLINE, TOO_LARGE; the signal's reason
   */
  async send<T>(parcel: Parcel<T>, signal: AbortSignal, before?: Path): Promise<Delivered<T>> {
    let last = before
    let failuresAtEnd = 0
    for (let attempt = 0; attempt < this.#options.pathAttemptsMax; attempt++) {
      const path = await this.#readyPath(parcel.node, last, signal)
      const outcome = await this.#try(path, parcel, signal)
      if (outcome.kind === 'answered') return { path, reply: outcome.reply }
      this.#blame(outcome, path, parcel.node)
      const mayBeDestination = outcome.kind === 'unattributed' || outcome.kind === 'destination-gone'
      if (mayBeDestination && ++failuresAtEnd >= this.#options.destinationFailuresMax) {
        if (outcome.kind === 'destination-gone') this.#pool.dropNode(outcome.key)
        else if (parcel.node !== undefined) this.#pool.strikeNode(parcel.node.key)
        throw unreachable('The destination was not reached on several paths')
      }
      last = path
    }
    throw new ClientError('PATHS_FAILED', 'Every path that was tried failed; try again in a minute', {
      details: { attempts: this.#options.pathAttemptsMax },
    })
  }

  /** A path whose guard takes requests, if there is one; else the guard that rests least is waited for. */
  async #readyPath(node: ReachableNode | undefined, last: Path | undefined, signal: AbortSignal): Promise<Path> {
    const path = this.#pool.pathTo(node, last)
    if (this.#rests.restMs(path.guard.key) === 0) return path
    const other = this.#pool.pathTo(node, path)
    const soonest = this.#rests.restMs(other.guard.key) < this.#rests.restMs(path.guard.key) ? other : path
    const restMs = this.#rests.restMs(soonest.guard.key)
    if (restMs > 0) await wait(restMs, signal)
    return soonest
  }

  async #try<T>(path: Path, parcel: Parcel<T>, signal: AbortSignal): Promise<Outcome<T>> {
    const built = buildOnionRequest({
      path: path.hops.map(onionNode),
      destination: parcel.destination,
      payload: parcel.payload,
      encryption: this.#options.encryption,
    })
    if (built.body.length > REQUEST_MAX_BYTES) {
      throw new ClientError('TOO_LARGE', 'The request is larger than service nodes take', {
        details: { bytes: built.body.length, maxBytes: REQUEST_MAX_BYTES },
      })
    }
    const response = await this.#post(path, built.body, parcel.timeoutMs ?? this.#options.pathTimeoutMs, signal)
    if ('kind' in response) return response
    if (response.status === 429) this.#rests.rest(path.guard.key, response.retryAfter)
    if (response.status === 200) {
      const reply = parcel.open(built, response.body)
      // A reply that does not open was spoiled by one of the hops, and nobody knows by which.
      return reply === undefined ? { kind: 'unattributed' } : { kind: 'answered', reply }
    }
    const text = fromUtf8(response.body.subarray(0, CLEAR_TEXT_MAX_BYTES)) ?? ''
    const final = parcel.finalError?.(response.status, text)
    if (final !== undefined) throw final
    return classifyPathFailure(response.status, text, path, parcel.node)
  }

  async #post(
    { guard }: Path,
    body: Uint8Array,
    timeoutMs: DurationMs,
    signal: AbortSignal,
  ): Promise<TransportResponse | Exclude<Outcome<never>, { kind: 'answered' }>> {
    const url = `https://${guard.ip}:${guard.httpsPort}/onion_req/v2`
    const limits = { timeoutMs, responseMaxBytes: RESPONSE_MAX_BYTES, signal }
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

  #blame(outcome: Exclude<Outcome<unknown>, { kind: 'answered' }>, path: Path, node: ReachableNode | undefined): void {
    switch (outcome.kind) {
      case 'hop-gone':
        this.#pool.dropNamed(path, outcome.key)
        return
      case 'destination-gone':
        // Only the last hop knows who the destination is. It must not be able to choose which members a client asks.
        this.#pool.strikeNode(path.hops.at(-1)?.key ?? path.guard.key)
        return
      case 'guard-failed':
        this.#pool.strikeNode(path.guard.key)
        return
      case 'closed':
        return
      case 'unattributed':
        // An outside server that is away would otherwise cost the client its guards, one after another.
        if (node !== undefined) this.#pool.strikePath(path)
        return
    }
  }
}

export function onionNode({ key, x25519 }: ReachableNode): OnionPathNode {
  return { ed25519: key, x25519 }
}

function unreachable(what: string): ClientError {
  return new ClientError('DESTINATION_UNREACHABLE', what)
}
