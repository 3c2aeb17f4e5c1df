// Node's fetch stands for a browser's: what only a browser does (CORS, certificates) is in test/e2e/browser.test.ts.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { createHttpsTransport } from '../../../src/client/browser/https-transport.ts'
import type { PostOptions, Transport } from '../../../src/client/transport.ts'

const LONG_MS = 1_000_000

let server: Server
let transport: Transport
let url: string
/** What is done with the next request, whose body has come. */
let answer: (response: ServerResponse, request: IncomingMessage, body: Buffer) => void

beforeEach(async () => {
  server = createServer(async (request, response) => answer(response, request, Buffer.concat(await request.toArray())))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  transport = createHttpsTransport()
})
afterEach(async () => {
  await transport[Symbol.asyncDispose]()
  server.closeAllConnections()
  server.close()
})

const post = (options: Partial<PostOptions> = {}, to = url) =>
  transport.post(to, utf8('ask'), { timeoutMs: LONG_MS, responseMaxBytes: 100, certificate: 'any', ...options })

test('a request and its answer arrive whole, whatever the status', async () => {
  answer = (response, request, body) => {
    expect({ method: request.method, body: body.toString() }).toEqual({ method: 'POST', body: 'ask' })
    // With one of these, a browser would ask for leave first.
    expect(request.headers['content-type']).toBeUndefined()
    response.writeHead(503).end(Uint8Array.of(0, 255, 128))
  }
  const { status, body } = await post()
  expect([status, toHex(body)]).toEqual([503, '00ff80'])
})

test('an answer without a body is empty', async () => {
  answer = (response) => response.writeHead(204).end()
  expect((await post()).body).toHaveLength(0)
})

test('an answer above the limit is refused', async () => {
  answer = (response) => response.end('x'.repeat(101))
  await expect(post()).rejects.toMatchObject({ code: 'TOO_LARGE', details: { maxBytes: 100 } })
})

test('an answer that is cut short, or a connection that is closed, is a failure', async () => {
  answer = (response) => response.writeHead(200, { 'Content-Length': 50 }).write('begun', () => response.destroy())
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
  answer = (response) => response.destroy()
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
})

test('redirects are not followed', async () => {
  answer = (response) => response.writeHead(307, { Location: '/elsewhere' }).end()
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
})

test.for(['nowhere', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'data:,x'])('nothing is sent to %s', async (address) => {
  await expect(post({}, address)).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
})

test('without an answer in time it fails', async () => {
  answer = () => {}
  await expect(post({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
})

test('a request that is given up rejects with the reason', async () => {
  const reason = new Error('given up')
  await expect(post({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const abort = new AbortController()
  answer = () => abort.abort(reason)
  await expect(post({ signal: abort.signal })).rejects.toBe(reason)
})

test('disposal ends what is under way and what comes later', async () => {
  const arrived = new Promise<void>((resolve) => {
    answer = () => resolve()
  })
  const ended = expect(post()).rejects.toMatchObject({ code: 'CLOSED' })
  await arrived
  await transport[Symbol.asyncDispose]()
  await ended
  await expect(post()).rejects.toMatchObject({ code: 'CLOSED' })
})
