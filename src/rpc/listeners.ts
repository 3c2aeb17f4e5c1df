import { once } from 'node:events'
import type { Server as HttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { listenError } from '../base/listen-error.ts'
import type { RpcOptions } from './options.ts'

/** Connections that the system accepts on each while this process is at work. Beyond them it forgets who knocks, and clients wait for seconds. */
const BACKLOG = 128
/**
 * A turn of the event loop takes one connection of each listener. During a flood a turn takes long, so with one listener those who knock
 * would wait for minutes behind the others.
 */
const LISTENERS = process.platform === 'linux' ? 64 : 1

export interface ListenersComponents {
  /** Is handed the connections, and listens nowhere itself. */
  readonly server: HttpsServer
  /** Asked before anything is made for a connection; false when it was closed. */
  readonly admit: (socket: Socket) => boolean
}

/** Several listeners at one port, all of which hand their connections to one server. */
export interface Listeners {
  readonly port: number
  /** Takes no more connections; settles when those that there are have ended. */
  close(): Promise<void>
}

/** @throws {ListenError} LISTEN_FAILED */
export async function listen(
  { server, admit }: ListenersComponents,
  { httpsHost: host, httpsPort }: RpcOptions,
): Promise<Listeners> {
  const listeners: Server[] = []
  const take = (socket: Socket) => admit(socket) && server.emit('connection', socket)
  const close = () => Promise.all(listeners.map(closed))
  try {
    await requireFree(host, httpsPort)
    let port = httpsPort
    while (listeners.length < LISTENERS) {
      const listener = createServer({ noDelay: true }, take)
      listeners.push(listener)
      port = await listenAt(listener, host, port)
    }
    // From here on it looks after the time that requests take.
    server.emit('listening')
    return { port, close: async () => void (await close()) }
  } catch (cause) {
    await close()
    throw listenError(cause, { address: host, port: httpsPort, group: 'rpc' })
  }
}

/** Where several may listen, another node of the same user could take half of this one's clients: so the first listens alone for a moment. */
async function requireFree(host: string, port: number): Promise<void> {
  if (LISTENERS === 1 || port === 0) return
  const alone = createServer().listen(port, host)
  await once(alone, 'listening')
  await once(alone.close(), 'close')
}

async function listenAt(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port, backlog: BACKLOG, reusePort: LISTENERS > 1 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
