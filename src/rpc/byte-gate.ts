import { serverBusy } from './memory-budget.ts'

interface Waiter {
  readonly bytes: number
  readonly start: () => void
}

/** More than requests can be under way, but no queue is without a bound. */
const WAITING_MAX = 10_000
/** Of these, of one client: a device asks for a handful at once, and a gateway has many devices behind it. */
const WAITING_PER_CLIENT_MAX = 200

/**
 * Lets work that may take memory begin only while all of it stays within a budget. The rest waits, and clients take turns: whoever asks
 * for much at once waits for itself.
 */
export class ByteGate {
  readonly #maxBytes: number
  /** By client; the one whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiter[]>()
  #waitingCount = 0
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** `client` is whoever takes turns with others. @throws {RpcError} SERVER_BUSY when too many wait */
  async use<T>(client: string, bytes: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(bytes, this.#maxBytes)
    await this.#enter(client, taken)
    try {
      return await work()
    } finally {
      this.#heldBytes -= taken
      this.#startNext()
    }
  }

  async #enter(client: string, bytes: number): Promise<void> {
    if (this.#waitingCount === 0 && this.#fits(bytes)) {
      this.#heldBytes += bytes
      return
    }
    const own = this.#waiting.get(client) ?? []
    if (this.#waitingCount >= WAITING_MAX || own.length >= WAITING_PER_CLIENT_MAX) throw serverBusy()
    this.#waitingCount++
    await new Promise<void>((start) => {
      own.push({ bytes, start })
      this.#waiting.set(client, own)
    })
  }

  #startNext(): void {
    for (const [client, own] of this.#waiting) {
      const next = own[0]
      if (next === undefined || !this.#fits(next.bytes)) return
      own.shift()
      this.#waitingCount--
      this.#heldBytes += next.bytes
      // To the end of the turns, if it has more.
      this.#waiting.delete(client)
      if (own.length > 0) this.#waiting.set(client, own)
      next.start()
    }
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#maxBytes
  }
}
