import { concat, fromBase64, utf8 } from '../src/base/bytes.ts'
import { MINUTE } from '../src/base/clock.ts'
import type { JsonObject } from '../src/protocol/json.ts'
import type { CaseContext } from './context.ts'
import {
  ExpectationFailed,
  expectEqual,
  expectInteger,
  expectList,
  expectObject,
  expectOk,
  expectSorted,
  expectText,
  expectWithin,
} from './expectations.ts'
import { verifies } from './signing-key.ts'
import type { Answer } from './transport.ts'

/** Each member's result, by its key. */
export type SwarmResults = ReadonlyMap<string, JsonObject>

/** The time of an answer, and the version of the network. */
export function expectStamp(context: CaseContext, body: JsonObject): void {
  const nowMs = context.nowMs()
  expectWithin('t', body['t'], nowMs - MINUTE, nowMs + MINUTE)
  const hf = expectList('hf', body['hf'])
  expectEqual('parts of hf', hf.length, 2)
  for (const part of hf) expectInteger('hf', part)
}

/** The results of a whole swarm: one of each member that answers, and none of anybody else. */
export function expectSwarm(context: CaseContext, answer: Answer): SwarmResults {
  const body = expectOk(answer)
  expectStamp(context, body)
  const results = resultsOf(body)
  expectEqual('members', [...results.keys()].sort(), context.members.map(({ key }) => key).sort())
  return results
}

/** The results of those members that there are, the asked one being among them. */
export function expectSomeOfSwarm(context: CaseContext, answer: Answer): SwarmResults {
  const results = resultsOf(expectOk(answer))
  const members = context.members.map(({ key }) => key)
  const strangers = [...results.keys()].filter((key) => !members.includes(key))
  expectEqual('nodes that are no members', strangers, [])
  if (!results.has(context.node.key)) throw new ExpectationFailed('result of the asked node', 'one', 'none')
  return results
}

export function resultsOf(body: JsonObject): SwarmResults {
  const swarm = expectObject('swarm', body['swarm'])
  const results = Object.entries(swarm).map(([key, value]) => [key, expectObject(`result of ${key}`, value)] as const)
  const failed = results.filter(([, result]) => result['failed'] !== undefined)
  // Members that were dead before the first case are left out of the context; these failed just now.
  expectEqual('failed members', failed, [])
  return new Map(results)
}

/** The result of each member is signed by it for itself, over what the protocol says. */
export function expectSigned(results: SwarmResults, textOf: (result: JsonObject) => string | Uint8Array): void {
  for (const [key, result] of results) {
    const signature = fromBase64(expectText('signature', result['signature']))
    const text = textOf(result)
    const bytes = typeof text === 'string' ? utf8(text) : text
    if (signature === undefined || !verifies(key, bytes, signature)) {
      throw new ExpectationFailed(`signature of ${key}`, `over ${text}`, result)
    }
    const tampered = concat(bytes, utf8(' '))
    if (verifies(key, tampered, signature)) throw new ExpectationFailed('signature', 'over this text only', result)
  }
}

/** Every member says the same. */
export function expectEach(results: SwarmResults, field: string, expected: unknown): void {
  for (const [key, result] of results) expectEqual(`${field} of ${key}`, result[field], expected)
}

/** A sorted list of hashes. */
export function hashList(result: JsonObject, field: string): readonly string[] {
  const hashes = expectList(field, result[field]).map((hash) => expectText(field, hash))
  expectSorted(field, hashes)
  return hashes
}

/** The hashes of an object of sorted lists by namespace, sorted over all of them. */
export function hashesOfAll(result: JsonObject, field: string): readonly string[] {
  const lists = expectObject(field, result[field])
  return Object.keys(lists)
    .flatMap((namespace) => hashList(lists, namespace))
    .sort((a, b) => (a < b ? -1 : 1))
}
