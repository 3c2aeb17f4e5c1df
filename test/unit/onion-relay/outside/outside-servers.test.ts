// How an exit asks a server, and what it makes of every kind of answer.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OutsideServerOptions } from '../../../../src/onion-relay/options.ts'
import { startWebServer } from '../../../support/web-server.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { createExit, hasIPv6, startSink, TARGET } from './servers.ts'

const NEVER = new AbortController().signal
const LIMITS = { timeoutMs: 10_000, signal: NEVER }
/** Every byte value, NUL first and last. */
const LAYER = Buffer.from([...Array.from({ length: 256 }, (_, byte) => byte), 0])

let dns: DnsServer
let authority: Authority

beforeAll(async () => {
  dns = await startDnsServer(({ name }) => (name.endsWith('.example') ? ['127.0.0.1'] : []))
  authority = await createAuthority()
  setDefaultCACertificates([...getCACertificates(), authority.cert])
})
afterAll(() => dns[Symbol.asyncDispose]())

function ask(
  port: number,
  { host = '127.0.0.1', protocol = 'http', ...options }: Partial<OutsideServerOptions> & AskedServer = {},
) {
  const exit = createExit({ dnsServers: [dns.address], ...options })
  return exit.ask({ protocol, host, port, target: TARGET }, LAYER, LIMITS)
}

interface AskedServer {
  readonly host?: string
  readonly protocol?: string
}

/** Answers every request with the same. */
const always =
  (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)

describe('a request', () => {
  test('is the whole layer, byte for byte, and says nothing of who asks', async () => {
    await using server = await startWebServer(always(200, Buffer.from([0, 1, 0])))
    expect(await ask(server.port)).toEqual({ kind: 'answered', status: 200, body: Buffer.from([0, 1, 0]) })
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', url: TARGET })
    expect(request?.body.equals(LAYER)).toBe(true)
    expect(Object.fromEntries(pairs(request?.headers ?? []))).toEqual({
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(LAYER.length),
      'User-Agent': 'Starling',
      Host: `127.0.0.1:${server.port}`,
      Connection: 'close',
    })
  })

  test('has a connection of its own, also when the server would keep it', async () => {
    const clientPorts = new Set<number | undefined>()
    await using server = await startWebServer((request, response) => {
      clientPorts.add(request.socket.remotePort)
      response.writeHead(200, { 'Set-Cookie': 'a=b', Connection: 'keep-alive' }).end()
    })
    const exit = createExit()
    const address = { protocol: 'http', host: '127.0.0.1', port: server.port, target: TARGET }
    for (let nth = 0; nth < 3; nth++) await exit.ask(address, LAYER, LIMITS)
    expect(clientPorts.size).toBe(3)
    expect(server.requests.flatMap(({ headers }) => headers)).not.toContain('Cookie')
  })

  test.skipIf(!hasIPv6)('names the server by its name, over IPv6 too', async () => {
    await using server = await startWebServer(always(200), { host: '::1' })
    await using names = await startDnsServer(() => ['::1'])
    const options = { host: 'Six.Example', dnsServers: [names.address] }
    expect(await ask(server.port, options)).toMatchObject({ status: 200 })
    expect(await ask(server.port, { host: '[0:0::1]' })).toMatchObject({ status: 200 })
    expect(server.requests.map(({ headers }) => Object.fromEntries(pairs(headers))['Host'])).toEqual([
      `six.example:${server.port}`,
      `[::1]:${server.port}`,
    ])
  })

  test('finds the address that works among several', async () => {
    await using server = await startWebServer(always(200))
    await using names = await startDnsServer(() => ['::1', '127.0.0.1'])
    expect(await ask(server.port, { host: 'both.example', dnsServers: [names.address] })).toMatchObject({ status: 200 })
  })

  test('needs one family of addresses only, and fails with both', async () => {
    await using server = await startWebServer(always(200))
    await using names = await startDnsServer(({ name, type }) =>
      type === 'AAAA' || name === 'none.example' ? 'failure' : ['127.0.0.1'],
    )
    const options = { dnsServers: [names.address] }
    expect(await ask(server.port, { ...options, host: 'four.example' })).toMatchObject({ status: 200 })
    expect(await ask(server.port, { ...options, host: 'none.example' })).toEqual({ kind: 'unreachable' })
  })

  test('waits for DNS no longer than it may', async () => {
    await using names = await startDnsServer(() => undefined)
    const options = { host: 'slow.example', dnsServers: [names.address], resolveTimeoutMs: 50 }
    expect(await ask(1, options)).toEqual({ kind: 'unreachable' })
    expect(await ask(1, { ...options, resolveTimeoutMs: 5_000, timeoutMs: 50 })).toEqual({ kind: 'timeout' })
  })
})

