// A client of a few lines over bare TLS: what asks must cost much less than what is asked.
import { once } from 'node:events'
import type { TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

/** Where requests go. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
}

/** Who says nothing for so long will not say any more. */
const SILENCE_MS = 20_000
const HEAD_END = '\r\n\r\n'

/** The bytes of a POST. */
export function encodePost({ host, port, path }: Target, body: Uint8Array, isLast: boolean): Buffer {
  const close = isLast ? 'Connection: close\r\n' : ''
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n${close}Content-Length: ${body.length}${HEAD_END}`
  return Buffer.concat([Buffer.from(head), body])
}

/** Each client comes from an address of its own, as clients do: so limits by address stay what they are. */
export function clientAddress(client: number): string {
  return `127.200.${(client >> 8) & 255}.${client & 255}`
}

/** One connection, for one request at a time. */
export class HttpsConnection implements Disposable {
  readonly #socket: TLSSocket
  #answer: PromiseWithResolvers<Buffer<ArrayBufferLike>> | undefined
  #chunks: Buffer[] = []
  #received = 0
  /** Length of the head and of the whole answer, once the head is there. */
  #size: { head: number; whole: number } | undefined

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setTimeout(SILENCE_MS, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#answer?.reject(error))
    socket.on('close', () => this.#answer?.reject(new Error('The server closed the connection before it answered')))
  }

  static async open({ host, port }: Target, client: number): Promise<HttpsConnection> {
    const from: ConnectionOptions & TcpNetConnectOpts = { host, port, localAddress: clientAddress(client) }
    // A service node signs its own certificate.
    const socket = connect({ ...from, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return new HttpsConnection(socket)
  }

  /** Servers close connections that nobody uses for a while. */
  get isOpen(): boolean {
    return this.#socket.writable
  }

  /** The body of the answer. @throws when its status is not 200 */
  async ask(post: Uint8Array): Promise<Buffer> {
    if (!this.isOpen) throw new Error('The connection is closed')
    this.#chunks = []
    this.#received = 0
    this.#size = undefined
    this.#answer = Promise.withResolvers()
    this.#socket.write(post)
    const answer = await this.#answer.promise
    this.#answer = undefined
    return answer
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    this.#size ??= sizeOf(this.#chunks)
    if (this.#size === undefined || this.#received < this.#size.whole) return
    const answer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const body = answer.subarray(this.#size.head)
    if (answer.toString('latin1', 9, 12) === '200') this.#answer?.resolve(body)
    else this.#answer?.reject(new Error(`Answered ${answer.toString('latin1', 9, 12)}: ${body.subarray(0, 200)}`))
  }
}

function sizeOf(chunks: readonly Buffer[]): { head: number; whole: number } | undefined {
  const received = Buffer.concat(chunks)
  const end = received.indexOf(HEAD_END)
  if (end === -1) return undefined
  const head = end + HEAD_END.length
  const length = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('An answer does not say how long it is')
  return { head, whole: head + Number(length) }
}
