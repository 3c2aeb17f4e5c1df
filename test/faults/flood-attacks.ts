// What the flood consists of: each attack keeps so many workers busy against one node until it is told to stop.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { monitorParams } from '../../src/client/follow/monitor-params.ts'
import { type Account, accountFromSeed, retrieveRequest } from '../../src/client/index.ts'

export interface FloodTarget {
  readonly ip: string
  readonly httpsPort: number
  readonly peerPort: number
  /** Hex. Accounts of the attacker's, the first of which has a full inbox. */
  readonly accountSeeds: readonly string[]
}

/** One try of one attacker. It may throw: being cut off is what is to be expected. */
type Attempt = (target: FloodTarget, address: string, signal: AbortSignal) => Promise<void>

export interface Attack {
  readonly name: string
  /** Tries under way at once. */
  readonly workers: number
  /** Addresses that they come from. */
  readonly addresses: number
  readonly attempt: Attempt
}

const RPC = '/storage_rpc/v1'
const MEBIBYTE = 1024 * 1024
/** A peer that hangs up at once is tried again after this. */
const PAUSE_MS = 50

export const ATTACKS: readonly Attack[] = [
  { name: 'requests as fast as they are answered', workers: 24, addresses: 12, attempt: hammer },
  { name: 'connections that come and go', workers: 24, addresses: 8, attempt: comeAndGo },
  { name: 'headers, a byte a second', workers: 1_500, addresses: 15, attempt: dribbleHeaders },
  { name: 'connections without a handshake', workers: 1_000, addresses: 10, attempt: idleWithoutHandshake },
  { name: 'TLS without a request', workers: 300, addresses: 3, attempt: idleTls },
  { name: 'bodies, a little a second', workers: 200, addresses: 4, attempt: dribbleBody },
  { name: 'bodies of 11 MiB without a length', workers: 8, addresses: 4, attempt: sendEndlessBody },
  { name: 'bodies of 9 MiB that never end', workers: 40, addresses: 4, attempt: sendMostOfBody },
  { name: 'large answers that nobody reads', workers: 200, addresses: 4, attempt: ignoreAnswers },
  { name: 'waits for messages from one address', workers: 190, addresses: 1, attempt: waitForMessages },
  { name: 'bytes that are no TLS', workers: 8, addresses: 4, attempt: sendNoTls },
  { name: 'bytes that are no HTTP', workers: 8, addresses: 4, attempt: sendNoHttp },
  { name: 'WebSockets that send rubbish', workers: 16, addresses: 4, attempt: abuseWebSocket },
  { name: 'WebSockets that say nothing', workers: 150, addresses: 4, attempt: idleWebSocket },
  { name: 'bytes that are no handshake, at the port for nodes', workers: 100, addresses: 10, attempt: sendNoPeer },
  { name: 'half a handshake, at the port for nodes', workers: 400, addresses: 20, attempt: idlePeer },
]

async function hammer(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  const body = '{"method":"info","params":{}}'
  const request = `POST ${RPC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  while (!socket.destroyed) {
    // Sixteen at once, without waiting for the answer to the first.
    socket.write(request.repeat(16))
    await once(socket, 'data', { signal })
  }
}

async function comeAndGo(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write('GET /ping_test/v1 HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data', { signal })
}

async function dribbleHeaders(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write(`POST ${RPC} HTTP/1.1\r\nHost: `)
  while (!socket.destroyed) {
    socket.write('x')
    await delay(1_000, undefined, { signal })
  }
}

async function idleWithoutHandshake(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTcp(target.ip, target.httpsPort, address, signal)
  await once(socket, 'close', { signal })
}

async function idleTls(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  await once(socket, 'close', { signal })
}

async function dribbleBody(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write(`POST ${RPC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${9 * MEBIBYTE}\r\n\r\n`)
  // Just fast enough.
  while (!socket.destroyed) {
    socket.write(randomBytes(1_100))
    await delay(1_000, undefined, { signal })
  }
}

async function sendEndlessBody(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write(`POST ${RPC} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 'x'), Buffer.from('\r\n')])
  for (let sent = 0; sent < 176 && !socket.destroyed; sent++) {
    if (!socket.write(chunk)) await once(socket, 'drain', { signal })
  }
  if (!socket.destroyed) await once(socket, 'close', { signal })
}

async function sendMostOfBody(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write(`POST ${RPC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${10 * MEBIBYTE}\r\n\r\n`)
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < 144 && !socket.destroyed; sent++) {
    if (!socket.write(chunk)) await once(socket, 'drain', { signal })
  }
  if (!socket.destroyed) await once(socket, 'close', { signal })
}

