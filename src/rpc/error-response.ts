import { CodedError } from '../base/coded-error.ts'
import type { Logger } from '../base/logger.ts'
import type { ClientAnswer } from '../protocol/client-api/envelope.ts'
import { ProtocolError, type ProtocolErrorCode } from '../protocol/errors.ts'
import { RpcError, type RpcErrorCode } from './errors.ts'
import type { RpcMetrics } from './metrics.ts'

/** The status of every refusal. Some are odd; clients rely on them (docs/protocol/client-rpc.md, "Status codes"). */
export const REFUSAL_STATUS = {
  FRAME_TRUNCATED: 400,
  FRAME_TOO_LARGE: 400,
  FRAME_MALFORMED: 400,
  JSON_INVALID: 400,
  PARAMETER_INVALID: 400,
  METHOD_UNKNOWN: 400,
  CIPHER_UNKNOWN: 400,
  LAYER_UNDECRYPTABLE: 400,
  HOPS_EXCEEDED: 400,
  SIGNATURE_INVALID: 401,

  SIGNATURE_REFUSED: 401,
  MOMENT_REFUSED: 401,
  TTL_OUT_OF_RANGE: 403,
  PARAMETER_NOT_ALLOWED: 400,
  NAMESPACE_RESERVED: 400,
  CLOCK_DIFFERS: 406,
  CHAIN_QUERY_UNSUPPORTED: 400,
  NOT_FORWARDABLE: 400,
  FORWARDER_REFUSED: 421,
  NO_SWARMS: 500,
  STORAGE_FULL: 507,
  RATE_EXCEEDED: 429,
  BODY_TOO_LARGE: 413,
  BODY_INCOMPLETE: 408,
  SERVER_BUSY: 503,
} as const satisfies Record<RpcErrorCode | ProtocolErrorCode, number>

/** Answer to a request that was refused, or undefined for an error that nobody foresaw. */
export function refusalOf(error: unknown): (ClientAnswer & { readonly body: string }) | undefined {
  if (error instanceof RpcError || error instanceof ProtocolError) {
    const { retryAfterSeconds } = error.details
    const retry = typeof retryAfterSeconds === 'number' && { retryAfterSeconds }
    return { status: REFUSAL_STATUS[error.code], body: error.message, ...retry }
  }
  // Any part that has too much to do says so with this code.
  return error instanceof CodedError && error.code === 'BUSY' ? BUSY : undefined
}

const BUSY = { status: REFUSAL_STATUS.SERVER_BUSY, body: 'Server busy, try again later' } as const

/** Says nothing of what went wrong: exception texts are for the operator's log. */
const FAILED = { status: 500, body: 'request failed' } as const satisfies ClientAnswer

/**
 * Counts a failure that is not the client's, and answers it. A coded one has been reported by the part that it comes
 * from; any other is a bug.
 */
export function reportFailure({ log, metrics }: { log: Logger; metrics: RpcMetrics }, error: unknown): typeof FAILED {
  metrics.localFailures.inc()
  if (error instanceof CodedError) log.debug({ error }, 'A request failed')
  else log.error({ error }, 'A request failed in a way that nobody foresaw')
  return FAILED
}
