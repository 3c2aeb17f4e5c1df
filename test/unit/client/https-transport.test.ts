import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpsTransport } from '../../../src/client/https-transport.ts'
import type { Transport } from '../../../src/client/transport.ts'

let server: Server
let transport: Transport
let url: string
/** What is done with each request, in turn. */
let answers: ((response: ServerResponse) => void)[]

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => answers.shift()?.(response))
  })
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

const post = () =>
  transport.post(url, Buffer.from('ask'), { timeoutMs: 10_000, responseMaxBytes: 100, certificate: 'verified' })
const whole = (response: ServerResponse) => void response.end('answer')
const cut = (response: ServerResponse) =>
  void response.writeHead(200, { 'Content-Length': 50 }).write('begun', () => response.destroy())

test('a kept connection that is closed before any answer is nobody’s fault', async () => {
  answers = [whole, (response) => void response.destroy()]
  await expect(post()).resolves.toMatchObject({ status: 200 })
  await expect(post()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
})

test('an answer that is cut short is the other side’s fault, on a new connection and on a kept one', async () => {
  answers = [cut, whole, cut]
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
  await expect(post()).resolves.toMatchObject({ status: 200 })
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
})

test('a new connection that is closed before any answer is the other side’s fault', async () => {
  answers = [(response) => void response.destroy()]
  await expect(post()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' })
})

test('a response above the limit is refused', async () => {
  answers = [(response) => void response.end('x'.repeat(101))]
  await expect(post()).rejects.toMatchObject({ code: 'TOO_LARGE' })
})
