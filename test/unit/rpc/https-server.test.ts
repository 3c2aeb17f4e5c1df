import { once } from 'node:events'
import { chmod, lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { request as startRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type CertificatePair, loadOrCreateCertificate } from '../../../src/rpc/certificate.ts'
import { holdRequests, readToEnd, startTestServer } from './https-fixture.ts'

const RPC = '/storage_rpc/v1'
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

describe('routes', () => {
  test('client requests are answered as JSON or text, under our own name', async () => {
    await using server = await startTestServer()
    const { status, headers, body } = await server.post(RPC, 'abc')
    expect([status, body]).toEqual([200, '{"received":3,"entry":"https"}'])
    expect(headers['content-type']).toBe('application/json')
    expect(headers['server']).toBe('Starling/1.2.3')
  })

  test('a refusal is plain text, and an overloaded node says when to try again', async () => {
    const handleJson = async () => ({ status: 503, body: 'Service node is not ready: reason\n' })
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const { status, headers, body } = await server.post(RPC, '')
    expect([status, body]).toEqual([503, 'Service node is not ready: reason\n'])
    expect(headers).toMatchObject({ 'content-type': 'text/plain', 'retry-after': '1' })
  })

  test('onion requests go to the relay and come back as bytes', async () => {
    await using server = await startTestServer()
    const { headers, body } = await server.post('/onion_req/v2', Buffer.from([1, 255]))
    expect(headers['content-type']).toBe('application/octet-stream')
    expect(body).toBe('\x01\xff')
  })

  test.each([0, 100, 99_999, 200.5, Number.NaN])('a relayed status of %d becomes 500', async (status) => {
    const handleClientRequest = async (body: Uint8Array) => ({ status, contentType: 'text/plain', body }) as const
    await using server = await startTestServer({}, { onion: { handleClientRequest } })
    expect(await server.post('/onion_req/v2', 'x')).toMatchObject({ status: 500, body: 'x' })
  })

  test('the list of a seed is exactly application/json', async () => {
    await using server = await startTestServer()
    const { headers, body } = await server.post('/json_rpc', '{}')
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(body)).toEqual({ jsonrpc: '2.0', id: null, result: {} })
  })

  test('a ping names the node, and statistics tell only the version', async () => {
    await using server = await startTestServer()
    const ping = await server.post('/ping_test/v1', '')
    expect(ping.status).toBe(200)
    expect(ping.headers['x-oxen-snode-pubkey']).toBe(Buffer.alloc(32, 0xc7).toString('base64'))
    const statistics = await server.post('/get_stats/v1', '', { method: 'GET' })
    expect(statistics.body).toBe('{"version":"1.2.3"}')
  })

  test('a ping is answered without waiting for its body', async () => {
    await using server = await startTestServer()
    const socket = await server.connect()
    socket.write('POST /ping_test/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test.each([
    ['GET', RPC],
    ['POST', '/'],
    ['PUT', '/get_stats/v1'],
  ])('%s %s is not found', async (method, path) => {
    await using server = await startTestServer()
    const { status, body } = await server.post(path, '', { method })
    expect([status, body]).toEqual([404, `${method} ${path} Not Found`])
  })

  test('long polling is over, and compressed bodies are not unpacked', async () => {
    await using server = await startTestServer()
    const long = await server.post(RPC, '{}', { headers: { 'x-loki-long-poll': '1' } })
    expect([long.status, long.body]).toEqual([410, 'long polling is no longer supported, client upgrade required'])
    const packed = await server.post(RPC, '{}', { headers: { 'content-encoding': 'gzip' } })
    expect(packed.status).toBe(415)
  })

  test('a handler that fails is 500, and says nothing of why', async () => {
    const handleJson = () => Promise.reject(new Error('secret'))
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const { status, body } = await server.post(RPC, '')
    expect([status, body]).toEqual([500, 'request failed'])
  })
})

describe('bodies', () => {
  test('a body of the limit is taken, one byte more is 413', async () => {
    await using server = await startTestServer({ requestMaxBytes: 1000 })
    expect((await server.post(RPC, Buffer.alloc(1000))).status).toBe(200)
    const { status, body, headers } = await server.post(RPC, Buffer.alloc(1001))
    expect([status, body, headers['connection']]).toEqual([413, 'Request body too large', 'close'])
  })

  test('the limit counts received bytes when no length was given', async () => {
    await using server = await startTestServer({ requestMaxBytes: 1000 })
    const headers = { 'transfer-encoding': 'chunked' }
    expect((await server.post(RPC, Buffer.alloc(1001), { headers })).status).toBe(413)
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="body_too_large"} 1')
  })

  test('a body that comes too slowly is given up', async () => {
    await using server = await startTestServer({ bodyWindowMs: 50, bodyWindowMinBytes: 10 })
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc`)
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 [\s\S]*Request body incomplete$/)
  })

  test('all bodies together hold no more than their budget', async () => {
    const { rpc, arrived, finish } = holdRequests()
    await using server = await startTestServer({ bodiesMaxBytes: 1500 }, { rpc })
    const first = server.post(RPC, Buffer.alloc(1000))
    await arrived
    expect((await server.post(RPC, Buffer.alloc(1000))).status).toBe(503)
    finish()
    expect((await first).status).toBe(200)
    expect((await server.post(RPC, Buffer.alloc(1000))).status).toBe(200)
  })

  test('a body that comes slowly gives way to others when memory runs out', async () => {
    await using server = await startTestServer({ bodiesMaxBytes: 1500 })
    const slow = await server.connect()
    slow.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n${'a'.repeat(1000)}`)
    const refused = readToEnd(slow)
    // The first bytes may still be on their way when a quick request is answered.
    for (let isEvicted = false; !isEvicted; ) {
      expect((await server.post(RPC, Buffer.alloc(1000))).status).toBe(200)
      isEvicted = (await server.exposeMetrics()).includes('starling_rpc_rejected_total{reason="busy"} 1')
    }
    expect(await refused).toMatch(/^HTTP\/1\.1 503 [\s\S]*Server busy, try again later$/)
  })

  test('a body in many small chunks is one body', async () => {
    const handleJson = async (body: Uint8Array) => ({ status: 200, body: Buffer.from(body).toString() })
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const socket = await server.connect()
    const digits = Array.from({ length: 20_000 }, (_, at) => String(at % 10))
    const chunks = digits.map((digit) => `1\r\n${digit}\r\n`).join('')
    const head = `POST ${RPC} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`
    socket.write(`${head}${chunks}0\r\n\r\n`)
    expect((await readToEnd(socket)).endsWith(`\r\n\r\n${digits.join('')}`)).toBe(true)
  })

  test('a client that does not take its answer loses it when memory runs out', async () => {
    // More than the system's buffers take of a connection.
    const text = 'a'.repeat(24 * 1024 * 1024)
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
    const handleJson = async () => {
      arrive()
      return { status: 200, body: text }
    }
    await using server = await startTestServer(
      // What TLS makes of an answer counts like the answer.
      { answersMaxBytes: 80 * 1024 * 1024 },
      { rpc: { handleJson, handleJsonRpc: async () => ({}) } },
    )
    const slow = await server.connect()
    slow.pause()
    slow.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    await arrived
    expect((await server.post(RPC, '')).body).toHaveLength(text.length)
    const taken = readToEnd(slow)
    slow.resume()
    expect((await taken).length).toBeLessThan(text.length)
  })

  test('while the node has more to do than it can, requests are refused before their body is read, and pings are not', async () => {
    const overload = { isOverloaded: true }
    await using server = await startTestServer({}, { overload })
    for (const path of [RPC, '/onion_req/v2', '/json_rpc']) {
      const { status, headers, body } = await server.post(path, 'x')
      expect([status, headers['retry-after'], body]).toEqual([503, '1', 'Server busy, try again later'])
    }
    expect((await server.post('/ping_test/v1', '')).status).toBe(200)
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="overload"} 3')
    overload.isOverloaded = false
    expect((await server.post(RPC, 'x')).status).toBe(200)
  })

  test('an address that has few requests under way is served when others have as many as may be', async () => {
    const { arrived, finish, rpc } = holdRequests()
    await using server = await startTestServer({ requestsMax: 1, requestsFairPerAddress: 1 }, { rpc })
    const held = server.post(RPC, 'a')
    await arrived
    const other = server.post(RPC, 'b', { agent: false, rejectUnauthorized: false, localAddress: '127.0.0.2' })
    expect((await server.post(RPC, 'c', { agent: false, rejectUnauthorized: false })).status).toBe(503)
    finish()
    expect([(await held).status, (await other).status]).toEqual([200, 200])
  })

  test('more requests than may be under way are refused', async () => {
    const { rpc, arrived, finish } = holdRequests()
    await using server = await startTestServer({ requestsMax: 1, requestsFairPerAddress: 1 }, { rpc })
    const first = server.post(RPC, '')
    await arrived
    expect(await server.post(RPC, '')).toMatchObject({ status: 503, body: 'Server busy, try again later' })
    finish()
    expect((await first).status).toBe(200)
  })
})

