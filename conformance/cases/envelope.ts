import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import { expectEqual, expectOk, expectRefusal } from '../expectations.ts'
import { retrieveParams, storeParams } from '../requests.ts'

// The text of a request, before any method sees it.

const write = casesOf('request')

function refusedTexts(name: string, texts: readonly string[], text: string, basis?: 'ours'): ConformanceCase {
  return write.error(
    name,
    async (context) => {
      for (const each of texts) expectRefusal(await context.askText(each), 400, text)
    },
    { refusals: [refusalKey(400, text)], ...(basis !== undefined && { basis }) },
  )
}

/** Writes a number of a good request in another way. */
function rewritten(params: object, method: string, field: string, number: string): string {
  return JSON.stringify({ method, params: { ...params, [field]: '@' } }).replace('"@"', number)
}

export const envelopeCases: readonly ConformanceCase[] = [
  write.success('may have other keys beside method and params, in any order', async (context) => {
    for (const text of [
      '{"jsonrpc":"2.0","id":0,"method":"info","params":{}}',
      '{"params":{},"x":[null],"method":"info"}',
      ' { "method" : "info" , "params" : { } } ',
    ]) {
      expectOk(await context.askText(text))
    }
  }),
  refusedTexts(
    'must be JSON',
    [
      '',
      '{',
      'info',
      '{"method":"info","params":{}',
      "{'method':'info','params':{}}",
      '{"method":"info","params":{}}x',
    ],
    'invalid json',
  ),
  refusedTexts('must be an object', ['[]', '"info"', '5', 'null'], 'invalid json', 'ours'),
  refusedTexts(
    'must name a method',
    ['{}', '{"params":{}}', '{"method":null,"params":{}}'],
    'invalid json: no `method` field',
  ),
  refusedTexts(
    'must name the method by a string',
    ['{"method":5,"params":{}}', '{"method":["info"],"params":{}}'],
    'invalid json: no `method` field',
    'ours',
  ),
  refusedTexts(
    'must have parameters',
    [
      '{"method":"info"}',
      '{"method":"info","params":null}',
      '{"method":"store","params":[]}',
      '{"method":"info","params":"x"}',
    ],
    'invalid json: no `params` field',
  ),
  ...['fly', '', 'INFO', '__proto__', 'constructor', 'monitor.messages'].map((method) =>
    write.error(
      `must name a method that there is, not ${JSON.stringify(method)}`,
      async (context) => {
        expectRefusal(await context.ask(method, {}), 400, `no method ${method}`)
      },
      { refusals: [refusalKey(400, `no method ${method}`)] },
    ),
  ),
  refusedTexts(
    'must not be nested deeper than 16 levels',
    [`{"method":"info","params":{"a":${'['.repeat(15)}${']'.repeat(15)}}}`],
    'invalid json: nested too deeply',
    'ours',
  ),
  refusedTexts(
    'must not have more than 50,000 values',
    [`{"method":"info","params":{"a":[${'0,'.repeat(50_000)}0]}}`],
    'invalid json: too many values',
    'ours',
  ),
  write.boundary('may be nested 16 levels deep', async (context) => {
    expectOk(await context.askText(`{"method":"info","params":{"a":${'['.repeat(14)}${']'.repeat(14)}}}`))
  }),
  ...['1e12', '1700000000000.0', '1.7e12'].map((number) =>
    write.error(`must not write a timestamp as ${number}`, async (context) => {
      const text = rewritten(storeParams(context.account(), context.nowMs()), 'store', 'timestamp', number)
      const refusal =
        "invalid request: Invalid value given for 'timestamp': expected integer timestamp (in milliseconds)"
      expectRefusal(await context.askText(text), 400, refusal)
    }),
  ),
  write.error('must not name a number that JSON parsers round', async (context) => {
    const text = rewritten(
      retrieveParams(context.account(), context.nowMs()),
      'retrieve',
      'timestamp',
      '9007199254740993',
    )
    const { status } = await context.askText(text)
    expectEqual('refused', [400, 406].includes(status), true)
  }),
  write.success('may be written with escapes', async (context) => {
    expectOk(await context.askText('{"method":"\\u0069nfo","params":{"\\u00fc":"\\ud83d\\ude00"}}'))
  }),
]
