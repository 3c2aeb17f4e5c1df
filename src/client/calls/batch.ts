import { isJsonObject, type JsonValue } from '../../protocol/json.ts'
import { SUBREQUESTS_MAX } from '../../protocol/limits.ts'
import { type BatchResult, readBatchResults } from '../answers.ts'
import { ClientError } from '../errors.ts'
import type { AnswerSource, PreparedCall, SwarmCall } from '../swarm-call.ts'

/** How one part of a batch, a sequence or an ifelse ended. */
export type PartOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** `reason` is the node's text, if it gave one. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string | undefined }
  /** An earlier part of the sequence failed. */
  | { readonly kind: 'skipped' }

/** One outcome for each call, in their order. */
export type BatchOutcomes<Calls extends readonly SwarmCall<unknown>[]> = {
  readonly [At in keyof Calls]: Calls[At] extends SwarmCall<infer T> ? PartOutcome<T> : never
}

/** Calls on one account, asked of one member at once; the member does them together, in no particular order. */
export function batchCall<const Calls extends readonly SwarmCall<unknown>[]>(
  calls: Calls,
): SwarmCall<BatchOutcomes<Calls>> {
  return severalCall('batch', calls)
}

/** As batchCall, one after another, up to the first that fails. */
export function sequenceCall<const Calls extends readonly SwarmCall<unknown>[]>(
  calls: Calls,
): SwarmCall<BatchOutcomes<Calls>> {
  return severalCall('sequence', calls)
}

function severalCall<Calls extends readonly SwarmCall<unknown>[]>(
  method: 'batch' | 'sequence',
  calls: Calls,
): SwarmCall<BatchOutcomes<Calls>> {
  const [first] = calls
  if (first === undefined) throw new ClientError('BATCH_INVALID', 'A batch needs a request at least')
  if (calls.length > SUBREQUESTS_MAX) {
    throw new ClientError('BATCH_INVALID', `A batch has at most ${SUBREQUESTS_MAX} requests`)
  }
  if (calls.some(({ account }) => account !== first.account)) {
    throw new ClientError('BATCH_INVALID', 'All requests of a batch are about the same account: one swarm is asked')
  }
  return {
    account: first.account,
    first: calls.find((call) => call.first !== undefined)?.first,
    prepare(moment) {
      const parts = calls.map((call) => call.prepare(moment))
      const requests = parts.map(({ envelope }) => ({ method: envelope.method, params: envelope.params }))
      return {
        envelope: { method, params: { requests } },
        read({ body }, source) {
          const results = readBatchResults(body)
          const isWhole = results.length === parts.length || (method === 'sequence' && results.length > 0)
          if (!isWhole)
            throw new ClientError('ANSWER_INVALID', 'The answer to a batch has not one result for each part')
          return parts.map((part, at) => readPart(part, results[at], source)) as BatchOutcomes<Calls>
        },
      }
    },
  }
}

/** The outcome of a part whose result is `undefined` when it was not run. */
export function readPart<T>(
  part: PreparedCall<T>,
  result: BatchResult | undefined,
  source: AnswerSource,
): PartOutcome<T> {
  if (result === undefined) return { kind: 'skipped' }
  const { status, body } = result
  if (status < 200 || status > 299) return { kind: 'refused', status, reason: textOf(body) }
  return { kind: 'done', value: part.read({ status, body }, source) }
}

function textOf(body: JsonValue): string | undefined {
  if (typeof body === 'string') return body
  const reason = isJsonObject(body) ? body['reason'] : undefined
  return typeof reason === 'string' ? reason : undefined
}