async function ignoreAnswers(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.pause()
  const { method, params } = retrieveRequest({ namespace: 0, timestampMs: Date.now() }, accountOf(target, 0))
  const body = JSON.stringify({ method, params })
  socket.write(`POST ${RPC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`.repeat(8))
  await once(socket, 'close', { signal })
}

async function waitForMessages(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  const account = accountOf(target, Math.floor(Math.random() * target.accountSeeds.length))
  while (!socket.destroyed) {
    const body = JSON.stringify({ method: 'monitor', params: monitorParams(account, [0], Date.now()) })
    socket.write(`POST ${RPC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await once(socket, 'data', { signal })
    await delay(PAUSE_MS, undefined, { signal })
  }
}

function accountOf({ accountSeeds }: FloodTarget, at: number): Account {
  return accountFromSeed(accountSeeds[at] ?? '')
}

async function sendNoTls(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTcp(target.ip, target.httpsPort, address, signal)
  socket.write(randomBytes(20_000))
  await once(socket, 'close', { signal })
}

async function sendNoHttp(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTls(target, address, signal)
  socket.write(randomBytes(20_000))
  await once(socket, 'close', { signal })
}

async function abuseWebSocket(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openWebSocket(target, address, signal)
  while (!socket.destroyed) {
    // Pings, frames that are no requests, and at last one that says it is huge.
    for (let at = 0; at < 50; at++) socket.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]))
    for (let at = 0; at < 50; at++) socket.write(Buffer.from([0x82, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]))
    await delay(100, undefined, { signal })
    if (Math.random() < 0.1) socket.write(Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
  }
}

async function idleWebSocket(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openWebSocket(target, address, signal)
  await once(socket, 'close', { signal })
}

async function sendNoPeer(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTcp(target.ip, target.peerPort, address, signal)
  const multistream = Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n')
  socket.write(Buffer.concat([multistream, Buffer.from('ffff', 'hex'), randomBytes(70_000)]))
  await once(socket, 'close', { signal })
}

async function idlePeer(target: FloodTarget, address: string, signal: AbortSignal): Promise<void> {
  await using socket = await openTcp(target.ip, target.peerPort, address, signal)
  socket.write('\u0013/multistream/1.0.0\n\u0007/noise\n')
  await once(socket, 'close', { signal })
}

type Closing<S> = S & AsyncDisposable

async function openTcp(
  host: string,
  port: number,
  localAddress: string,
  signal: AbortSignal,
): Promise<Closing<Socket>> {
  return opened(connect({ host, port, localAddress }), 'connect', signal)
}

async function openTls(
  { ip, httpsPort }: FloodTarget,
  localAddress: string,
  signal: AbortSignal,
): Promise<Closing<TLSSocket>> {
  // Node's types leave out what connect() of a TCP socket takes besides.
  const options = { host: ip, port: httpsPort, localAddress, rejectUnauthorized: false }
  return opened(connectTls(options), 'secureConnect', signal)
}

async function openWebSocket(target: FloodTarget, address: string, signal: AbortSignal): Promise<Closing<TLSSocket>> {
  const socket = await openTls(target, address, signal)
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET /monitor/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await once(socket, 'data', { signal })
  return socket
}

async function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<Closing<S>> {
  socket.on('error', () => {})
  // Bytes that nobody looks at must not gather here, unless somebody waits for them not to be read.
  socket.on('end', () => socket.destroy())
  const end = new AbortController()
  const onClose = () => end.abort()
  socket.once('close', onClose)
  try {
    await once(socket, event, { signal: AbortSignal.any([signal, end.signal]) })
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.resume()
  return Object.assign(socket, { [Symbol.asyncDispose]: async () => void socket.destroy() })
}

export interface AttackCount {
  readonly name: string
  tries: number
}

/** Runs one attack until the signal. */
export async function run(
  { name, workers, addresses, attempt }: Attack,
  network: number,
  target: FloodTarget,
  signal: AbortSignal,
): Promise<AttackCount> {
  const count = { name, tries: 0 }
  const worker = async (index: number) => {
    const address = `127.${network}.${index % addresses}.2`
    // All at once is one more attack, but one that the attacker's own machine does not bear.
    await delay(2_000 * Math.random(), undefined, { signal }).catch(() => {})
    while (!signal.aborted) {
      count.tries++
      await attempt(target, address, signal).catch(() => {})
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, index) => worker(index)))
  return count
}
