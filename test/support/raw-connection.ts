import https from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DevnetNode } from '../../devnet/network.ts'

/** Everything that a node may take to end a connection that brings nothing but rubbish. */
const END_MAX_MS = 60_000

/** Sends bytes over TCP, from an address of our choice, waits until the node ends the connection, and gives what it said before. */
export async function sendTcp(
  host: string,
  port: number,
  chunks: readonly Uint8Array[],
  localAddress?: string,
): Promise<Buffer> {
  const socket = connect({ port, host, ...(localAddress === undefined ? {} : { localAddress }) })
  const said: Buffer[] = []
  socket.on('data', (chunk) => said.push(chunk))
  // Being cut off is as good as a goodbye.
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  const closed = ended(socket)
  for (const chunk of chunks) if (!socket.destroyed) socket.write(chunk)
  await closed
  return Buffer.concat(said)
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Written one after another; without a Content-Length header they go chunked. */
  readonly body?: readonly Uint8Array[]
}

/** The status of an answer over HTTPS, and its text; 0 when the node hung up without one. */
export async function requestRaw(
  { ip, httpsPort }: Pick<DevnetNode, 'ip' | 'httpsPort'>,
  { method = 'POST', path, headers = {}, body = [] }: RawRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const options = { host: ip, port: httpsPort, method, path, headers, rejectUnauthorized: false, agent: false }
  const request = https.request({ ...options, signal: AbortSignal.timeout(END_MAX_MS) })
  const answered = new Promise<{ status: number; text: string }>((resolve) => {
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      const done = () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('close', done)
      response.on('error', done)
    })
    // An answer may come while the body is still on its way, which then breaks.
    request.on('close', () => setImmediate(() => resolve({ status: 0, text: '' })))
    request.on('error', () => {})
  })
  for (const chunk of body) request.write(chunk)
  request.end()
  return answered
}

/** Sends bytes within TLS that need not be HTTP. */
export async function sendTls({ ip, httpsPort }: DevnetNode, bytes: Uint8Array): Promise<string> {
  const socket = connectTls({ host: ip, port: httpsPort, rejectUnauthorized: false })
  const said: Buffer[] = []
  socket.on('data', (chunk: Buffer) => said.push(chunk))
  socket.on('error', () => {})
  const closed = ended(socket)
  socket.on('secureConnect', () => socket.write(bytes))
  await closed
  return Buffer.concat(said).toString()
}

/** Settles when the connection has ended, however. */
function ended(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('The node keeps the connection')), END_MAX_MS)
  socket.on('close', () => {
    clearTimeout(timer)
    resolve()
  })
  return promise
}
