import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../../src/base/metrics.ts'
import { type MetricsServer, startMetricsServer } from '../../../../src/node/metrics-server.ts'
import { startingStatus } from '../../../../src/node/starting-status.ts'
import { createStatusPage, type StatusPageSources } from '../../../../src/node/status-page/page-server.ts'
import { aNodeStatus } from '../../../support/node-status.ts'

let server: MetricsServer
let sources: StatusPageSources | undefined
let nowMs: number
let asked: number
beforeEach(async () => {
  nowMs = 0
  asked = 0
  const status = async () => {
    asked++
    return aNodeStatus()
  }
  sources = { status, swarm: () => undefined, history: { samples: () => [], sampleIntervalMs: 10_000 } }
  const clock = { nowMs: () => 1_790_007_200_000, monotonicMs: () => nowMs }
  const starting = () => startingStatus(clock.nowMs(), 'Starting: its databases are opened')
  const page = createStatusPage({ sources: () => sources, starting, clock, log: silentLogger })
  const health = { phase: () => 'running' as const, dead: () => [], reasons: () => [], degraded: () => [] }
  const parts = { metrics: createMetricsRegistry(), health, page, log: silentLogger }
  server = await startMetricsServer(parts, { address: '127.0.0.1', port: 0 })
})
afterEach(() => server[Symbol.asyncDispose]())

/** Unlike fetch, it says any Host. */
async function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false }).end()
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) =>
    sent.once('response', resolve).once('error', reject),
  )
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

test('the page, its style, its script and its icon are there, and nothing else of it', async () => {
  const { status, headers, body } = await get('/')
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(body).toContain('Serving, and all is well')
  for (const [, path = ''] of body.matchAll(/(?:src|href)="(\/[^"]+\.(?:css|js|svg))"/g)) {
    expect((await get(path)).status).toBe(200)
  }
  expect((await get('/?query')).status).toBe(200)
  expect((await get('/status')).status).toBe(404)
  expect((await get('/constructor')).status).toBe(404)
  expect((await get('/', {}, 'POST')).status).toBe(405)
  expect(await get('/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' })
})

test('it may load nothing from elsewhere, run nothing inline, be framed by nobody and be kept nowhere', async () => {
  const { headers } = await get('/')
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toContain('unsafe')
  expect(headers).toMatchObject({
    ...{ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' },
    ...{ 'cross-origin-resource-policy': 'same-origin', 'referrer-policy': 'no-referrer' },
  })
  expect(Object.keys(headers).filter((name) => /cookie|^access-control-/.test(name))).toEqual([])
})

test("a name that is not this machine's own is refused: it may have been led here to read the page", async () => {
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:9100',
    'localhost:9100',
    'node.localhost',
    '192.0.2.7:80',
    '[::1]:9100',
  ]) {
    expect([host, (await get('/', { Host: host })).status]).toEqual([host, 200])
  }
  for (const host of [
    'evil.example',
    'evil.example:9100',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[evil]',
  ]) {
    for (const path of ['/', '/status.js']) {
      const { status, body } = await get(path, { Host: host })
      expect([host, status]).toEqual([host, 403])
      expect(body).toContain('localhost')
    }
  }
  // Prometheus asks by whatever name the machine has.
  expect((await get('/metrics', { Host: 'starling:9100' })).status).toBe(200)
})

test('another page may lead somebody here, and read nothing', async () => {
  const from = (site: string, mode: string) => get('/', { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode })
  expect((await from('cross-site', 'navigate')).status).toBe(200)
  expect((await from('same-origin', 'cors')).status).toBe(200)
  expect((await from('cross-site', 'no-cors')).status).toBe(403)
  expect((await from('same-site', 'cors')).status).toBe(403)
})

test('however many look, the node is asked once a second', async () => {
  await Promise.all(Array.from({ length: 20 }, () => get('/')))
  expect(asked).toBe(1)
  nowMs += 1000
  await get('/')
  expect(asked).toBe(2)
})

test('it is compressed for whoever can read that', async () => {
  const { headers, body } = await get('/', { 'Accept-Encoding': 'gzip, br' })
  expect(headers['content-encoding']).toBe('gzip')
  expect(body.length).toBeLessThan((await get('/')).body.length / 2)
})

test('while the node starts it says so', async () => {
  sources = undefined
  const { body } = await get('/')
  expect(body).toMatch(/<p class="headline">.*Starting/)
  expect(body).toContain('Starting: its databases are opened')
  expect(body.match(/<section class="card/g)).toHaveLength(7)
})

test('a status that fails is an answer that says so, and the next one is tried anew', async () => {
  const whole = sources
  sources = { ...(whole as StatusPageSources), status: () => Promise.reject(new Error('broken')) }
  expect(await get('/')).toMatchObject({ status: 500 })
  sources = whole
  nowMs += 1000
  expect((await get('/')).status).toBe(200)
})

test("the script is JavaScript that uses nothing but the browser's", async () => {
  const { body } = await get('/status.js')
  // Stopped at the first thing that it asks of a page: until there, everything that it names is its own.
  const stop = new Error('asked')
  const document = {
    getElementById: () => {
      throw stop
    },
  }
  expect(() => runInNewContext(body, { window: { document } })).toThrow(stop)
})
