const CAPACITY_MIN = 16 * 1024

/**
 * Gathers chunks into one piece as they come. A list of them would take a hundred times their bytes when somebody sends a body
 * byte by byte, and each chunk would keep alive whatever it was cut from.
 */
export class GrowingBytes {
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(chunk: Buffer): void {
    const length = this.#length + chunk.length
    // Most bodies are one chunk, which needs no copy.
    if (this.#length === 0) this.#bytes = chunk
    else {
      if (length > this.#bytes.length) this.#grow(length)
      chunk.copy(this.#bytes, this.#length)
    }
    this.#length = length
  }

  /** The memory itself: nothing is appended afterwards. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#length, CAPACITY_MIN))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
