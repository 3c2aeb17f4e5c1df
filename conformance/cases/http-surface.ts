import { type ConformanceCase, casesOf, refusalKey } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectEqual, expectKeys, expectMatch, expectObject, expectTrue } from '../expectations.ts'
import type { HttpReply, HttpRequest } from '../https-exchange.ts'
import { LIST_FIELDS } from '../requests.ts'

// What a node answers over HTTPS besides methods.

const write = casesOf('https')
const RPC = '/storage_rpc/v1'
const INFO = '{"method":"info","params":{}}'
const BODY_MAX_BYTES = 10 * 1024 * 1024
const over = 'https' as const

function expectReply({ status, headers, body }: HttpReply, expected: readonly [number, string, string]): void {
  expectEqual('status, Content-Type and text', [status, headers['content-type'], body.toString('utf8')], expected)
}

function refused(name: string, request: HttpRequest, status: number, text: string): ConformanceCase {
  const run = async (context: CaseContext) => expectReply(await context.exchange(request), [status, 'text/plain', text])
  return write.error(name, run, { over, refusals: [refusalKey(status, text)] })
}

const httpSurfaceCases: readonly ConformanceCase[] = [
  write.success(
    'answers JSON as exactly application/json',
    async (context) => {
      const { status, headers } = await context.exchange({ path: RPC, body: INFO })
      expectEqual('status and Content-Type', [status, headers['content-type']], [200, 'application/json'])
    },
    { over },
  ),
  write.success(
    'answers text as exactly text/plain',
    async (context) => {
      expectReply(await context.exchange({ path: RPC, body: '{' }), [400, 'text/plain', 'invalid json'])
    },
    { over },
  ),
  write.success(
    'does not mind which Content-Type and headers a client sends',
    async (context) => {
      for (const type of ['text/plain', 'application/json; charset=utf-8', 'application/octet-stream', 'x']) {
        const headers = { 'Content-Type': type, 'User-Agent': 'WhatsApp', 'Accept-Language': 'en-us', Accept: '*/*' }
        expectEqual('status', (await context.exchange({ path: RPC, body: INFO, headers })).status, 200)
      }
    },
    { over },
  ),
  write.success(
    'keeps connections, and closes them for clients that ask it to',
    async (context) => {
      const headers = { Connection: 'close' }
      const { status, headers: answered } = await context.exchange({ path: RPC, body: INFO, headers })
      expectEqual('status and Connection', [status, answered.connection], [200, 'close'])
    },
    { over },
  ),
  write.success(
    'answers a ping with its key, base64 of 32 bytes',
    async (context) => {
      const { status, headers } = await context.exchange({ path: '/ping_test/v1', headers: { Host: 'test.snode' } })
      expectEqual('status', status, 200)
      const key = expectMatch('X-Oxen-Snode-Pubkey', String(headers['x-oxen-snode-pubkey']), /^[A-Za-z0-9+/]{43}=$/)
      expectEqual('key', Buffer.from(key, 'base64').toString('hex'), context.node.legacyKey)
    },
    { over },
  ),
  write.success(
    'tells its version',
    async (context) => {
      const { status, headers, body } = await context.exchange({ method: 'GET', path: '/get_stats/v1' })
      expectEqual('status and Content-Type', [status, headers['content-type']], [200, 'application/json'])
      expectMatch('version', expectObject('body', JSON.parse(body.toString('utf8')))['version'], /^\d+\.\d+\.\d+$/)
    },
    { over },
  ),
  ...[
    ['GET', '/'],
    ['POST', '/'],
    ['GET', RPC],
    ['PUT', RPC],
    ['POST', '/storage_rpc/v2'],
    ['POST', '/storage_rpc/v1/'],
    ['POST', '/onion_req/v1'],
    ['GET', '/onion_req/v2'],
    ['GET', '/ping_test/v1'],
    ['POST', '/get_stats/v1'],
    ['GET', '/nowhere?a=b'],
    ['DELETE', '/storage_rpc/v1'],
  ].map(([method = '', path = '']) =>
    refused(`has nothing at ${method} ${path}`, { method, path }, 404, `${method} ${path} Not Found`),
  ),
  refused(
    'tells clients that poll in the old way to upgrade',
    { path: RPC, body: INFO, headers: { 'X-Loki-Long-Poll': '1' } },
    410,
    'long polling is no longer supported, client upgrade required',
  ),
  ...[RPC, '/onion_req/v2'].map((path) =>
    refused(
      `refuses a body of more than 10 MiB at ${path} by its announced size`,
      { path, claimedSize: BODY_MAX_BYTES + 1 },
      413,
      'Request body too large',
    ),
  ),
  write.boundary(
    'takes a body of 10 MiB',
    async (context) => {
      const body = INFO.padEnd(BODY_MAX_BYTES, ' ')
      expectEqual('status', (await context.exchange({ path: RPC, body })).status, 200)
    },
    { over },
  ),
  write.boundary(
    'takes a request of no bytes for one that is no JSON',
    async (context) => {
      expectReply(await context.exchange({ path: RPC, body: '' }), [400, 'text/plain', 'invalid json'])
    },
    { over },
  ),
  write.success(
    'names itself in no header that tells more than its version',
    async (context) => {
      const { headers } = await context.exchange({ path: RPC, body: INFO })
      expectTrue(
        'Server',
        /^[A-Za-z -]+(\/\d+\.\d+\.\d+)?$/.test(String(headers['server'] ?? 'none')),
        headers['server'],
      )
      expectEqual('X-Powered-By', headers['x-powered-by'], undefined)
    },
    { over, basis: 'ours' },
  ),
]

