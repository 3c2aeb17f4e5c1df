import type { Envelope } from '../../protocol/client-api/envelope.ts'
import {
  type IfElseAnswer,
  type IfElseRequest,
  type NodeFacts,
  parseIfElseParams,
} from '../../protocol/client-api/if-else.ts'
import type { LocalMethod } from '../method.ts'
import { NETWORK_VERSION } from '../network-version.ts'
import type { SwarmView } from '../service-node-directory.ts'
import type { PreparedSubrequest } from './batch.ts'

export interface IfElseComponents {
  readonly info: { readonly version: readonly [number, number, number] }
  readonly swarm: Pick<SwarmView, 'epoch'>
  /** @throws {ProtocolError} for an unknown method, or parameters that it refuses */
  prepare(request: Envelope): PreparedSubrequest
}

/** Both branches are read before either runs: whether a request is well-formed does not depend on the node. */
interface PreparedIfElse {
  readonly condition: IfElseRequest['condition']
  readonly whenTrue: PreparedSubrequest | undefined
  readonly whenFalse: PreparedSubrequest | undefined
}

export function createIfElseMethod({ info, prepare, swarm }: IfElseComponents): LocalMethod<PreparedIfElse> {
  const prepared = (branch: Envelope | undefined) => (branch === undefined ? undefined : prepare(branch))
  return {
    parse(params) {
      const { condition, whenFalse, whenTrue } = parseIfElseParams(params)
      return { condition, whenTrue: prepared(whenTrue), whenFalse: prepared(whenFalse) }
    },
    async answer({ condition: holds, whenFalse, whenTrue }, call) {
      const height = Number(swarm.epoch()?.blockNumber ?? 0)
      const facts: NodeFacts = { hf: NETWORK_VERSION, v: info.version, height }
      const condition = holds(facts)
      const answer = await (condition ? whenTrue : whenFalse)?.run(call)
      const result = answer && { code: answer.status, body: answer.body }
      const body: IfElseAnswer = { ...facts, condition, ...(result !== undefined && { result }) }
      return { status: 200, body, ...(answer?.requests !== undefined && { requests: answer.requests }) }
    },
  }
}
