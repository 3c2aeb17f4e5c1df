import type { IncomingMessage } from 'node:http'
import { RpcError } from './errors.ts'
import type { RpcOptions } from './options.ts'

type BodyOptions = Pick<RpcOptions, 'requestMaxBytes' | 'bodiesMaxBytes' | 'bodyWindowMs' | 'bodyWindowMinBytes'>

/** Receives requests' bodies: none too large, none too slow, and all of them together within a budget of memory. */
export class BodyReader {
  readonly #options: BodyOptions
  /** Bytes of all bodies being received or still in use. */
  #heldBytes = 0

  constructor(options: BodyOptions) {
    this.#options = options
  }

  /** Reads the whole body, hands it to `use`, and counts it against the budget until that has settled. */
  async use<T>(request: IncomingMessage, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    this.#refuseLarge(Number(request.headers['content-length'] ?? 0))
    const held = { bytes: 0 }
    try {
      return await use(await this.#read(request, held))
    } finally {
      this.#heldBytes -= held.bytes
    }
  }

  /** @throws {RpcError} BODY_TOO_LARGE, BODY_INCOMPLETE, SERVER_BUSY */
  async #read(request: IncomingMessage, held: { bytes: number }): Promise<Uint8Array> {
    const chunks: Buffer[] = []
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const incomplete = () => reject(new RpcError('BODY_INCOMPLETE', 'Request body incomplete'))
    const receive = (chunk: Buffer) => {
      chunks.push(chunk)
      try {
        this.#take(chunk.length, held)
      } catch (error) {
        reject(error)
      }
    }
    const pace = this.#watchPace(held, incomplete)
    request.on('data', receive)
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    )
    request.once('error', incomplete)
    request.once('close', incomplete)
    try {
      return await promise
    } finally {
      clearInterval(pace)
      request.off('data', receive)
    }
  }

  #take(bytes: number, held: { bytes: number }): void {
    held.bytes += bytes
    this.#heldBytes += bytes
    this.#refuseLarge(held.bytes)
    if (this.#heldBytes > this.#options.bodiesMaxBytes) {
      throw new RpcError('SERVER_BUSY', 'Server busy, try again later')
    }
  }

  #refuseLarge(bytes: number): void {
    if (bytes > this.#options.requestMaxBytes) throw new RpcError('BODY_TOO_LARGE', 'Request body too large')
  }

  #watchPace(held: { readonly bytes: number }, onSlow: () => void): NodeJS.Timeout {
    let before = 0
    return setInterval(() => {
      if (held.bytes - before < this.#options.bodyWindowMinBytes) onSlow()
      before = held.bytes
    }, this.#options.bodyWindowMs)
  }
}
