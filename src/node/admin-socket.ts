import { once } from 'node:events'
import { chmod, lstat, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { MINUTE, SECOND } from '../base/clock.ts'
import { CodedError } from '../base/coded-error.ts'
import { withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'

export type AdminSocketErrorCode =
  /** The socket for the operator's commands cannot be made in the data folder: the message says why. */
  'ADMIN_SOCKET_UNUSABLE'

export class AdminSocketError extends CodedError<AdminSocketErrorCode> {}

/** Name of the socket in the data folder. */
export const ADMIN_SOCKET_FILE = 'admin.sock'

export interface AdminRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Uint8Array
}

export interface AdminAnswer {
  readonly status: number
  /** Big integers in it are written as decimal text. */
  readonly body: object
}

/** Answers the operator's requests; errors are answers too. */
export type AdminHandler = (request: AdminRequest, signal: AbortSignal) => Promise<AdminAnswer>

/** What the socket takes in one request: a subject is some 200 bytes. */
const BODY_MAX_BYTES = 4096
const LIMITS = { headersTimeout: 5 * SECOND, requestTimeout: 10 * SECOND, maxHeaderSize: 8 * 1024 }
/** One operator, a few terminals, a monitor. */
const CONNECTIONS_MAX = 16
/** Longer than signatures may be collected for. */
const ANSWER_MAX_MS = 5 * MINUTE
/** The system's bound of a socket's path, without the zero at its end. */
const PATH_MAX_BYTES = process.platform === 'linux' ? 107 : 103
/** Nobody but the owner may connect. */
const OWNER_ONLY = 0o600
const OTHERS_MASK = 0o177

/**
 * Lets the operator of this machine talk to the running node: HTTP with JSON on a socket that only this user can open. It may be closed
 * more than once.
 * @throws {AdminSocketError} ADMIN_SOCKET_UNUSABLE
 */
export async function startAdminSocket(
  { log, handle }: { readonly log: Logger; readonly handle: AdminHandler },
  { path }: { readonly path: string },
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) {
    throw unusable(path, `its path is longer than ${PATH_MAX_BYTES} bytes; give a shorter dataFolder`)
  }
  await removeStale(path)
  const stopping = new AbortController()
  const server = createServer(LIMITS, (request, response) => {
    answer(request, response, handle, stopping.signal).catch((error: unknown) => {
      log.error({ error }, "The operator's request failed unexpectedly")
      response.destroy()
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  try {
    listenAlone(server, path)
    await once(server, 'listening')
    await chmod(path, OWNER_ONLY)
  } catch (cause) {
    throw unusable(path, cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown', cause)
  }
  let closed: Promise<unknown> | undefined
  const close = () => {
    stopping.abort()
    const done = once(server, 'close')
    // Takes the file away too.
    server.close()
    server.closeAllConnections()
    return done
  }
  return {
    async [Symbol.asyncDispose]() {
      closed ??= close()
      await closed
    },
  }
}

/** The socket is made within the call, so with this mask nobody else can connect before its mode is set. */
function listenAlone(server: ReturnType<typeof createServer>, path: string): void {
  const before = process.umask(OTHERS_MASK)
  try {
    server.listen(path)
  } finally {
    process.umask(before)
  }
}

/** A node that was killed leaves its socket behind. One that somebody listens on is another's. */
async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  if (!stats.isSocket()) throw unusable(path, 'there is something else at its place')
  if (await isListenedOn(path)) throw unusable(path, 'another process listens there')
  await unlink(path)
}

async function isListenedOn(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect', { signal: withDeadline(SECOND) })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code !== 'ECONNREFUSED' && code !== 'ENOENT'
  } finally {
    socket.destroy()
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: AdminHandler,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const body = await readBody(request)
  if (body === undefined) return send(response, failure(413, 'BODY_TOO_LARGE', 'The request is too large'))
  const url = URL.parse(request.url ?? '', 'http://node')
  if (url === null) return send(response, failure(400, 'REQUEST_MALFORMED', 'The request has no valid target'))
  const asked = { method: request.method ?? '', path: url.pathname, query: url.searchParams, body }
  const signal = AbortSignal.any([withDeadline(ANSWER_MAX_MS, stopping), gone.signal])
  send(response, await handle(asked, signal))
}

/** Undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_MAX_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, { status, body }: AdminAnswer): void {
  if (response.destroyed) return
  const text = JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(`${text}\n`)
}

/** What failed, in the form that every failure has. */
export function failure(status: number, code: string, message: string, details: object = {}): AdminAnswer {
  return { status, body: { code, message, details } }
}

function unusable(path: string, why: string, cause?: unknown): AdminSocketError {
  const message = `The socket for the operator's commands, ${path}, cannot be made: ${why}`
  return new AdminSocketError('ADMIN_SOCKET_UNUSABLE', message, { details: { path }, cause })
}
