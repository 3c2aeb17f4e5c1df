import { type BatchRequest, parseBatchParams } from '../../protocol/client-api/batch.ts'
import type { ClientAnswer, Envelope } from '../../protocol/client-api/envelope.ts'
import type { Call, LocalMethod } from '../method.ts'

/** A request whose parameters are read, ready to run. Never rejects. */
export type PreparedSubrequest = (call: Call) => Promise<ClientAnswer>

export interface BatchComponents {
  /** @throws {ProtocolError} for an unknown or nested method, or parameters that it refuses */
  prepare(request: Envelope): PreparedSubrequest
}

/** All requests are read before any runs, so that a malformed one spoils the whole before anything happened. */
interface PreparedBatch {
  readonly subrequests: readonly PreparedSubrequest[]
}

function prepareAll({ requests }: BatchRequest, { prepare }: BatchComponents): PreparedBatch {
  return { subrequests: requests.map(prepare) }
}

function batchAnswer(answers: readonly ClientAnswer[]): ClientAnswer {
  return { status: 200, body: { results: answers.map(({ status, body }) => ({ code: status, body })) } }
}

/** Runs its requests together. */
export function createBatchMethod(components: BatchComponents): LocalMethod<PreparedBatch> {
  return {
    parse: (params) => prepareAll(parseBatchParams(params), components),
    answer: async ({ subrequests }, call) => batchAnswer(await Promise.all(subrequests.map((run) => run(call)))),
  }
}

/** Runs its requests one after another, the wait for the swarm included, up to the first that fails. */
export function createSequenceMethod(components: BatchComponents): LocalMethod<PreparedBatch> {
  return {
    parse: (params) => prepareAll(parseBatchParams(params), components),
    async answer({ subrequests }, call) {
      const answers: ClientAnswer[] = []
      for (const run of subrequests) {
        const answer = await run(call)
        answers.push(answer)
        if (answer.status >= 300 || call.signal.aborted) break
      }
      return batchAnswer(answers)
    },
  }
}
