import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Server } from './https-load.ts'

/** What the bare server has to know. */
export interface BareSettings {
  /** Bytes that it answers to each method, as many as a service node. */
  readonly answerBytes: Readonly<Record<string, number>>
  /** X25519 secret keys of the nodes that onion requests name, first hop first, as hex. */
  readonly secretKeys: readonly string[]
}

/** An HTTPS server that does the cryptography of requests and nothing else, in a process of its own. */
export interface BareServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly pid: number
  set(settings: BareSettings): Promise<void>
}

const HOST = '127.0.250.1'

/** Makes a certificate of the kind that service nodes make, in a folder that does not exist yet. */
export async function startBareServer(folder: string): Promise<BareServer> {
  const child = fork(join(import.meta.dirname, 'bare-https.ts'), [folder, HOST], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return {
    host: HOST,
    port,
    pid: child.pid ?? 0,
    async set(settings) {
      child.send(settings)
      await once(child, 'message')
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** What the load is sent to. It does not mind a request that it has seen before. */
export function bareTarget({ host, port, pid }: BareServer, path = '/storage_rpc/v1'): Server {
  return { target: { host, port, path }, pids: [pid], repeats: true }
}
