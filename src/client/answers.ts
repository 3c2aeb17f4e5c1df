import { fromBase64 } from '../base/bytes.ts'
import { type ActiveNode, decodeActiveNodes } from '../protocol/client-api/active-nodes-bin.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { isJsonObject, isWhole, type JsonObject, type JsonValue } from '../protocol/json.ts'
import { ClientError } from './errors.ts'
import { parseServiceNodeStates, type ReachableNode } from './reachable-node.ts'

/** One part of the answer to a batch or sequence. */
export interface BatchResult {
  readonly status: number
  readonly body: JsonValue
}

/** What a node says of itself. */
export interface NodeInfo {
  readonly version: readonly number[]
  readonly timestampMs: number
}

/** @throws {ClientError} ANSWER_INVALID */
export function readBatchResults(answer: JsonValue): readonly BatchResult[] {
  const results = objectOf(answer)['results']
  if (!Array.isArray(results)) throw invalid('it has no list of results')
  return results.map(readResult)
}

/** One request's result inside the answer to another. @throws {ClientError} ANSWER_INVALID */
export function readResult(result: JsonValue): BatchResult {
  const { code, body } = objectOf(result)
  if (!isWhole(code)) throw invalid('a result has no code')
  return { status: code, body: body ?? null }
}

/** @throws {ClientError} ANSWER_INVALID */
export function readInfo(answer: JsonValue): NodeInfo {
  const { version, timestamp } = objectOf(answer)
  if (!Array.isArray(version) || !version.every(isWhole)) throw invalid('it has no version')
  if (!isWhole(timestamp)) throw invalid('it has no timestamp')
  return { version, timestampMs: timestamp }
}

/** @throws {ClientError} NODE_LIST_INVALID */
export function readServiceNodes(answer: JsonValue): readonly ReachableNode[] {
  const result = isJsonObject(answer) ? answer['result'] : undefined
  return parseServiceNodeStates(isJsonObject(result) ? result['service_node_states'] : undefined)
}

/** From base64 of the binary list. @throws {ClientError} ANSWER_INVALID */
export function readActiveNodes(answer: JsonValue): readonly ActiveNode[] {
  const bytes = typeof answer === 'string' ? fromBase64(answer) : undefined
  if (bytes === undefined) throw invalid('it is not base64')
  try {
    return decodeActiveNodes(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) throw invalid(error.message)
    throw error
  }
}

/** @throws {ClientError} ANSWER_INVALID */
export function objectOf(answer: JsonValue): JsonObject {
  if (!isJsonObject(answer)) throw invalid('it is not an object')
  return answer
}

/**
 * With a node's own words, as far as they are short: they may end up on a terminal, so control characters are taken out.
 */
export function withWords(what: string, body: JsonValue): string {
  if (typeof body !== 'string' || body === '') return what
  return `${what}: ${body.slice(0, 200).replace(/\p{Cc}/gu, ' ')}`
}

function invalid(what: string): ClientError {
  return new ClientError('ANSWER_INVALID', `The node's answer is invalid: ${what}`)
}
