/** Blocks double up to the larger size, so that neither a short nor a long text wastes much. */
const BLOCK_MIN_BYTES = 16 * 1024
const BLOCK_MAX_BYTES = 256 * 1024

/**
 * Gathers chunks as they come, in blocks of its own. A list of the chunks would take a hundred times their bytes when somebody sends a
 * body byte by byte, and each chunk would keep alive whatever it was cut from; one piece that grows would be copied again and again, and
 * what it was before would wait for the collector of garbage.
 */
export class GrowingBytes {
  readonly #blocks: Buffer[] = []
  /** Bytes in use of the last block. */
  #used = 0
  #length = 0
  #capacity = 0

  get length(): number {
    return this.#length
  }

  /** Bytes of memory that it takes. */
  get capacity(): number {
    return this.#capacity
  }

  append(chunk: Buffer): void {
    this.#length += chunk.length
    // Most bodies are one chunk, which needs no copy.
    if (this.#blocks.length === 0 && chunk.length > 0) this.#push(chunk, chunk.length)
    else this.#copy(chunk)
  }

  /** All of it in one piece. Nothing is appended afterwards. */
  whole(): Uint8Array {
    const [first = Buffer.alloc(0), ...others] = this.#blocks
    if (others.length === 0) return first.subarray(0, this.#length)
    const whole = Buffer.concat(this.#blocks, this.#length)
    this.#blocks.splice(0, this.#blocks.length, whole)
    this.#capacity = whole.length
    return whole
  }

  #copy(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const block = this.#blockWithRoom(chunk.length - at)
      const copied = chunk.copy(block, this.#used, at)
      this.#used += copied
      at += copied
    }
  }

  #blockWithRoom(missing: number): Buffer {
    const last = this.#blocks.at(-1)
    if (last !== undefined && this.#used < last.length) return last
    const doubled = Math.min(2 * this.#capacity, BLOCK_MAX_BYTES)
    const block = Buffer.allocUnsafeSlow(Math.max(BLOCK_MIN_BYTES, doubled, Math.min(missing, BLOCK_MAX_BYTES)))
    this.#push(block, 0)
    return block
  }

  #push(block: Buffer, used: number): void {
    this.#blocks.push(block)
    this.#capacity += block.length
    this.#used = used
  }
}
