import {
  BaseError,
  HttpRequestError,
  http,
  ResponseBodyTooLargeError,
  RpcError,
  RpcRequestError,
  TimeoutError,
  UnknownRpcError,
} from 'viem'
import { type Clock, type DurationMs, SECOND } from '../base/clock.ts'
import { StakingError, type StakingErrorCode } from './errors.ts'
import type { RequestOutcome } from './metrics.ts'
import type { RequestBudget } from './request-budget.ts'

/** One JSON-RPC provider: bounded in time and size, without retries, and silent about its URL, which may hold a key. */
export interface RpcClient {
  /** Name and port: what may be shown of the URL. */
  readonly host: string
  /**
   * @throws {StakingError} PROVIDER_UNREACHABLE, PROVIDER_TIMEOUT, PROVIDER_REFUSED, PROVIDER_LIMITED, PROVIDER_REPLY_TOO_LARGE,
   * PROVIDER_REPLY_MALFORMED, CALL_REVERTED; PROVIDERS_UNAVAILABLE when the time was over before it was asked
   */
  request(
    method: string,
    params: readonly unknown[] | Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<unknown>
}

/** What its owner counts, and how often it may ask; neither for a client that is used a few times. */
export interface RpcClientComponents {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  readonly budget?: RequestBudget
  /** A request had to wait for the budget. */
  readonly onWait?: () => void
  /** A request ended. The time is that of the provider alone. */
  readonly onEnd?: (outcome: RequestOutcome, tookMs: DurationMs) => void
}

export function createRpcClient(
  { clock, budget, onWait, onEnd }: RpcClientComponents,
  options: { url: string; requestTimeoutMs: DurationMs; replyMaxBytes: number },
): RpcClient {
  const host = new URL(options.url).host
  const transport = http(options.url, {
    timeout: options.requestTimeoutMs,
    retryCount: 0,
    maxResponseBodySize: options.replyMaxBytes,
    // A redirect would carry the key of the URL, or our trust, to somebody else.
    fetchOptions: { redirect: 'error' },
  })({})

  /** Waits for the budget. Whose time is over by then has not asked the provider, which is not to blame. */
  const takeTurn = async (signal: AbortSignal): Promise<void> => {
    try {
      signal.throwIfAborted()
      if (await budget?.take(signal)) onWait?.()
    } catch (error) {
      throw isTimeout(error) ? timeIsOver() : error
    }
  }

  return {
    host,
    async request(method, params, signal) {
      await takeTurn(signal)
      const startedAtMs = clock.monotonicMs()
      const ended = (outcome: RequestOutcome) => onEnd?.(outcome, clock.monotonicMs() - startedAtMs)
      try {
        const result: unknown = await transport.request({ method, params }, { signal })
        ended('ok')
        return result
      } catch (error) {
        // Work that was called off says nothing about the provider; work that was called off for being slow does.
        if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason
        const code = signal.aborted ? 'PROVIDER_TIMEOUT' : codeOf(error)
        ended(OUTCOMES[code])
        if (code !== 'PROVIDER_LIMITED') throw failure(code, host)
        budget?.drain()
        throw failure(code, host, retryAfterMs(error, clock.nowMs()))
      }
    },
  }
}

/** No fault of the provider, which has not been asked. */
function timeIsOver(): StakingError {
  return new StakingError('PROVIDERS_UNAVAILABLE', 'The RPC providers took too long together')
}

/** Whether a signal was aborted by a deadline. */
function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

type RequestFault = Extract<
  StakingErrorCode,
  | 'PROVIDER_UNREACHABLE'
  | 'PROVIDER_TIMEOUT'
  | 'PROVIDER_REFUSED'
  | 'PROVIDER_LIMITED'
  | 'PROVIDER_REPLY_TOO_LARGE'
  | 'PROVIDER_REPLY_MALFORMED'
  | 'CALL_REVERTED'
>

const OUTCOMES: Readonly<Record<RequestFault, RequestOutcome>> = {
  PROVIDER_UNREACHABLE: 'unreachable',
  PROVIDER_TIMEOUT: 'timeout',
  PROVIDER_REFUSED: 'refused',
  PROVIDER_LIMITED: 'limited',
  PROVIDER_REPLY_TOO_LARGE: 'too-large',
  PROVIDER_REPLY_MALFORMED: 'malformed',
  CALL_REVERTED: 'refused',
}

const SENTENCES: Readonly<Record<RequestFault, string>> = {
  PROVIDER_UNREACHABLE: 'The RPC provider cannot be reached',
  PROVIDER_TIMEOUT: 'The RPC provider did not answer in time',
  PROVIDER_REFUSED: 'The RPC provider refused the request',
  PROVIDER_LIMITED: 'The RPC provider asks for fewer requests',
  PROVIDER_REPLY_TOO_LARGE: "The RPC provider's answer is too large",
  PROVIDER_REPLY_MALFORMED: "The RPC provider's answer is not JSON-RPC",
  CALL_REVERTED: 'The contract refused the call',
}

/** Without a cause: viem's errors print the URL. */
function failure(code: RequestFault, host: string, retryAfter?: DurationMs): StakingError {
  const details = retryAfter === undefined ? { host } : { host, retryAfterMs: retryAfter }
  return new StakingError(code, `${SENTENCES[code]} (${host})`, { details })
}

const TOO_MANY_REQUESTS = 429
const SERVICE_UNAVAILABLE = 503

/** What kind of failure an error of viem's HTTP transport is. */
export function codeOf(error: unknown): RequestFault {
  if (error instanceof TimeoutError) return 'PROVIDER_TIMEOUT'
  if (error instanceof ResponseBodyTooLargeError) return 'PROVIDER_REPLY_TOO_LARGE'
  if (isLimit(error)) return 'PROVIDER_LIMITED'
  if (error instanceof UnknownRpcError) return 'PROVIDER_REPLY_MALFORMED'
  if (error instanceof RpcRequestError || error instanceof RpcError)
    return isRevert(error) ? 'CALL_REVERTED' : 'PROVIDER_REFUSED'
  if (error instanceof HttpRequestError) return codeOfHttpError(error)
  // The transport reads fields of the parsed answer; whatever else is thrown comes from an answer of another shape.
  return 'PROVIDER_REPLY_MALFORMED'
}

/**
 * By the status only: JSON-RPC's own code for limits is used for ranges that are too long just as well, which are mended by asking for less
 * and not by asking later.
 */
function isLimit(error: unknown): boolean {
  const answer = httpAnswerOf(error)
  if (answer?.status === SERVICE_UNAVAILABLE) return answer.headers?.has('retry-after') === true
  return answer?.status === TOO_MANY_REQUESTS
}

/** How long the provider asks for patience: seconds or a date (RFC 9110 10.2.3); undefined when it does not say. */
function retryAfterMs(error: unknown, nowMs: number): DurationMs | undefined {
  const text = httpAnswerOf(error)?.headers?.get('retry-after')
  if (text === null || text === undefined) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * SECOND : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** viem wraps answers with an error status that are JSON-RPC once more. */
function httpAnswerOf(error: unknown): { status?: number | undefined; headers?: Headers | undefined } | undefined {
  if (!(error instanceof BaseError)) return undefined
  const found = error.walk((cause) => cause instanceof HttpRequestError || cause instanceof RpcRequestError)
  return found instanceof HttpRequestError || found instanceof RpcRequestError ? found : undefined
}

/** Clients of the chain tell a revert by code 3, or in words. */
function isRevert(error: RpcRequestError | RpcError): boolean {
  return error.code === 3 || /execution reverted|\brevert/i.test(error.details)
}

function codeOfHttpError(error: HttpRequestError): RequestFault {
  if (error.status !== undefined) return 'PROVIDER_REFUSED'
  // JSON.parse throws a SyntaxError; fetch a TypeError.
  return error.cause instanceof SyntaxError ? 'PROVIDER_REPLY_MALFORMED' : 'PROVIDER_UNREACHABLE'
}
