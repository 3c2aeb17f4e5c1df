import type { ClientAnswer } from '../../protocol/client-api/envelope.ts'
import type { LocalMethod } from '../method.ts'
import { type BatchComponents, batchAnswer, type PreparedBatch, prepareBatch } from './batch.ts'

/** Runs its requests one after another, the wait for the swarm included, up to the first that fails. */
export function createSequenceMethod(components: BatchComponents): LocalMethod<PreparedBatch> {
  return {
    parse: (params) => prepareBatch(params, components),
    async answer({ subrequests, retrieveShare }, call) {
      const shared = { ...call, retrieveShare }
      const answers: ClientAnswer[] = []
      for (const subrequest of subrequests) {
        const answer = await subrequest.run(shared)
        answers.push(answer)
        if (answer.status >= 300 || call.signal.aborted) break
      }
      return batchAnswer(answers)
    },
  }
}