describe('rates and connections', () => {
  test('beyond its rate an address is refused, but may still ping', async () => {
    await using server = await startTestServer({ rateBurst: 3, ratePerSecond: 0.001 })
    expect((await server.post(RPC, '')).status).toBe(200)
    expect((await server.post('/onion_req/v2', '')).status).toBe(200)
    expect((await server.post('/json_rpc', '')).status).toBe(200)
    for (const path of [RPC, '/onion_req/v2', '/json_rpc']) {
      const { status, body, headers } = await server.post(path, '')
      expect([status, body]).toEqual([429, 'Too Many Requests\n'])
      // Half of a token's thousand seconds, but for what has passed.
      expect(headers['retry-after']).toMatch(/^(4\d\d|500)$/)
    }
    expect((await server.post('/ping_test/v1', '')).status).toBe(200)
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="rate"} 3')
  })

  test.skipIf(!hasIpv6)(
    'an IPv4 client is the same one at a socket for both families, and no other address pays for it',
    async () => {
      await using server = await startTestServer({ httpsHost: '::', rateBurst: 2, ratePerSecond: 0.001 })
      const ask = async (path: string, options: object) =>
        (await server.post(path, '', { agent: false, ...options })).status
      const unverified = { rejectUnauthorized: false }
      expect(await ask(RPC, { host: '127.0.0.1', ...unverified })).toBe(200)
      expect(await ask('/onion_req/v2', { host: '127.0.0.1', ...unverified })).toBe(200)
      expect(await ask(RPC, { host: '::ffff:127.0.0.1', ...unverified })).toBe(429)
      expect(await ask('/onion_req/v2', { host: '127.0.0.1', ...unverified })).toBe(429)
      expect(await ask('/onion_req/v2', { host: '127.0.0.1', localAddress: '127.0.0.2', ...unverified })).toBe(200)
      expect(await ask(RPC, { host: '::1', ...unverified })).toBe(200)
    },
  )

  test.each([
    ['pings', 'POST /ping_test/v1', 200],
    ['unknown paths', 'GET /robots.txt', 404],
    ['refused requests', `POST ${RPC}`, 429],
  ])('a flood of %s ends with its connection', async (_, line, status) => {
    await using server = await startTestServer({ rateBurst: 0, freeBurst: 3, freePerSecond: 0.001 })
    const socket = await server.connect()
    socket.write(`${line} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`.repeat(10))
    const statuses = (await readToEnd(socket)).match(/^HTTP\/1\.1 \d+/gm) ?? []
    // Answers that are still on their way when the connection is cut may be lost.
    expect(new Set(statuses)).toEqual(new Set(statuses.length > 0 ? [`HTTP/1.1 ${status}`] : []))
    expect(statuses.length).toBeLessThan(4)
    await expect(server.post('/ping_test/v1', '')).rejects.toThrow()
    expect(await server.exposeMetrics()).toMatch(/starling_rpc_rejected_total\{reason="rate"\} [1-9]/)
  })

  test('no address has more requests under way than it may', async () => {
    const { rpc, arrived, finish } = holdRequests()
    await using server = await startTestServer({ requestsPerAddressMax: 1 }, { rpc })
    const first = server.post(RPC, '')
    await arrived
    expect(await server.post(RPC, '')).toMatchObject({ status: 429, body: 'Too Many Requests\n' })
    finish()
    expect((await first).status).toBe(200)
    expect((await server.post(RPC, '')).status).toBe(200)
  })

  test('a large answer costs an address as much as many requests', async () => {
    await using server = await startTestServer({ rateBurst: 4, ratePerSecond: 0.001, rateAnswerBytes: 100 })
    expect((await server.post('/onion_req/v2', Buffer.alloc(299))).status).toBe(200)
    expect((await server.post('/onion_req/v2', Buffer.alloc(99))).status).toBe(200)
    expect((await server.post('/onion_req/v2', '')).status).toBe(429)
  })

  test('a batch costs an address as much as the requests in it', async () => {
    const handleJson = async () => ({ status: 200, body: {}, requests: 3 })
    await using server = await startTestServer(
      { rateBurst: 4, ratePerSecond: 0.001 },
      { rpc: { handleJson, handleJsonRpc: async () => ({}) } },
    )
    expect((await server.post(RPC, '')).status).toBe(200)
    expect((await server.post(RPC, '')).status).toBe(200)
    expect((await server.post(RPC, '')).status).toBe(429)
  })

  test('an account that is asked for too often is 429, with the seconds until there is room', async () => {
    const handleJson = async () => ({ status: 429, body: 'Too many requests, try again later', retryAfterSeconds: 7 })
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const { status, headers, body } = await server.post(RPC, '')
    expect([status, headers['retry-after'], body]).toEqual([429, '7', 'Too many requests, try again later'])
  })

  test.each([
    [503, undefined, '1'],
    [503, 5, '5'],
    [507, undefined, '60'],
  ])('an answer of %s that knows of %s seconds tells to come back after %s', async (status, known, told) => {
    const retry = known === undefined ? {} : { retryAfterSeconds: known }
    const handleJson = async () => ({ status, body: 'Not now', ...retry })
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const answer = await server.post(RPC, '')
    expect([answer.status, answer.headers['retry-after'], answer.body]).toEqual([status, told, 'Not now'])
  })

  test('an address that opens connections faster than it may has them closed', async () => {
    await using server = await startTestServer({ connectionBurst: 2, connectionsPerSecond: 0.001 })
    for (let opened = 0; opened < 2; opened++) {
      const socket = await server.connect()
      socket.destroy()
      await once(socket, 'close')
    }
    const third = connectTcp(server.port, '127.0.0.1')
    third.on('error', () => {})
    await once(third, 'close')
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="connections"} 1')
  })

  test.each([{ connectionsPerAddressMax: 2 }, { connectionsMax: 2 }])(
    'beyond %o connections are closed',
    async (limits) => {
      await using server = await startTestServer(limits)
      const sockets = [await server.connect(), await server.connect()]
      const third = connectTcp(server.port, '127.0.0.1')
      third.on('error', () => {})
      await once(third, 'close')
      for (const socket of sockets) socket.destroy()
      await Promise.all(sockets.map((socket) => once(socket, 'close')))
      expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="connections"} 1')
    },
  )

  test('headers that come too slowly are refused', async () => {
    await using server = await startTestServer({ headersTimeoutMs: 50 })
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\n`)
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /)
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="slow"} 1')
  })

  test('headers beyond their size are refused, and so is what is no HTTP', async () => {
    await using server = await startTestServer({ headersMaxBytes: 1000 })
    const large = await server.connect()
    large.write(`POST ${RPC} HTTP/1.1\r\nHost: ${'a'.repeat(2000)}\r\n\r\n`)
    expect(await readToEnd(large)).toMatch(/^HTTP\/1\.1 431 /)
    const garbage = await server.connect()
    garbage.write('SSH-2.0-nothing\r\n\r\n')
    expect(await readToEnd(garbage)).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('more headers than there may be are refused, though Node leaves them out', async () => {
    await using server = await startTestServer({ headersMax: 10 })
    const ask = async (count: number) => {
      const socket = await server.connect()
      const headers = Array.from({ length: count }, (_, at) => `X-${at}: a\r\n`).join('')
      socket.write(`POST ${RPC} HTTP/1.1\r\n${headers}Connection: close\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
      return (await readToEnd(socket)).slice(0, 13)
    }
    expect(await ask(7)).toBe('HTTP/1.1 200 ')
    for (const count of [8, 9, 60]) expect(await ask(count)).toBe('HTTP/1.1 431 ')
  })

  test.each([
    ['with two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['with a length and chunks', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['with a length that is no number', 'Content-Length: 1e3\r\n\r\na'],
    ['with a negative length', 'Content-Length: -1\r\n\r\n'],
    ['with a length beyond any number', `Content-Length: ${'9'.repeat(30)}\r\n\r\n`],
    ['with a chunk that has no length', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n'],
    ['with a name that has a space', 'X y: a\r\n\r\n'],
    ['with a header over two lines', 'X: a\r\n b\r\n\r\n'],
  ])('a request %s is refused, and its connection is not used again', async (_, rest) => {
    await using server = await startTestServer()
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\n${rest}GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n`)
    const answer = await readToEnd(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 (400|408) /)
    expect(answer).not.toContain('version')
  })

  test('what comes after the length that a request names is no part of it', async () => {
    const lengths: number[] = []
    const handleJson = async ({ length }: Uint8Array) => {
      lengths.push(length)
      return { status: 200, body: {} }
    }
    await using server = await startTestServer({}, { rpc: { handleJson, handleJsonRpc: async () => ({}) } })
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabcdef\r\n\r\n`)
    expect(await readToEnd(socket)).toMatch(/HTTP\/1\.1 400 /)
    expect(lengths.filter((length) => length !== 2)).toEqual([])
  })

  test('a body that ends before the length that it names is given up', async () => {
    await using server = await startTestServer()
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc`)
    socket.end()
    await readToEnd(socket)
    await expect
      .poll(() => server.exposeMetrics())
      .toMatch(/starling_rpc_rejected_total\{reason="(slow|malformed)"\} 1/)
    await expect.poll(() => server.exposeMetrics()).toContain('starling_rpc_requests_in_flight 0')
  })

  test('a request that comes steadily, but takes longer than a whole one may, is refused', async () => {
    await using server = await startTestServer({
      requestTimeoutMs: 300,
      headersTimeoutMs: 100,
      bodyWindowMinBytes: 1,
      bodyWindowMs: 200,
    })
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n`)
    const steady = setInterval(() => socket.write('a'), 20)
    socket.once('close', () => clearInterval(steady))
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('a connection that is kept open is closed when nothing more is asked on it', async () => {
    await using server = await startTestServer({ keepAliveMs: 50 })
    const socket = await server.connect()
    const ended = readToEnd(socket)
    socket.write('GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await ended).toMatch(/^HTTP\/1\.1 200 [\s\S]*keep-alive/i)
  })

  test('a client that takes nothing of its answer is disconnected', async () => {
    // More than the system's buffers take of a connection.
    const text = 'a'.repeat(24 * 1024 * 1024)
    const handleJson = async () => ({ status: 200, body: text })
    await using server = await startTestServer(
      { idleTimeoutMs: 1000 },
      { rpc: { handleJson, handleJsonRpc: async () => ({}) } },
    )
    const socket = await server.connect()
    socket.pause()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    await expect.poll(() => server.exposeMetrics()).toContain('starling_rpc_connections 1')
    await expect.poll(() => server.exposeMetrics()).toContain('starling_rpc_connections 0')
    const taken = readToEnd(socket)
    socket.resume()
    expect((await taken).length).toBeLessThan(text.length)
  })

  test('a connection that never finishes its handshake is closed', async () => {
    await using server = await startTestServer({ handshakeTimeoutMs: 50 })
    const socket = connectTcp(server.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'close')
    expect(await server.exposeMetrics()).toContain('starling_rpc_rejected_total{reason="tls"} 1')
  })

  test('a connection without a request is closed', async () => {
    // The handshake comes before it, and must not be taken for idleness on a busy machine.
    await using server = await startTestServer({ idleTimeoutMs: 1000 })
    const socket = await server.connect()
    expect(await readToEnd(socket)).toBe('')
  })
})

describe('stopping', () => {
  test('requests under way finish, their connections close, and nothing new is accepted', async () => {
    const { rpc, arrived, finish } = holdRequests()
    await using server = await startTestServer({}, { rpc })
    const under = server.post(RPC, '')
    await arrived
    const stopped = server.stop()
    const late = connectTcp(server.port, '127.0.0.1')
    const [error] = await once(late, 'error')
    expect(error).toHaveProperty('code', 'ECONNREFUSED')
    finish()
    const { status, headers } = await under
    expect([status, headers['connection']]).toEqual([200, 'close'])
    await stopped
  })

  test('a request that does not finish in time is cut off, and told so by its signal', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<AbortSignal>()
    const handleJson = async (_body: Uint8Array, signal: AbortSignal) => {
      arrive(signal)
      await once(signal, 'abort')
      return { status: 200, body: {} }
    }
    await using server = await startTestServer(
      { drainMs: 50 },
      { rpc: { handleJson, handleJsonRpc: async () => ({}) } },
    )
    const cut = expect(server.post(RPC, '')).rejects.toHaveProperty('code', 'ECONNRESET')
    const signal = await arrived
    await server.stop()
    await cut
    expect(signal.aborted).toBe(true)
  })

  test('the server is not stopped before requests whose client is gone have ended', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
    let hasEnded = false
    const handleJson = async (_body: Uint8Array, signal: AbortSignal) => {
      arrive()
      await once(signal, 'abort')
      for (let turn = 0; turn < 5; turn++) await setImmediate()
      hasEnded = true
      return { status: 200, body: {} }
    }
    await using server = await startTestServer(
      { drainMs: 50 },
      { rpc: { handleJson, handleJsonRpc: async () => ({}) } },
    )
    const socket = await server.connect()
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    await arrived
    socket.destroy()
    await server.stop()
    expect(hasEnded).toBe(true)
  })

  test('an onion request is told when its client is gone', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<AbortSignal>()
    const handleClientRequest = async (body: Uint8Array, signal: AbortSignal) => {
      arrive(signal)
      await once(signal, 'abort')
      return { status: 504, contentType: 'text/plain', body } as const
    }
    await using server = await startTestServer({}, { onion: { handleClientRequest } })
    const { port, agent } = server
    const request = startRequest({ host: '127.0.0.1', port, agent, path: '/onion_req/v2', method: 'POST' })
    request.on('error', () => {})
    request.end('x')
    const signal = await arrived
    request.destroy()
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.aborted).toBe(true)
  })
})

