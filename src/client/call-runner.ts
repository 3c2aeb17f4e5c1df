import type { DurationMs } from '../base/clock.ts'
import { raceSignal, withDeadline } from '../base/deadline.ts'
import type { Envelope } from '../protocol/client-api/envelope.ts'
import type { JsonValue } from '../protocol/json.ts'
import { ClientError } from './errors.ts'
import type { Network } from './network.ts'
import { sample } from './random.ts'
import type { SwarmCall } from './swarm-call.ts'

export interface CallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined
}

/** Nodes that are asked, one after another, when any will do. */
const ANY_NODE_ATTEMPTS = 3

/** Runs a client's calls: each with its deadline, and none beyond the client's own end. */
export class CallRunner {
  readonly #network: Network
  readonly #deadlineMs: DurationMs
  readonly #stop = new AbortController()

  constructor(network: Network, deadlineMs: DurationMs) {
    this.#network = network
    this.#deadlineMs = deadlineMs
  }

  /** Runs `work` with a deadline, once there is a list of service nodes. */
  async run<T>({ signal: callerSignal }: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stops = callerSignal === undefined ? [this.#stop.signal] : [this.#stop.signal, callerSignal]
    const given = AbortSignal.any(stops)
    const signal = withDeadline(this.#deadlineMs, given)
    signal.throwIfAborted()
    try {
      // A transport that does not listen to the signal must not hold up its caller.
      return await raceSignal(this.#whenReady(work, signal), signal)
    } catch (error) {
      given.throwIfAborted()
      if (!signal.aborted || error instanceof ClientError) throw error
      const details = { deadlineMs: this.#deadlineMs }
      throw new ClientError('TRANSPORT_TIMEOUT', 'The request was not answered in time', { details, cause: error })
    }
  }

  async #whenReady<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#network.nodes.ready(signal)
    return work(signal)
  }

  /** Asks the swarm of the call's account. */
  ask<T>(call: SwarmCall<T>, options: CallOptions): Promise<T> {
    return this.run(options, (signal) => this.#network.requester.ask(call, signal))
  }

  /** Asks nodes chosen at random until one does it; `read` may throw ANSWER_INVALID, upon which another is asked. */
  askAnyNode<T>(request: Envelope, read: (body: JsonValue) => T, options: CallOptions): Promise<T> {
    return this.run(options, (signal) => this.#askAnyNode(request, read, signal))
  }

  /** Aborts when the client is disposed of. */
  get closing(): AbortSignal {
    return this.#stop.signal
  }

  /** Ends all calls with CLOSED. */
  close(): void {
    this.#stop.abort(new ClientError('CLOSED', 'The client is disposed of'))
  }

  async #askAnyNode<T>(request: Envelope, read: (body: JsonValue) => T, signal: AbortSignal): Promise<T> {
    const { pool, onion, random } = this.#network
    for (const node of sample(pool.usable(), ANY_NODE_ATTEMPTS, random)) {
      const answer = await onion.ask(node, request, signal).catch(ignore('DESTINATION_UNREACHABLE'))
      if (answer === undefined) continue
      const { status, body } = answer
      if (status === 200) {
        const value = readOrNone(read, body)
        if (value !== undefined) return value.read
      } else if (status < 500 && status !== 429) {
        throw new ClientError('REQUEST_REFUSED', 'The node refused the request', { details: { status } })
      }
      pool.strikeNode(node.key)
    }
    throw new ClientError('PATHS_FAILED', 'No node that was tried could answer; try again in a minute', {
      details: { tried: ANY_NODE_ATTEMPTS },
    })
  }
}

function readOrNone<T>(read: (body: JsonValue) => T, body: JsonValue): { readonly read: T } | undefined {
  try {
    return { read: read(body) }
  } catch (error) {
    return ignore('ANSWER_INVALID', 'NODE_LIST_INVALID')(error)
  }
}

function ignore(...codes: readonly ClientError['code'][]): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof ClientError) || !codes.includes(error.code)) throw error
    return undefined
  }
}
