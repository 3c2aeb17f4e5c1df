import type { NodeFacts } from '../../protocol/client-api/if-else.ts'
import { isWhole, type JsonObject, type JsonValue } from '../../protocol/json.ts'
import { objectOf, readResult } from '../answers.ts'
import { ClientError } from '../errors.ts'
import type { PreparedCall, SwarmCall } from '../swarm-call.ts'
import { type PartOutcome, readPart } from './batch.ts'

/** What the answering node must be. All that are given must hold; missing parts of a version are 0. */
export interface NodeConditions {
  /** Hard fork and service node revision. */
  readonly hardForkAtLeast?: readonly number[]
  readonly hardForkBefore?: readonly number[]
  /** Version of the node's software. */
  readonly versionAtLeast?: readonly number[]
  readonly versionBefore?: readonly number[]
  /** Block of its service node list. */
  readonly heightAtLeast?: number
  readonly heightBefore?: number
}

export interface IfElseOutcome<T> {
  readonly condition: boolean
  readonly facts: NodeFacts
  /** Undefined when there is no call for this case. */
  readonly outcome: PartOutcome<T> | undefined
}

/** One call when the node that is asked fits, another, if any, when it does not. Both are about the same account. */
export function ifElseCall<T, F = never>(
  conditions: NodeConditions,
  whenTrue: SwarmCall<T>,
  whenFalse?: SwarmCall<F>,
): SwarmCall<IfElseOutcome<T | F>> {
  const test = conditionFields(conditions)
  if (Object.keys(test).length === 0) throw new ClientError('BATCH_INVALID', 'A condition is needed at least')
  if (whenFalse !== undefined && whenFalse.account !== whenTrue.account) {
    throw new ClientError('BATCH_INVALID', 'Both calls are about the same account: one swarm is asked')
  }
  return {
    account: whenTrue.account,
    first: whenTrue.first,
    prepare(moment) {
      const [yes, no] = [whenTrue.prepare(moment), whenFalse?.prepare(moment)]
      // Not an object literal: one with a `then` could be taken for a promise.
      const branches = Object.fromEntries([
        ['then', branchOf(yes)],
        ...(no === undefined ? [] : [['else', branchOf(no)]]),
      ])
      return {
        envelope: { method: 'ifelse', params: { if: test, ...branches } },
        read({ body }, source) {
          const answer = objectOf(body)
          const { condition } = answer
          if (typeof condition !== 'boolean') throw invalid('it does not say whether the condition holds')
          const branch: PreparedCall<T | F> | undefined = condition ? yes : no
          const result = answer['result'] === undefined ? undefined : readResult(answer['result'])
          if ((branch === undefined) !== (result === undefined)) throw invalid('its result is of the other case')
          return { condition, facts: factsIn(answer), outcome: branch && readPart(branch, result, source) }
        },
      }
    },
  }
}

function conditionFields(conditions: NodeConditions): JsonObject {
  const { hardForkAtLeast, hardForkBefore, versionAtLeast, versionBefore, heightAtLeast, heightBefore } = conditions
  return {
    ...(hardForkAtLeast !== undefined && { hf_at_least: hardForkAtLeast }),
    ...(hardForkBefore !== undefined && { hf_before: hardForkBefore }),
    ...(versionAtLeast !== undefined && { v_at_least: versionAtLeast }),
    ...(versionBefore !== undefined && { v_before: versionBefore }),
    ...(heightAtLeast !== undefined && { height_at_least: heightAtLeast }),
    ...(heightBefore !== undefined && { height_before: heightBefore }),
  }
}

function branchOf({ envelope: { method, params } }: PreparedCall<unknown>): JsonObject {
  return { method, params }
}

function factsIn({ hf, v, height }: JsonObject): NodeFacts {
  if (!isNumbers(hf) || !isNumbers(v) || !isWhole(height)) throw invalid('it does not say what the node is')
  return { hf, v, height }
}

function isNumbers(value: JsonValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every(isWhole)
}

function invalid(what: string): ClientError {
  return new ClientError('ANSWER_INVALID', `The answer to an ifelse is invalid: ${what}`)
}
