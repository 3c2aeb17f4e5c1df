import { isJsonObject, type JsonObject } from '../json.ts'
import type { ClientAnswer, Envelope } from './envelope.ts'
import { integerField, integersField, invalidRequest, objectField } from './parameter.ts'

/** What the answering node is, and so what conditions are about. */
export type NodeFacts = {
  /** Hard fork and service node revision. */
  readonly hf: readonly number[]
  /** Version of the node's software. */
  readonly v: readonly number[]
  /** Block of the service node list; 0 before it is known. */
  readonly height: number
}

/** One request if the node answers to conditions, another if not. Clients ask so before all nodes know a new method. */
export interface IfElseRequest {
  readonly condition: (facts: NodeFacts) => boolean
  /** `then` and `else`; an object with a `then` would be taken for a promise. */
  readonly whenTrue?: Envelope
  readonly whenFalse?: Envelope
}

const HF_PARTS = 2
const VERSION_PARTS = 3

export function parseIfElseParams(params: JsonObject): IfElseRequest {
  const conditions = parseConditions(objectField(params, 'if') ?? {})
  if (conditions.length === 0) throw invalidRequest('Invalid ifelse request: no valid "if" conditions')
  const [whenTrue, whenFalse] = [parseBranch(params, 'then'), parseBranch(params, 'else')]
  if (whenTrue === undefined && whenFalse === undefined) {
    throw invalidRequest('Invalid ifelse request: at least one of "then" and "else" is required')
  }
  return {
    condition: (facts) => conditions.every((holds) => holds(facts)),
    ...(whenTrue !== undefined && { whenTrue }),
    ...(whenFalse !== undefined && { whenFalse }),
  }
}

type Condition = IfElseRequest['condition']

function parseConditions(fields: JsonObject): readonly Condition[] {
  return [
    ...bounds(integersField(fields, 'hf_at_least'), integersField(fields, 'hf_before'), ({ hf }) => hf, HF_PARTS),
    ...bounds(integersField(fields, 'v_at_least'), integersField(fields, 'v_before'), ({ v }) => v, VERSION_PARTS),
    ...bounds(
      asList(integerField(fields, 'height_at_least')),
      asList(integerField(fields, 'height_before')),
      heightOf,
      1,
    ),
  ]
}

function asList(value: number | undefined): readonly number[] | undefined {
  return value === undefined ? undefined : [value]
}

function heightOf({ height }: NodeFacts): readonly number[] {
  return [height]
}

function bounds(
  atLeast: readonly number[] | undefined,
  before: readonly number[] | undefined,
  fact: (facts: NodeFacts) => readonly number[],
  parts: number,
): readonly Condition[] {
  const from: Condition[] = atLeast === undefined ? [] : [(facts) => compare(fact(facts), atLeast, parts) >= 0]
  return before === undefined ? from : [...from, (facts) => compare(fact(facts), before, parts) < 0]
}

/** Part by part; parts that are not given are 0, and more than there are count for nothing. */
function compare(a: readonly number[], b: readonly number[], parts: number): number {
  const differences = Array.from({ length: parts }, (_, at) => (a[at] ?? 0) - (b[at] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}

function parseBranch(params: JsonObject, name: 'then' | 'else'): Envelope | undefined {
  const branch = params[name] ?? undefined
  if (branch === undefined) return undefined
  const { method, params: inner } = isJsonObject(branch) ? branch : {}
  if (typeof method !== 'string' || !isJsonObject(inner)) {
    throw invalidRequest(`Invalid ifelse request: "${name}" must have method/params keys`)
  }
  return { method, params: inner }
}

export type IfElseAnswer = NodeFacts & {
  readonly condition: boolean
  /** Absent when there is no branch for the condition. */
  readonly result?: { readonly code: number; readonly body: ClientAnswer['body'] }
}
