import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { JsonObject } from '../src/protocol/json.ts'
import type { HttpsPlace } from './https-exchange.ts'

const FRAME_MAX_BYTES = 1024 * 1024

/** A connection for subscriptions, of which frames are read one after another. */
export class MonitorSocket implements Disposable {
  readonly #socket: WebSocket
  readonly #frames: Buffer[] = []
  readonly #signal: AbortSignal

  static async open({ host, port }: HttpsPlace, signal: AbortSignal): Promise<MonitorSocket> {
    const url = `wss://${host}:${port}/monitor/v1`
    const socket = new WebSocket(url, { rejectUnauthorized: false, maxPayload: FRAME_MAX_BYTES })
    const opened = new MonitorSocket(socket, signal)
    await once(socket, 'open', { signal })
    return opened
  }

  private constructor(socket: WebSocket, signal: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    socket.on('error', () => {})
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.#frames.push(data)
    })
  }

  /** Sends a text frame, or a binary one for bytes. */
  send(frame: string | Uint8Array): void {
    this.#socket.send(frame)
  }

  /** The next frame's text. */
  async next(): Promise<string> {
    while (this.#frames.length === 0) await once(this.#socket, 'message', { signal: this.#signal })
    return (this.#frames.shift() ?? Buffer.alloc(0)).toString('latin1')
  }

  /** Sends JSON, and reads the answer. */
  async ask(request: JsonObject | readonly JsonObject[]): Promise<unknown> {
    this.send(JSON.stringify(request))
    return JSON.parse(await this.next())
  }

  [Symbol.dispose](): void {
    this.#socket.terminate()
  }
}
