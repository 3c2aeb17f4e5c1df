import type { JsonObject, JsonValue } from '../../src/protocol/json.ts'
import { type CaseWriter, type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { at, type CaseContext } from '../context.ts'
import {
  expectEqual,
  expectInteger,
  expectKeys,
  expectList,
  expectObject,
  expectOk,
  expectRefusal,
} from '../expectations.ts'
import { NO_HASH } from '../method-form.ts'
import { deleteParams, expireParams, getExpiriesParams, retrieveParams, someData, storeParams } from '../requests.ts'

// batch, sequence and ifelse: requests made of others.

const INFO = { method: 'info', params: {} }
/** Whether its account is asked about or not, this is refused with 401. */
const REFUSED_CODE = 401
const REFUSED_TEXT = 'retrieve: request signature required'

/** The codes of the parts, in their order. */
function codesOf(body: JsonObject): readonly (JsonValue | undefined)[] {
  return expectList('results', body['results']).map((result) => at(result, 'code'))
}

function compositeCases(method: 'batch' | 'sequence'): readonly ConformanceCase[] {
  const write = casesOf(method)
  const refusals: readonly (readonly [name: string, text: string, params: JsonObject])[] = [
    ['needs `requests`', 'Invalid batch request: no valid "requests" field', {}],
    ['needs a list of requests', 'Invalid batch request: no valid "requests" field', { requests: INFO }],
    ['needs one request', 'Invalid batch request: no valid "requests" field', { requests: [] }],
    [
      'refuses 21 requests',
      'Invalid batch request: subrequest limit exceeded',
      { requests: Array.from({ length: 21 }, () => INFO) },
    ],
    ['takes objects only', 'Invalid batch request: requests must be objects', { requests: [INFO, 'info'] }],
    [
      'needs a method in each request',
      'Invalid batch request: subrequests must have method/params keys',
      { requests: [INFO, { params: {} }] },
    ],
    [
      'needs parameters in each request',
      'Invalid batch request: subrequests must have method/params keys',
      { requests: [{ method: 'info' }] },
    ],
    [
      'refuses a method that there is not',
      'Invalid batch subrequest: invalid method "fly"',
      { requests: [INFO, { method: 'fly', params: {} }] },
    ],
    ...['batch', 'sequence', 'ifelse'].map(
      (inner) =>
        [
          `refuses a ${inner} within`,
          'Invalid batch subrequest: subrequests may not contain meta-requests',
          { requests: [{ method: inner, params: { requests: [INFO] } }] },
        ] as const,
    ),
    [
      'fails as a whole for one malformed request',
      "Required field 'pubkey' missing",
      { requests: [INFO, { method: 'get_swarm', params: {} }] },
    ],
  ]
  return [
    write.success('gives code and body of each request, in their order, and nothing else', async (context) => {
      const account = context.account()
      const requests = [
        INFO,
        { method: 'get_swarm', params: { pubkey: account.account } },
        { method: 'store', params: storeParams(account, context.nowMs()) },
      ]
      const body = expectOk(await context.ask(method, { requests }))
      expectKeys('body', body, ['results'])
      expectEqual('codes', codesOf(body), [200, 200, 200])
      for (const result of expectList('results', body['results']))
        expectKeys('result', expectObject('result', result), ['code', 'body'])
      for (const [index, field] of [
        [0, 'version'],
        [1, 'snodes'],
        [2, 'hash'],
      ] as const) {
        expectObject('body', at(body, 'results', index, 'body'))
        expectEqual(`has ${field}`, at(body, 'results', index, 'body', field) === undefined, false)
      }
    }),
    write.success('carries all that clients put together', (context) => clientPoll(context, method)),
    write.boundary('takes 1 and 20 requests', async (context) => {
      for (const count of [1, 20]) {
        const body = expectOk(await context.ask(method, { requests: Array.from({ length: count }, () => INFO) }))
        expectEqual(
          'codes',
          codesOf(body),
          Array.from({ length: count }, () => 200),
        )
      }
    }),
    write.success('gives the text of a refused request as its body', async (context) => {
      const requests = [{ method: 'retrieve', params: { pubkey: context.account().account } }]
      const body = expectOk(await context.ask(method, { requests }))
      expectEqual('results', body['results'], [{ code: REFUSED_CODE, body: REFUSED_TEXT }])
    }),
    write.error('gives a 421 and its body to a request for another swarm', async (context) => {
      const foreign = context.foreignAccount()
      const requests = [{ method: 'retrieve', params: retrieveParams(foreign, context.nowMs()) }]
      const body = expectOk(await context.ask(method, { requests }))
      expectEqual('codes', codesOf(body), [421])
      expectList('snodes', at(body, 'results', 0, 'body', 'snodes'))
    }),
    write.signature('checks each request’s signature for itself', async (context) => {
      const account = context.account()
      const good = { method: 'get_expiries', params: getExpiriesParams(account, context.nowMs(), [NO_HASH]) }
      const bad = { ...good, params: { ...good.params, ...account.authenticate('something else') } }
      const body = expectOk(await context.ask(method, { requests: [good, bad] }))
      expectEqual('codes', codesOf(body), [200, 401])
      expectEqual('text', at(body, 'results', 1, 'body'), 'get_expiries signature verification failed')
    }),
    ...refusals.map(([name, text, params]) => write.malformed(name, text, () => params)),
    write.malformed(
      'takes three requests for the service node list at most',
      'Invalid batch request: too many oxend_request subrequests',
      () => ({
        requests: Array.from({ length: 4 }, () => ({
          method: 'oxend_request',
          params: { endpoint: 'get_service_nodes' },
        })),
      }),
      { basis: 'ours' },
    ),
  ]
}

/** What Session's desktop client sends in one request: pushes, polls and maintenance. */
async function clientPoll(context: CaseContext, method: 'batch' | 'sequence'): Promise<void> {
  const [account, nowMs] = [context.account(), context.nowMs()]
  const requests = [
    { method: 'store', params: storeParams(account, nowMs, { namespace: 3 }) },
    ...[0, 2, 3, 5, 4].map((namespace) => ({
      method: 'retrieve',
      params: retrieveParams(account, nowMs, { namespace, last_hash: '', max_size: -8 }),
    })),
    { method: 'expire', params: expireParams(account, [NO_HASH], nowMs + 1_000_000) },
    { method: 'get_expiries', params: getExpiriesParams(account, nowMs, [NO_HASH]) },
    { method: 'delete', params: deleteParams(account, [NO_HASH]) },
    { method: 'oxend_request', params: { endpoint: 'get_service_nodes', params: { fields: ['public_ip'] } } },
  ]
  const body = expectOk(await context.ask(method, { requests }))
  expectEqual(
    'codes',
    codesOf(body),
    requests.map(() => 200),
  )
}

const writeBatch = casesOf('batch')

export const batchCases: readonly ConformanceCase[] = [
  ...compositeCases('batch'),
  writeBatch.success('runs all requests, whatever becomes of the others', async (context) => {
    const account = context.account()
    const refused = { method: 'retrieve', params: { pubkey: account.account } }
    const body = expectOk(await context.ask('batch', { requests: [refused, INFO, refused, INFO] }))
    expectEqual('codes', codesOf(body), [REFUSED_CODE, 200, REFUSED_CODE, 200])
  }),
]

const writeSequence = casesOf('sequence')

export const sequenceCases: readonly ConformanceCase[] = [
  ...compositeCases('sequence'),
  writeSequence.success('stops after the first request that is not 2xx', async (context) => {
    const account = context.account()
    const refused = { method: 'retrieve', params: { pubkey: account.account } }
    const store = { method: 'store', params: storeParams(account, context.nowMs()) }
    const body = expectOk(await context.ask('sequence', { requests: [INFO, refused, store] }))
    expectEqual('codes', codesOf(body), [200, REFUSED_CODE])
    const { body: box } = await context.ask('retrieve', retrieveParams(account, context.nowMs()))
    expectEqual('messages', at(box, 'messages'), [])
  }),
  writeSequence.success('runs each request when the one before is done', async (context) => {
    const [account, nowMs, data] = [context.account(), context.nowMs(), someData()]
    const store = { method: 'store', params: storeParams(account, nowMs, { data }) }
    const retrieve = { method: 'retrieve', params: retrieveParams(account, nowMs) }
    const clear = {
      method: 'delete_all',
      params: { pubkey: account.account, timestamp: nowMs, ...account.authenticate(`delete_all${nowMs}`) },
    }
    const body = expectOk(await context.ask('sequence', { requests: [store, retrieve, clear, retrieve] }))
    const counts = [1, 3].map((index) => expectList('messages', at(body, 'results', index, 'body', 'messages')).length)
    expectEqual('messages before and after', counts, [1, 0])
  }),
]

const write = casesOf('ifelse')
/** An object with a `then` is taken for a promise where one is waited for, so none is written down. */
function conditional(condition: JsonObject, whenTrue?: JsonValue, whenFalse?: JsonValue): JsonObject {
  const entries: readonly (readonly [string, JsonValue | undefined])[] = [
    ['if', condition],
    ['then', whenTrue],
    ['else', whenFalse],
  ]
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

const ALWAYS = { hf_at_least: [0] }
const NEVER = { hf_before: [0] }

function ifElseRefusals(writer: CaseWriter): readonly ConformanceCase[] {
  const rows: readonly (readonly [name: string, text: string, params: JsonObject])[] = [
    ['needs a condition', 'Invalid ifelse request: no valid "if" conditions', conditional({}, INFO)],
    [
      'needs a condition that it knows',
      'Invalid ifelse request: no valid "if" conditions',
      conditional({ moon_at_least: 1 }, INFO),
    ],
    ['needs a branch', 'Invalid ifelse request: at least one of "then" and "else" is required', { if: ALWAYS }],
    [
      'needs a method in a branch',
      'Invalid ifelse request: "then" must have method/params keys',
      conditional(ALWAYS, { params: {} }),
    ],
    [
      'needs parameters in a branch',
      'Invalid ifelse request: "else" must have method/params keys',
      conditional(ALWAYS, undefined, { method: 'info' }),
    ],
    [
      'refuses a method that there is not',
      'Invalid ifelse request: invalid method "fly"',
      conditional(ALWAYS, { method: 'fly', params: {} }),
    ],
  ]
  return [
    // The protocol leaves these texts open.
    ...rows.map(([name, text, params]) => writer.malformed(name, text, () => params, { basis: 'ours' })),
    writer.malformed(
      'takes lists of integers in conditions',
      "Invalid value given for 'hf_at_least': expected integer array",
      () => conditional({ hf_at_least: ['x'] }, INFO),
    ),
    writer.malformed(
      'takes an integer for a height',
      "Invalid value given for 'height_at_least': expected integer",
      () => conditional({ height_at_least: 'x' }, INFO),
    ),
    writer.malformed(
      'fails for a malformed branch, even if it would not run',
      "Required field 'pubkey' missing",
      () => conditional(ALWAYS, INFO, { method: 'get_swarm', params: {} }),
      { basis: 'ours' },
    ),
  ]
}

export const ifElseCases: readonly ConformanceCase[] = [
  write.success('runs `then` if the condition holds, `else` if not, and tells by what it judged', async (context) => {
    const other = { method: 'get_swarm', params: { pubkey: context.account().account } }
    for (const [condition, holds, field] of [
      [ALWAYS, true, 'version'],
      [NEVER, false, 'snodes'],
    ] as const) {
      const body = expectOk(await context.ask('ifelse', conditional(condition, INFO, other)))
      expectKeys('body', body, ['hf', 'v', 'height', 'condition', 'result'])
      expectEqual('condition', body['condition'], holds)
      expectEqual('code', at(body, 'result', 'code'), 200)
      expectEqual(`has ${field}`, at(body, 'result', 'body', field) === undefined, false)
      expectInteger('height', body['height'])
      expectEqual('parts of hf and v', [expectList('hf', body['hf']).length, expectList('v', body['v']).length], [2, 3])
    }
  }),
  write.success('gives no result when there is no branch for the condition', async (context) => {
    const body = expectOk(await context.ask('ifelse', conditional(ALWAYS, undefined, INFO)))
    expectKeys('body', body, ['hf', 'v', 'height', 'condition'])
  }),
  write.success('runs branches that are themselves made of requests', async (context) => {
    const inner = { method: 'ifelse', params: conditional(ALWAYS, { method: 'batch', params: { requests: [INFO] } }) }
    const body = expectOk(await context.ask('ifelse', conditional(ALWAYS, inner)))
    expectEqual('inner code', at(body, 'result', 'body', 'result', 'body', 'results', 0, 'code'), 200)
  }),
  write.success('gives the refusal of a branch as its result', async (context) => {
    const refused = { method: 'retrieve', params: { pubkey: context.account().account } }
    const body = expectOk(await context.ask('ifelse', conditional(ALWAYS, refused)))
    expectEqual('result', body['result'], { code: REFUSED_CODE, body: REFUSED_TEXT })
  }),
  write.boundary('compares versions part by part, and needs all conditions to hold', async (context) => {
    const facts = expectOk(await context.ask('ifelse', conditional(ALWAYS, undefined, INFO)))
    const [hf, v, height] = [facts['hf'], facts['v'], facts['height']]
    const [major, minor] = expectList('hf', hf).map(Number) as [number, number]
    const conditions: readonly (readonly [JsonObject, boolean])[] = [
      [{ hf_at_least: hf ?? [] }, true],
      [{ hf_before: hf ?? [] }, false],
      [{ hf_at_least: [major, minor + 1] }, false],
      [{ hf_before: [major, minor + 1] }, true],
      [{ hf_at_least: major }, true],
      [{ hf_at_least: [major + 1] }, false],
      [{ hf_at_least: [major, minor, 99] }, true],
      [{ v_at_least: v ?? [] }, true],
      [{ v_before: v ?? [] }, false],
      [{ v_before: [999] }, true],
      [{ height_at_least: 0 }, true],
      [{ height_before: 0 }, false],
      [{ height_before: Number(height) + 1_000_000 }, true],
      [{ hf_at_least: [0], v_before: [0] }, false],
      [{ hf_at_least: [0], hf_before: [999], v_at_least: [0], height_at_least: 0 }, true],
    ]
    for (const [condition, holds] of conditions) {
      const body = expectOk(await context.ask('ifelse', conditional(condition, undefined, INFO)))
      expectEqual(`condition ${JSON.stringify(condition)}`, body['condition'], holds)
    }
  }),
  ...ifElseRefusals(write),
  write.error(
    'needs `params`',
    async (context) => {
      expectRefusal(await context.askText('{"method":"ifelse"}'), 400, 'invalid json: no `params` field')
    },
    { refusals: [refusalKey(400, 'invalid json: no `params` field')] },
  ),
]
