import type { IncomingMessage } from 'node:http'
import { GrowingBytes } from '../base/growing-bytes.ts'
import { RpcError } from './errors.ts'
import { MemoryBudget, type MemoryShare, serverBusy } from './memory-budget.ts'
import type { RpcOptions } from './options.ts'

type BodyOptions = Pick<RpcOptions, 'requestMaxBytes' | 'bodiesMaxBytes' | 'bodyWindowMs' | 'bodyWindowMinBytes'>

/** Receives requests' bodies: none too large, none too slow, and all of them together within a budget of memory. */
export class BodyReader {
  readonly #options: BodyOptions
  /** All bodies being received or still in use. */
  readonly #budget: MemoryBudget

  constructor(options: BodyOptions) {
    this.#options = options
    this.#budget = new MemoryBudget(options.bodiesMaxBytes)
  }

  /** Reads the whole body, hands it to `use`, and counts it against the budget until that has settled. */
  async use<T>(request: IncomingMessage, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    this.#refuseLarge(Number(request.headers['content-length'] ?? 0))
    const given = Promise.withResolvers<Uint8Array>()
    using share = this.#budget.open(() => given.reject(serverBusy()))
    const body = await this.#read(request, share, given)
    share.pin()
    return await use(body)
  }

  /** @throws {RpcError} BODY_TOO_LARGE, BODY_INCOMPLETE, SERVER_BUSY */
  async #read(
    request: IncomingMessage,
    share: MemoryShare,
    { promise, resolve, reject }: PromiseWithResolvers<Uint8Array>,
  ): Promise<Uint8Array> {
    const body = new GrowingBytes()
    const incomplete = () => reject(new RpcError('BODY_INCOMPLETE', 'Request body incomplete'))
    const receive = (chunk: Buffer) => {
      try {
        this.#refuseLarge(body.length + chunk.length)
        const before = body.capacity
        body.append(chunk)
        share.take(body.capacity - before)
      } catch (error) {
        reject(error)
      }
    }
    const pace = this.#watchPace(body, incomplete)
    request.on('data', receive)
    request.once('end', () => resolve(body.whole()))
    request.once('error', incomplete)
    request.once('close', incomplete)
    try {
      return await promise
    } finally {
      clearInterval(pace)
      request.off('data', receive)
      // Every request closes in the end, and an error costs a stack trace.
      request.off('close', incomplete)
    }
  }

  #refuseLarge(bytes: number): void {
    if (bytes > this.#options.requestMaxBytes) throw new RpcError('BODY_TOO_LARGE', 'Request body too large')
  }

  #watchPace(body: { readonly length: number }, onSlow: () => void): NodeJS.Timeout {
    let before = 0
    return setInterval(() => {
      if (body.length - before < this.#options.bodyWindowMinBytes) onSlow()
      before = body.length
    }, this.#options.bodyWindowMs)
  }
}
