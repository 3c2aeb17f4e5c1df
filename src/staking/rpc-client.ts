import {
  HttpRequestError,
  http,
  ResponseBodyTooLargeError,
  RpcError,
  RpcRequestError,
  TimeoutError,
  UnknownRpcError,
} from 'viem'
import type { DurationMs } from '../base/clock.ts'
import { StakingError, type StakingErrorCode } from './errors.ts'
import type { RequestOutcome, StakingMetrics } from './metrics.ts'

/** One JSON-RPC provider: bounded in time and size, without retries, and silent about its URL, which may hold a key. */
export interface RpcClient {
  /** Name and port: what may be shown of the URL. */
  readonly host: string
  /**
   * @throws {StakingError} PROVIDER_UNREACHABLE, PROVIDER_TIMEOUT, PROVIDER_REFUSED, PROVIDER_REPLY_TOO_LARGE,
   * PROVIDER_REPLY_MALFORMED, CALL_REVERTED; PROVIDERS_UNAVAILABLE when the time was over before it was asked
   */
  request(
    method: string,
    params: readonly unknown[] | Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<unknown>
}

export function createRpcClient(
  { metrics }: { metrics: Pick<StakingMetrics, 'requests'> },
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

  return {
    host,
    async request(method, params, signal) {
      if (signal.aborted) throw isTimeout(signal.reason) ? timeIsOver() : signal.reason
      try {
        const result: unknown = await transport.request({ method, params }, { signal })
        metrics.requests.inc({ outcome: 'ok' })
        return result
      } catch (error) {
        // Work that was called off says nothing about the provider; work that was called off for being slow does.
        if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason
        const code = signal.aborted ? 'PROVIDER_TIMEOUT' : codeOf(error)
        metrics.requests.inc({ outcome: OUTCOMES[code] })
        throw failure(code, host)
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
  | 'PROVIDER_REPLY_TOO_LARGE'
  | 'PROVIDER_REPLY_MALFORMED'
  | 'CALL_REVERTED'
>

const OUTCOMES: Readonly<Record<RequestFault, RequestOutcome>> = {
  PROVIDER_UNREACHABLE: 'unreachable',
  PROVIDER_TIMEOUT: 'timeout',
  PROVIDER_REFUSED: 'refused',
  PROVIDER_REPLY_TOO_LARGE: 'too-large',
  PROVIDER_REPLY_MALFORMED: 'malformed',
  CALL_REVERTED: 'refused',
}

const SENTENCES: Readonly<Record<RequestFault, string>> = {
  PROVIDER_UNREACHABLE: 'The RPC provider cannot be reached',
  PROVIDER_TIMEOUT: 'The RPC provider did not answer in time',
  PROVIDER_REFUSED: 'The RPC provider refused the request',
  PROVIDER_REPLY_TOO_LARGE: "The RPC provider's answer is too large",
  PROVIDER_REPLY_MALFORMED: "The RPC provider's answer is not JSON-RPC",
  CALL_REVERTED: 'The contract refused the call',
}

/** Without a cause: viem's errors print the URL. */
function failure(code: RequestFault, host: string): StakingError {
  return new StakingError(code, `${SENTENCES[code]} (${host})`, { details: { host } })
}

/** What kind of failure an error of viem's HTTP transport is. */
export function codeOf(error: unknown): RequestFault {
  if (error instanceof TimeoutError) return 'PROVIDER_TIMEOUT'
  if (error instanceof ResponseBodyTooLargeError) return 'PROVIDER_REPLY_TOO_LARGE'
  if (error instanceof UnknownRpcError) return 'PROVIDER_REPLY_MALFORMED'
  if (error instanceof RpcRequestError || error instanceof RpcError)
    return isRevert(error) ? 'CALL_REVERTED' : 'PROVIDER_REFUSED'
  if (error instanceof HttpRequestError) return codeOfHttpError(error)
  // The transport reads fields of the parsed answer; whatever else is thrown comes from an answer of another shape.
  return 'PROVIDER_REPLY_MALFORMED'
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