describe('an answer', () => {
  test.each([200, 201, 204, 400, 404, 406, 429, 500, 503])('of status %i is handed back as it is', async (status) => {
    const body = status === 204 ? Buffer.alloc(0) : Buffer.from('as\0it\0is')
    await using server = await startWebServer(always(status, body))
    expect(await ask(server.port)).toEqual({ kind: 'answered', status, body })
  })

  test.each([301, 302, 303, 307, 308])('of status %i leads nowhere else', async (status) => {
    await using other = await startSink()
    await using server = await startWebServer(
      always(status, 'elsewhere', { Location: `http://127.0.0.1:${other.port}${TARGET}` }),
    )
    expect(await ask(server.port)).toMatchObject({ kind: 'answered', status })
    expect([other.connections.length, server.requests.length]).toEqual([0, 1])
  })

  test('may be as long as the limit, and no byte longer, announced or not', async () => {
    const answerMaxBytes = 100_000
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      for (const [size, kind] of [
        [answerMaxBytes, 'answered'],
        [answerMaxBytes + 1, 'invalid'],
      ] as const) {
        await using server = await startWebServer(always(200, Buffer.alloc(size), headers))
        expect(await ask(server.port, { answerMaxBytes })).toMatchObject({ kind })
      }
    }
  })

  test('without an end is cut where it is too long', async () => {
    let sent = 0
    await using server = await startSink((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const flood = () => {
        while (socket.writable && socket.write(Buffer.alloc(65_536))) sent += 65_536
      }
      socket.on('drain', flood)
      flood()
    })
    expect(await ask(server.port, { answerMaxBytes: 1_000_000 })).toEqual({ kind: 'invalid' })
    expect(sent).toBeLessThan(50_000_000)
  })

  test('waits its turn when other answers fill the memory for them', async () => {
    await using server = await startWebServer(always(200, Buffer.alloc(10_000)))
    expect(await ask(server.port, { answersMaxBytes: 9_999 })).toEqual({ kind: 'busy' })
    const exit = createExit({ answersMaxBytes: 10_000 })
    const address = { protocol: 'http', host: '127.0.0.1', port: server.port, target: TARGET }
    // What an answer took is free again when it is handed back.
    for (let nth = 0; nth < 3; nth++) expect(await exit.ask(address, LAYER, LIMITS)).toMatchObject({ status: 200 })
  })

  const odd: readonly [name: string, kind: string, serve: (socket: Socket) => void][] = [
    ['no HTTP', 'unreachable', (socket) => socket.end('220 mail.example ESMTP\r\n')],
    ['nothing at all', 'unreachable', (socket) => socket.end()],
    ['a reset', 'unreachable', (socket) => socket.resetAndDestroy()],
    [
      'a reset in a body without a length',
      'unreachable',
      (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nsome', () => socket.resetAndDestroy()),
    ],
    [
      'half of what it announces',
      'unreachable',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    ],
    [
      'half a chunk',
      'unreachable',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx'),
    ],
    [
      'two lengths',
      'unreachable',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    ],
    [
      'a head that is too long',
      'unreachable',
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    ],
    [
      'an upgrade',
      'unreachable',
      (socket) => socket.end('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'),
    ],
    ['a status that is none', 'invalid', (socket) => socket.end('HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n')],
    [
      'hints before its answer',
      'answered',
      (socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok'),
    ],
  ]
  test.each(odd)('with %s is %s', async (_name, kind, serve) => {
    await using server = await startSink((socket) => {
      socket.once('data', () => serve(socket))
    })
    expect(await ask(server.port)).toMatchObject({ kind })
  })

  test('may come before the whole request was sent', async () => {
    await using server = await startSink((socket) =>
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'),
    )
    const exit = createExit()
    const address = { protocol: 'http', host: '127.0.0.1', port: server.port, target: TARGET }
    const asked = await exit.ask(address, Buffer.alloc(10_000_000), LIMITS)
    expect(asked).toEqual({ kind: 'answered', status: 413, body: Buffer.from('no') })
  })

  test.each(['', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\n\r\nsome'])(
    'that stops after %j is not waited for',
    async (beginning) => {
      await using server = await startSink((socket) => socket.write(beginning))
      expect(await ask(server.port, { timeoutMs: 50 })).toEqual({ kind: 'timeout' })
    },
  )

  test('that nobody waits for any more ends the request', async () => {
    const client = new AbortController()
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    await using server = await startSink((socket) => {
      socket.on('close', () => close())
      client.abort()
    })
    const exit = createExit()
    const address = { protocol: 'http', host: '127.0.0.1', port: server.port, target: TARGET }
    expect(await exit.ask(address, LAYER, { timeoutMs: 10_000, signal: client.signal })).toEqual({ kind: 'aborted' })
    await closed
  })
})

test('a server that nobody listens at is unreachable', async () => {
  const server = await startSink()
  await server[Symbol.asyncDispose]()
  expect(await ask(server.port)).toEqual({ kind: 'unreachable' })
})

test('one slow server takes no more than its share, and all together no more than theirs', async () => {
  await using slow = await startSink(() => {})
  await using quick = await startWebServer(always(200))
  const exit = createExit({ requestsMax: 3, serverRequestsMax: 2, dnsServers: [dns.address] })
  const client = new AbortController()
  const askAt = (host: string, port: number, signal: AbortSignal) =>
    exit.ask({ protocol: 'http', host, port, target: TARGET }, LAYER, { timeoutMs: 10_000, signal })
  const waiting = [1, 2].map(() => askAt('127.0.0.1', slow.port, client.signal))
  expect(await askAt('127.0.0.1', slow.port, NEVER)).toEqual({ kind: 'busy' })
  expect(await askAt('127.0.0.1', quick.port, NEVER)).toMatchObject({ status: 200 })
  waiting.push(askAt('other.example', slow.port, client.signal))
  expect(await askAt('127.0.0.1', quick.port, NEVER)).toEqual({ kind: 'busy' })
  client.abort()
  await Promise.all(waiting)
  expect(await askAt('127.0.0.1', quick.port, NEVER)).toMatchObject({ status: 200 })
  const metrics = await exit.registry.expose()
  expect(metrics).toContain('starling_onion_relay_outside_requests_in_flight 0')
  expect(metrics).not.toContain('example')
})

describe('over TLS', () => {
  test('a server that an authority vouches for by name is asked, with that name', async () => {
    const certificate = await authority.certify('files.example')
    await using server = await startWebServer(always(200, 'sealed'), { certificate })
    const asked = await ask(server.port, { host: 'Files.Example', protocol: 'https' })
    expect(asked).toEqual({ kind: 'answered', status: 200, body: Buffer.from('sealed') })
    expect(server.requests[0]?.headers).toContain(`files.example:${server.port}`)
  })

  test.each([
    ['whose certificate is for another name', 'other.example', 'files.example', true],
    ['that is named by its address', '127.0.0.1', 'files.example', true],
    ['that no authority vouches for', 'files.example', 'files.example', false],
  ])('a server %s is sent nothing', async (_why, host, certified, known) => {
    const certificate = await (known ? authority : await createAuthority()).certify(certified)
    await using server = await startWebServer(always(200), { certificate })
    expect(await ask(server.port, { host, protocol: 'https' })).toEqual({ kind: 'unreachable' })
    expect(server.requests).toEqual([])
  })

  test('a server that speaks an old version only is sent nothing', async () => {
    const certificate = { ...(await authority.certify('files.example')), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }
    await using server = await startWebServer(always(200), { certificate })
    expect(await ask(server.port, { host: 'files.example', protocol: 'https' })).toEqual({ kind: 'unreachable' })
    expect(server.requests).toEqual([])
  })
})

test('nothing in the environment sends requests elsewhere, or past the check of certificates', async () => {
  await using proxy = await startSink()
  await using plain = await startWebServer(always(200))
  const certificate = await (await createAuthority()).certify('files.example')
  await using secure = await startWebServer(always(200), { certificate })
  const module = JSON.stringify(new URL('./servers.ts', import.meta.url).href)
  const script = `
    const { createExit, TARGET } = await import(${module})
    const exit = createExit({ dnsServers: ['${dns.address}'] })
    const limits = { timeoutMs: 10_000, signal: new AbortController().signal }
    const ask = (protocol, port) => exit.ask({ protocol, host: 'files.example', port, target: TARGET }, new Uint8Array(9), limits)
    const kinds = [await ask('http', ${plain.port}), await ask('https', ${secure.port})].map(({ kind }) => kind)
    process.stdout.write(kinds.join())`
  const address = `http://127.0.0.1:${proxy.port}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: address,
      HTTPS_PROXY: address,
      http_proxy: address,
      https_proxy: address,
      NO_PROXY: '',
      no_proxy: '',
    },
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  expect(output).toBe('answered,unreachable')
  expect([plain.requests.length, secure.requests.length, proxy.connections.length]).toEqual([1, 0, 0])
})

/** Names and values of headers that come in turns. */
function pairs(headers: readonly string[]): [string, string][] {
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? ''] as [string, string]] : []))
}
