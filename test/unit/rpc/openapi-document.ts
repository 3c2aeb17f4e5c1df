// docs/protocol/openapi.yaml as tests use it: which schema an answer has to fit, and which answers have been seen to.
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import type { JsonValue } from '../../../src/protocol/json.ts'
import type { ProtocolReply } from './protocol-network.ts'

/** Content type to the name of a schema. */
type Contents = Readonly<Record<string, string>>
type Statuses = Readonly<Record<string, Contents>>

interface Response {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, object>>
  /** What ends a connection early has no body. */
  readonly 'x-may-be-empty'?: boolean
}

interface Operation {
  readonly responses: Readonly<Record<string, Response>>
  readonly 'x-every-method'?: Statuses
  readonly 'x-methods'?: Readonly<
    Record<string, { readonly aliases?: readonly string[]; readonly params: string; readonly answers: Statuses }>
  >
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly discriminator?: { readonly mapping: object }; readonly examples?: readonly object[] }>
    >
    readonly responses: Readonly<Record<string, Response>>
  }
}

export const OPENAPI_TEXT = readFileSync('docs/protocol/openapi.yaml', 'utf8')
export const OPENAPI = parse(OPENAPI_TEXT) as OpenApi

const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allErrors: false,
  validateSchema: false,
  // What OpenAPI adds to JSON Schema.
  keywords: ['discriminator', 'x-record-bytes', ...Object.keys(OPENAPI)],
})
ajv.addSchema(OPENAPI, 'openapi')

/** What is wrong with a value, if anything. `pointer` starts behind the root: `components/schemas/Hash`. */
export function complaint(pointer: string, value: unknown): string | undefined {
  const validate = ajv.getSchema(`openapi#/${pointer}`)
  if (validate === undefined) throw new Error(`There is no schema at ${pointer}`)
  return validate(value) === true ? undefined : `${pointer}: ${ajv.errorsText(validate.errors)}`
}

const METHODS_ROUTE = '/storage_rpc/v1'
const { 'x-methods': methods = {}, 'x-every-method': everyMethod = {} } = OPENAPI.paths[METHODS_ROUTE]?.['post'] ?? {}
export const METHODS = methods

export function schemaComplaint(schema: string, value: unknown): string | undefined {
  return complaint(`components/schemas/${schema}`, value)
}

/** Compares answers with the document, and remembers which of its answers have been given. */
export class AnswerChecker {
  readonly #seen = new Set<string>()

  /** What is wrong with the answer to a method, if anything. */
  methodComplaint(method: string, reply: ProtocolReply): string | undefined {
    const { contentType, status } = reply
    const name = Object.keys(methods).find((each) => each === method || methods[each]?.aliases?.includes(method))
    const own = name === undefined ? undefined : methods[name]?.answers[status]?.[contentType]
    const schema = own ?? everyMethod[status]?.[contentType]
    if (schema === undefined) return `${method} does not answer ${status} as ${contentType}`
    this.#seen.add(`${own === undefined ? 'any method' : name} ${status} ${contentType}`)
    return this.routeComplaint(METHODS_ROUTE, 'post', reply) ?? schemaComplaint(schema, bodyOf(schema, reply))
  }

  /** What is wrong with an answer as one of its URL, if anything. */
  routeComplaint(
    route: string,
    verb: string,
    { body, contentType, headers, status }: ProtocolReply,
  ): string | undefined {
    const { responses = {} } = OPENAPI.paths[route]?.[verb] ?? {}
    const named = String(status) in responses ? String(status) : 'default'
    const response = responses[named]
    if (response === undefined) return `${verb} ${route} does not answer ${status}`
    const pointer =
      response.$ref?.replace(/^#\//, '') ?? `paths/${route.replaceAll('/', '~1')}/${verb}/responses/${named}`
    const { content, headers: promised, 'x-may-be-empty': mayBeEmpty = content === undefined } = resolved(response)
    const missing = Object.keys(promised ?? {}).find((header) => headers[header.toLowerCase()] === undefined)
    if (missing !== undefined) return `${verb} ${route} ${status} lacks the header ${missing}`
    this.#seen.add(`${verb} ${route} ${named} ${contentType}`.trimEnd())
    if (mayBeEmpty && contentType === '' && body === '') return undefined
    if (content?.[contentType] === undefined) return `${verb} ${route} does not answer ${status} as ${contentType}`
    return complaint(`${pointer}/content/${contentType.replaceAll('/', '~1')}/schema`, body)
  }

  /** Answers of the document that no request has had so far. */
  unseen(): readonly string[] {
    const ofMethods = Object.entries({ ...methods, 'any method': { answers: everyMethod } }).flatMap(
      ([method, { answers }]) =>
        Object.entries(answers).flatMap(([status, contents]) =>
          Object.keys(contents).map((type) => `${method} ${status} ${type}`),
        ),
    )
    const ofRoutes = operations().flatMap(([route, verb, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) =>
        Object.keys(resolved(response).content ?? { '': {} }).map((type) =>
          `${verb} ${route} ${status} ${type}`.trimEnd(),
        ),
      ),
    )
    return [...ofMethods, ...ofRoutes].filter((answer) => !this.#seen.has(answer))
  }
}

/** Route, verb and what is said of it. */
export function operations(): readonly (readonly [string, string, Operation])[] {
  return Object.entries(OPENAPI.paths).flatMap(([route, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => [route, verb, operation] as const),
  )
}

function resolved(response: Response): Response {
  const name = response.$ref?.split('/').at(-1)
  return name === undefined ? response : (OPENAPI.components.responses[name] ?? {})
}

/** Bytes have no JSON Schema; what can be said of them is how many there are of a record. */
function bodyOf(schema: string, { body }: ProtocolReply): JsonValue {
  const recordBytes = Object.entries(OPENAPI.components.schemas[schema] ?? {}).find(([key]) => key === 'x-record-bytes')
  if (recordBytes !== undefined && typeof body === 'string' && body.length % Number(recordBytes[1]) !== 0) {
    throw new Error('The answer is not whole records')
  }
  return body
}
