import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ClientAnswer, Envelope } from '../protocol/client-api/envelope.ts'
import { type MethodName, parseMethodName } from '../protocol/client-api/methods.ts'
import { invalidRequest } from '../protocol/client-api/parameter.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { refusalOf, reportFailure } from './error-response.ts'
import type { Call, ClientCall } from './method.ts'
import { type BoundMethod, createMethodTable, type MethodComponents, type PreparedRequest } from './method-table.ts'
import type { PreparedSubrequest } from './methods/batch.ts'
import { type RpcMetrics, statusClass } from './metrics.ts'

export interface DispatcherComponents extends MethodComponents {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: RpcMetrics
}

/** A method's name is repeated to whoever sent it, but not at any length. */
const NAME_MAX = 100

/** Finds the method that a request names, and turns whatever becomes of it into an answer. */
export class Dispatcher {
  readonly #components: DispatcherComponents
  readonly #methods: Record<MethodName, BoundMethod>

  constructor(components: DispatcherComponents) {
    this.#components = components
    this.#methods = createMethodTable(components, {
      subrequest: (request) => this.#prepareSubrequest(request),
      branch: (request) => this.#prepareBranch(request),
    })
  }

  /** Never rejects. */
  async answer(request: Envelope, call: ClientCall): Promise<ClientAnswer> {
    const name = parseMethodName(request.method)
    if (name === undefined) return this.#unknown(request, call)
    try {
      return await this.#run(name, this.#methods[name].prepare(request.params), call)
    } catch (error) {
      return this.#count(name, call, this.#failed(error))
    }
  }

  /**
   * Reads a request that another member passed on.
   * @throws {ProtocolError} also for methods that only the asked node answers
   */
  prepare({ method, params }: Envelope): PreparedRequest | undefined {
    const name = parseMethodName(method)
    return name === undefined ? undefined : this.#methods[name].prepare(params)
  }

  /** Never rejects, and counts. */
  async #run(name: MethodName, prepared: PreparedRequest, call: ClientCall): Promise<ClientAnswer> {
    const { clock, metrics } = this.#components
    const startedMs = clock.monotonicMs()
    const answer = await prepared.answer(call).catch((error: unknown) => this.#failed(error))
    metrics.duration.observe((clock.monotonicMs() - startedMs) / 1000, { method: name })
    return this.#count(name, call, answer)
  }

  #prepareSubrequest({ method, params }: Envelope): PreparedSubrequest {
    const name = parseMethodName(method)
    if (name === undefined) {
      throw invalidRequest(`Invalid batch subrequest: invalid method "${method.slice(0, NAME_MAX)}"`)
    }
    if (this.#methods[name].kind === 'meta') {
      throw invalidRequest('Invalid batch subrequest: subrequests may not contain meta-requests')
    }
    this.#refuseWaiting(name)
    return this.#preparePart(name, params)
  }

  #prepareBranch({ method, params }: Envelope): PreparedSubrequest {
    const name = parseMethodName(method)
    if (name === undefined) {
      throw invalidRequest(`Invalid ifelse request: invalid method "${method.slice(0, NAME_MAX)}"`)
    }
    this.#refuseWaiting(name)
    return this.#preparePart(name, params)
  }

  #refuseWaiting(name: MethodName): void {
    if (this.#methods[name].kind !== 'waiting') return
    throw invalidRequest(`Method ${name} waits, and cannot be part of another request`)
  }

  #preparePart(name: MethodName, params: JsonObject): PreparedSubrequest {
    const prepared = this.#methods[name].prepare(params)
    return {
      retrieveBytes: prepared.retrieveBytes,
      run: (call) => this.#run(name, prepared, this.#receivedNow(call)),
    }
  }

  /** A request of a sequence may begin long after the sequence came; members would find its time too old. */
  #receivedNow(call: ClientCall): ClientCall {
    const nowMs = this.#components.clock.nowMs()
    return { ...call, nowMs, receivedMs: nowMs }
  }

  #unknown({ method }: Envelope, { entry }: Call): ClientAnswer {
    this.#components.metrics.requests.inc({ method: 'unknown', entry, status: '4xx' })
    return this.#failed(new ProtocolError('METHOD_UNKNOWN', `no method ${method.slice(0, NAME_MAX)}`))
  }

  #failed(error: unknown): ClientAnswer {
    return refusalOf(error) ?? reportFailure(this.#components, error)
  }

  #count(method: MethodName, { entry }: Call, answer: ClientAnswer): ClientAnswer {
    this.#components.metrics.requests.inc({ method, entry, status: statusClass(answer.status) })
    return answer
  }
}
