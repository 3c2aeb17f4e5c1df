import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { Health, type HealthReason } from '../../../src/node/health.ts'
import { startMetricsServer } from '../../../src/node/metrics-server.ts'
import type { Phase } from '../../../src/node/readiness.ts'

async function setup() {
  const metrics = createMetricsRegistry()
  const health = new Health()
  const state: { phase: Phase; dead: HealthReason[] } = { phase: 'running', dead: [] }
  const probes = {
    phase: () => state.phase,
    dead: () => state.dead,
    reasons: () => health.reasons(),
    degraded: () => health.degraded(),
  }
  const lines: string[] = []
  const log = { ...silentLogger, error: (_: object, sentence: string) => void lines.push(sentence) }
  const server = await startMetricsServer({ metrics, health: probes, log }, { address: '127.0.0.1', port: 0 })
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { metrics, health, state, server, lines, get }
}

test('/metrics is the exposition of the registry, with its media type', async () => {
  const { metrics, server, get } = await setup()
  await using _ = server
  metrics.counter({ name: 'starling_test_total', help: 'Tests' }).inc()
  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toContain('text/plain')
  expect(await answer.text()).toContain('starling_test_total 1')
})

test('/readyz says why the node is not ready, and turns 200 when no part has a reason', async () => {
  const { health, server, get } = await setup()
  await using _ = server
  let reason: string | undefined = 'The stake is not final yet: wait 15 minutes'
  health.register('stake', () => reason)
  const unready = await get('/readyz')
  expect(unready.status).toBe(503)
  expect(await unready.json()).toEqual({ ready: false, reasons: [{ part: 'stake', reason }], degraded: [] })

  reason = undefined
  const ready = await get('/readyz')
  expect(ready.status).toBe(200)
  expect(await ready.json()).toEqual({ ready: true, reasons: [], degraded: [] })
})

test('/readyz tells what is wrong with a node that serves all the same', async () => {
  const { health, server, get } = await setup()
  await using _ = server
  health.registerDegraded('chain', () => 'The chain stands still')
  const answer = await get('/readyz')
  expect(answer.status).toBe(200)
  const degraded = [{ part: 'chain', reason: 'The chain stands still' }]
  expect(await answer.json()).toEqual({ ready: true, reasons: [], degraded })
})

test('/livez answers 200 while the node starts, stops, or is not ready, and 503 when it makes no progress', async () => {
  const { health, state, server, get } = await setup()
  await using _ = server
  health.register('stake', () => 'There is no stake')
  for (const phase of ['starting', 'running', 'stopping'] as const) {
    state.phase = phase
    const answer = await get('/livez')
    expect([answer.status, await answer.json()]).toEqual([200, { live: true, reasons: [] }])
  }
  const reasons: HealthReason[] = [{ part: 'storage', reason: 'The message database has not answered' }]
  state.dead = reasons
  const answer = await get('/livez')
  expect([answer.status, await answer.json()]).toEqual([503, { live: false, reasons }])
})

test('/startupz says what a start waits for, and answers 200 from its end on, ready or not', async () => {
  const { health, state, server, get } = await setup()
  await using _ = server
  const reason = 'Starting: its databases are opened'
  health.register('life-cycle', () => reason)
  state.phase = 'starting'
  const starting = await get('/startupz')
  expect(starting.status).toBe(503)
  expect(await starting.json()).toEqual({ started: false, reasons: [{ part: 'life-cycle', reason }] })
  for (const phase of ['running', 'stopping'] as const) {
    state.phase = phase
    const answer = await get('/startupz')
    expect([answer.status, await answer.json()]).toEqual([200, { started: true, reasons: [] }])
  }
})

test('other paths and methods are refused', async () => {
  const { server, get } = await setup()
  await using _ = server
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics', { method: 'POST' })).status).toBe(405)
})

test('no web page may read it, since its visitor may be whom it is for', async () => {
  const { server, get } = await setup()
  await using _ = server
  const headers = { Origin: 'https://page.example', 'Access-Control-Request-Method': 'GET' }
  for (const answer of [await get('/metrics', { headers }), await get('/metrics', { method: 'OPTIONS', headers })]) {
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  }
})

test('metrics that cannot be read cost an answer and a line of the log, and not the node', async () => {
  const { metrics, server, lines, get } = await setup()
  await using _ = server
  const broken = metrics.beforeExpose(() => {
    throw new Error('broken')
  })
  const answer = await get('/metrics')
  expect([answer.status, lines.length]).toEqual([500, 1])
  expect(JSON.stringify(await answer.json())).not.toContain('broken')
  expect((await get('/readyz')).status).toBe(200)
  broken[Symbol.dispose]()
  expect((await get('/metrics')).status).toBe(200)
})

test('who asks under a name that may have been led here is not told why the node does not serve', async () => {
  const { server } = await setup()
  await using _ = server
  // Unlike fetch, it says any Host.
  const get = async (path: string, host: string) => {
    const sent = request({ host: '127.0.0.1', port: server.port, path, headers: { Host: host }, agent: false }).end()
    const [response] = await once(sent, 'response')
    await text(response)
    return response.statusCode
  }
  for (const path of ['/readyz', '/startupz']) {
    for (const host of ['127.0.0.1:9100', '[::1]:9100', 'localhost', 'starling:9100', 'node_1', '']) {
      expect([path, host, await get(path, host)]).toEqual([path, host, 200])
    }
    for (const host of ['evil.example', 'evil.example.', '127.0.0.1.evil.example:9100', '[evil]', 'a:b:c']) {
      expect([path, host, await get(path, host)]).toEqual([path, host, 403])
    }
  }
  for (const path of ['/livez', '/metrics']) expect(await get(path, 'node.example:9100')).toBe(200)
})

test('more connections than scrapers, probes and browsers make are closed', async () => {
  const { server, get } = await setup()
  await using _ = server
  const sockets = Array.from({ length: 64 }, () => connect(server.port, '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const more = connect(server.port, '127.0.0.1').resume()
  more.on('error', () => {})
  await new Promise((resolve) => more.once('close', resolve))
  const gone = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  for (const socket of sockets) socket.end()
  await Promise.all(gone)
  expect((await get('/livez')).status).toBe(200)
})