describe('TLS', () => {
  const secured = async (port: number, options: object) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  test('the certificate is P-256, and TLS before 1.2 is refused', async () => {
    await using server = await startTestServer()
    const socket = await secured(server.port, { maxVersion: 'TLSv1.2' })
    expect(socket.getPeerCertificate()).toMatchObject({
      asn1Curve: 'prime256v1',
      subject: { CN: 'localhost', O: 'Starling' },
    })
    socket.destroy()
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(secured(server.port, old)).rejects.toThrow()
  })

  test('sessions are resumed, so that a new connection of a known client is cheap', async () => {
    await using server = await startTestServer()
    const first = await secured(server.port, {})
    const ticket = once(first, 'session')
    first.write('GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n')
    const [session] = await ticket
    first.destroy()
    const second = await secured(server.port, { session })
    expect(second.isSessionReused()).toBe(true)
    second.destroy()
  })

  test('the certificate is made once, and its key is for its owner alone', async () => {
    await using server = await startTestServer()
    const again = await loadOrCreateCertificate(server.folder, { clock: systemClock })
    expect(again).toEqual<CertificatePair>({
      key: await readFile(join(server.folder, 'https-key.pem'), 'utf8'),
      cert: await readFile(join(server.folder, 'https-certificate.pem'), 'utf8'),
    })
    expect((await lstat(join(server.folder, 'https-key.pem'))).mode & 0o777).toBe(0o600)
    expect((await lstat(server.folder)).mode & 0o777).toBe(0o700)
  })

  test('a key that others can read, or that is not of the certificate, stops the start', async () => {
    await using server = await startTestServer()
    const key = join(server.folder, 'https-key.pem')
    await chmod(key, 0o640)
    const start = () => loadOrCreateCertificate(server.folder, { clock: systemClock })
    await expect(start()).rejects.toMatchObject({ code: 'CERTIFICATE_KEY_EXPOSED' })
    await chmod(key, 0o600)
    await writeFile(key, 'nonsense')
    await expect(start()).rejects.toMatchObject({ code: 'CERTIFICATE_UNUSABLE' })
    await rm(join(server.folder, 'https-certificate.pem'))
    expect((await start()).key).toContain('PRIVATE KEY')
  })
})
