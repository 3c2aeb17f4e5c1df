// What lets web pages use a node, and that nobody else notices.
import { describe, expect, test } from 'vitest'
import { type HttpsReply, holdRequests, readToEnd, startTestServer } from './https-fixture.ts'

const RPC = '/storage_rpc/v1'
const ORIGIN = { Origin: 'https://page.example' }
const ASKING = { ...ORIGIN, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' }
const forPages = ({ headers }: HttpsReply) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary')

describe('a web page', () => {
  test('may read every answer, refusals too', async () => {
    await using server = await startTestServer()
    const answers = [
      await server.post(RPC, '{}', { headers: ORIGIN }),
      await server.post('/onion_req/v2', 'x', { headers: ORIGIN }),
      await server.post('/json_rpc', '{}', { headers: ORIGIN }),
      await server.post('/nowhere', '', { headers: ORIGIN }),
      await server.post('/ping_test/v1', '', { headers: ORIGIN }),
      await server.post(RPC, '{}', { headers: { ...ORIGIN, 'Content-Encoding': 'gzip' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404, 200, 415])
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'access-control-allow-origin': '*', vary: 'Origin' })
      // With this, a browser would add what only its user has.
      expect(headers).not.toHaveProperty('access-control-allow-credentials')
    }
  })

  test.each([RPC, '/onion_req/v2', '/json_rpc'])('is told that it may post to %s', async (path) => {
    await using server = await startTestServer()
    const { status, headers, body } = await server.post(path, '', { method: 'OPTIONS', headers: ASKING })
    expect([status, body]).toEqual([200, ''])
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Content-Type',
      'access-control-max-age': '86400',
    })
  })

  test('pays for asking as for any request', async () => {
    await using server = await startTestServer({ rateBurst: 2, ratePerSecond: 1 })
    const ask = () => server.post(RPC, '', { method: 'OPTIONS', headers: ASKING })
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200])
    const { status, headers } = await ask()
    expect(status).toBe(429)
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'retry-after': '1' })
    expect(headers['access-control-expose-headers']).toBe('Retry-After')
  })

  test('is refused like others when too much is under way', async () => {
    const { rpc, arrived, finish } = holdRequests()
    await using server = await startTestServer({ requestsMax: 1, requestsFairPerAddress: 1 }, { rpc })
    const first = server.post(RPC, '')
    await arrived
    expect((await server.post(RPC, '', { method: 'OPTIONS', headers: ASKING })).status).toBe(503)
    finish()
    await first
  })

  test('cannot ask for what is not there, nor for another method', async () => {
    await using server = await startTestServer()
    const nowhere = await server.post('/nowhere', '', { method: 'OPTIONS', headers: ASKING })
    expect(nowhere.status).toBe(404)
    const deleting = { ...ASKING, 'Access-Control-Request-Method': 'DELETE' }
    const { headers } = await server.post(RPC, '', { method: 'OPTIONS', headers: deleting })
    expect(headers['access-control-allow-methods']).toBe('POST')
  })
})

describe('a program that is no browser', () => {
  test('gets the very bytes that it got before', async () => {
    await using server = await startTestServer()
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`)
    const answer = (await readToEnd(socket)).replace(/Date: [^\r]+/, 'Date: …')
    expect(answer.split('\r\n')).toEqual([
      'HTTP/1.1 200 OK',
      'Server: Starling/1.2.3',
      'Content-Type: application/json',
      'Content-Length: 30',
      'Date: …',
      'Connection: close',
      '',
      '{"received":2,"entry":"https"}',
    ])
  })

  test('finds nothing under OPTIONS', async () => {
    await using server = await startTestServer()
    for (const headers of [{}, ORIGIN, { 'Access-Control-Request-Method': 'POST' }]) {
      const reply = await server.post(RPC, '', { method: 'OPTIONS', headers })
      expect([reply.status, reply.body]).toEqual([404, `OPTIONS ${RPC} Not Found`])
      if (!('Origin' in headers)) expect(forPages(reply)).toEqual([])
    }
  })
})
