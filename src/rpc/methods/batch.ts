import { parseBatchParams } from '../../protocol/client-api/batch.ts'
import type { ClientAnswer, Envelope } from '../../protocol/client-api/envelope.ts'
import type { JsonObject } from '../../protocol/json.ts'
import { RETRIEVE_SIZE_MAX } from '../../protocol/limits.ts'
import type { ClientCall, LocalMethod } from '../method.ts'

/** A request whose parameters are read, ready to run. */
export interface PreparedSubrequest {
  /** Bytes of messages that its answer may hold. */
  readonly retrieveBytes: number
  /** Never rejects. */
  run(call: ClientCall): Promise<ClientAnswer>
}

export interface BatchComponents {
  /** @throws {ProtocolError} for an unknown or nested method, or parameters that it refuses */
  prepare(request: Envelope): PreparedSubrequest
}

/** All requests are read before any runs, so that a malformed one spoils the whole before anything happened. */
export interface PreparedBatch {
  readonly subrequests: readonly PreparedSubrequest[]
  /** The part of its size that each retrieve may use. */
  readonly retrieveShare: number
}

/** @throws {ProtocolError} for what parseBatchParams or any of the requests refuses */
export function prepareBatch(params: JsonObject, { prepare }: BatchComponents): PreparedBatch {
  const subrequests = parseBatchParams(params).requests.map(prepare)
  const retrieveBytes = subrequests.reduce((sum, subrequest) => sum + subrequest.retrieveBytes, 0)
  return { subrequests, retrieveShare: Math.min(1, RETRIEVE_SIZE_MAX / retrieveBytes) }
}

export function batchAnswer(answers: readonly ClientAnswer[]): ClientAnswer {
  const results = answers.map(({ status, body }) => ({ code: status, body }))
  return { status: 200, body: { results }, requests: answers.length }
}

/** Runs its requests together. */
export function createBatchMethod(components: BatchComponents): LocalMethod<PreparedBatch> {
  return {
    parse: (params) => prepareBatch(params, components),
    async answer({ subrequests, retrieveShare }, call) {
      const shared = { ...call, retrieveShare }
      return batchAnswer(await Promise.all(subrequests.map((subrequest) => subrequest.run(shared))))
    },
  }
}
