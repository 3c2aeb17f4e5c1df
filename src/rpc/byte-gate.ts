import { serverBusy } from './memory-budget.ts'

interface Waiter {
  readonly bytes: number
  readonly start: () => void
}

/** More than requests can be under way, but no queue is without a bound. */
const WAITING_MAX = 10_000

/** Lets work that may take memory begin only while all of it stays within a budget. The rest waits, first come first served. */
export class ByteGate {
  readonly #maxBytes: number
  readonly #waiting: Waiter[] = []
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws {RpcError} SERVER_BUSY when too many wait */
  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(bytes, this.#maxBytes)
    await this.#enter(taken)
    try {
      return await work()
    } finally {
      this.#heldBytes -= taken
      this.#startNext()
    }
  }

  async #enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#heldBytes += bytes
      return
    }
    if (this.#waiting.length >= WAITING_MAX) throw serverBusy()
    await new Promise<void>((start) => this.#waiting.push({ bytes, start }))
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#heldBytes += next.bytes
      next.start()
    }
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#maxBytes
  }
}