/** Of browsers, which Session's clients are not. */
const crossOriginCases: readonly ConformanceCase[] = [
  write.success(
    'lets any web page read its answers',
    async (context) => {
      const headers = { Origin: 'https://page.invalid' }
      for (const body of [INFO, '{']) {
        const { headers: answered } = await context.exchange({ path: RPC, body, headers })
        expectEqual('Access-Control-Allow-Origin', answered['access-control-allow-origin'], '*')
      }
    },
    { over, basis: 'ours' },
  ),
  write.success(
    'says nothing of web pages to other programs',
    async (context) => {
      const { headers } = await context.exchange({ path: RPC, body: INFO })
      expectEqual('Access-Control-Allow-Origin', headers['access-control-allow-origin'], undefined)
    },
    { over, basis: 'ours' },
  ),
]

const compressed = write.error(
  'refuses a compressed body',
  async (context) => {
    const text = 'Compressed request bodies are not accepted'
    const reply = await context.exchange({ path: RPC, body: INFO, headers: { 'Content-Encoding': 'gzip' } })
    expectReply(reply, [415, 'text/plain', text])
  },
  { over, basis: 'ours', refusals: ['415 Compressed request bodies are not accepted'] },
)

/** All that is answered besides methods. */
export const httpsCases: readonly ConformanceCase[] = [...httpSurfaceCases, ...crossOriginCases, compressed]

const writeSeed = casesOf('seed')

/** What desktop clients send to a seed: no id, and no Content-Type. */
function seedRequest(method: string, fields: unknown): HttpRequest {
  const params = { active_only: true, ...(fields !== undefined && { fields }) }
  return { path: '/json_rpc', body: JSON.stringify({ jsonrpc: '2.0', method, params }) }
}

async function seedResult(context: CaseContext, request: HttpRequest) {
  const { status, headers, body } = await context.exchange(request)
  // With a charset after it, clients cannot start.
  expectEqual('status and Content-Type', [status, headers['content-type']], [200, 'application/json'])
  return expectObject('body', JSON.parse(body.toString('utf8')))
}

/** A node that is no seed has none of this, so all is `ours`. */
export const seedCases: readonly ConformanceCase[] = [
  ...[
    ['an object', Object.fromEntries(LIST_FIELDS.map((name) => [name, true]))],
    ['a list', LIST_FIELDS],
  ].map(([as, fields]) =>
    writeSeed.success(
      `lists service nodes with what clients demand, for fields as ${as}`,
      async (context) => {
        const { result } = await seedResult(context, seedRequest('get_n_service_nodes', fields))
        const list = expectObject('result', result)
        expectEqual('type of height', typeof list['height'], 'number')
        const states = list['service_node_states']
        expectTrue('service_node_states', Array.isArray(states) && states.length >= context.view.nodes.length, states)
        for (const state of states as readonly unknown[]) {
          const node = state as Record<string, unknown>
          const types = LIST_FIELDS.filter((name) => name !== 'height').map((name) => typeof node[name])
          expectEqual('types', types, ['string', 'number', 'string', 'string', 'number'])
        }
      },
      { over, basis: 'ours' },
    ),
  ),
  writeSeed.success(
    'takes the method under both names, with and without an id',
    async (context) => {
      for (const method of ['get_n_service_nodes', 'get_service_nodes']) {
        for (const id of [undefined, 7, 'x']) {
          const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })
          const answer = await seedResult(context, { path: '/json_rpc', body })
          expectEqual('jsonrpc and id', [answer['jsonrpc'], answer['id']], ['2.0', id ?? null])
        }
      }
    },
    { over, basis: 'ours' },
  ),
  writeSeed.success(
    'takes a client’s headers',
    async (context) => {
      const headers = { 'User-Agent': 'WhatsApp', 'Accept-Language': 'en-us' }
      await seedResult(context, { ...seedRequest('get_n_service_nodes', LIST_FIELDS), headers })
    },
    { over, basis: 'ours' },
  ),
  writeSeed.boundary(
    'lists as few as `limit` says',
    async (context) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'get_n_service_nodes', params: { limit: 2 } })
      const { result } = await seedResult(context, { path: '/json_rpc', body })
      const states = expectObject('result', result)['service_node_states']
      expectEqual('nodes', Array.isArray(states) ? states.length : undefined, 2)
    },
    { over, basis: 'ours' },
  ),
  ...(
    [
      [
        'a method that there is not',
        '{"jsonrpc":"2.0","id":1,"method":"get_blocks","params":{}}',
        -32_601,
        'Method not found',
      ],
      ['what is no request', '[1]', -32_600, 'Invalid Request'],
      ['what is no JSON', '{', -32_700, 'Parse error'],
    ] as const
  ).map(([what, body, code, message]) =>
    writeSeed.error(
      `answers ${what} with the error that JSON-RPC 2.0 has for it`,
      async (context) => {
        const answer = await seedResult(context, { path: '/json_rpc', body })
        expectKeys('body', answer, ['jsonrpc', 'id', 'error'])
        expectEqual('error', { ...expectObject('error', answer['error']) }, { code, message })
      },
      { over, basis: 'ours' },
    ),
  ),
]
