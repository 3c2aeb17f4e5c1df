import type { JsonObject, JsonValue } from '../../src/protocol/json.ts'
import { type CaseWriter, type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectRefusal } from '../expectations.ts'
import type { FieldType, MethodForm } from '../method-form.ts'

// What follows from the types of a method's parameters.

const TIMESTAMP_TEXT = 'integer timestamp (in milliseconds)'

/** What refusals call a type, and values that are not of it. */
const TYPES: Readonly<Record<FieldType, readonly [name: string, wrong: readonly JsonValue[]]>> = {
  boolean: ['boolean', ['yes', 1]],
  'positive integer': ['positive integer', [-1, {}]],
  integer: ['integer', ['x', []]],
  '16-bit integer': ['16-bit integer', ['x', {}]],
  'integer or "all"': ['integer or "all"', ['every', true]],
  timestamp: [TIMESTAMP_TEXT, ['x', -1, true]],
  'timestamp or text': [TIMESTAMP_TEXT, [-1, {}]],
  'timestamp array': ['timestamp array', ['x', ['x'], [-1]]],
  'string array': ['string array', [5, [5]]],
  string: ['string', [5, []]],
}

/** Above the guard against seconds, which starts to take values at 10^9. */
const SECONDS_VALUE = 999_999_999

export function parameterCases(form: MethodForm): readonly ConformanceCase[] {
  const write = casesOf(form.method)
  return [
    ...Object.entries(form.fields).map(([field, type]) => wrongType(write, form, field, type)),
    ...form.required.map((field) => missing(write, form, field)),
    ...Object.entries(form.fields).flatMap(([field, type]) => outOfRange(write, form, field, type)),
    malformedAccount(write, form),
    unknownFields(write, form),
  ]
}

function wrongType(write: CaseWriter, form: MethodForm, field: string, type: FieldType): ConformanceCase {
  const [name, values] = TYPES[type]
  const text = `Invalid value given for '${field}': expected ${name}`
  return refusedEach(
    write,
    form,
    `takes \`${field}\` as ${name} only`,
    text,
    values.map((value) => ({ [field]: value })),
  )
}

function missing(write: CaseWriter, form: MethodForm, field: string): ConformanceCase {
  const text = `Required field '${field}' missing`
  return refusedEach(write, form, `needs \`${field}\`, for which null is as good as nothing`, text, [
    { [field]: undefined },
    { [field]: null },
  ])
}

function outOfRange(write: CaseWriter, form: MethodForm, field: string, type: FieldType): readonly ConformanceCase[] {
  if (type === '16-bit integer' || type === 'integer or "all"') {
    const text = `Invalid value given for '${field}': value out of range`
    const values = [{ [field]: 32_768 }, { [field]: -32_769 }]
    return [refusedEach(write, form, `takes \`${field}\` from -32768 to 32767`, text, values, 'boundary')]
  }
  if (type !== 'timestamp' && type !== 'timestamp or text') return []
  const text = `Invalid timestamp for '${field}': timestamp must be in milliseconds`
  const changes = [{ [field]: SECONDS_VALUE, ...(field === 'expiry' && { ttl: undefined }) }]
  return [refusedEach(write, form, `takes a \`${field}\` below 10^9 for seconds`, text, changes, 'boundary')]
}

const MALFORMED_ACCOUNTS = ['', '05', `05${'g'.repeat(64)}`, `05${'a'.repeat(63)}`, `05${'a'.repeat(66)}`]

function malformedAccount(write: CaseWriter, form: MethodForm): ConformanceCase {
  // An empty text is a text, and no account.
  const changes = MALFORMED_ACCOUNTS.map((pubkey) => ({ pubkey }))
  return refusedEach(write, form, 'takes an account id of 66 hex digits only', form.accountRefusal, changes)
}

function unknownFields(write: CaseWriter, form: MethodForm): ConformanceCase {
  return write.success('ignores parameters that it does not know', async (context) => {
    const extra = { unheard_of: { of: [1, 'x', null] }, another: null }
    const params = { ...form.params(context.account(), context.nowMs()), ...extra }
    const { status, body } = await context.ask(form.method, params)
    if (status !== 200) throw new Error(`Status ${status}: ${JSON.stringify(body)}`)
  })
}

/** Each of these changes to a good request makes the same refusal. */
function refusedEach(
  write: CaseWriter,
  form: MethodForm,
  name: string,
  text: string,
  changes: readonly JsonObject[],
  aspect: 'error' | 'boundary' = 'error',
): ConformanceCase {
  const whole = `invalid request: ${text}`
  const run = async (context: CaseContext) => {
    for (const change of changes) {
      const params = { ...form.params(context.account(), context.nowMs()), ...change }
      expectRefusal(await context.ask(form.method, params), 400, whole)
    }
  }
  return write[aspect](name, run, { refusals: [refusalKey(400, whole)] })
}
