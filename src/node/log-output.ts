import { fstatSync, writeSync } from 'node:fs'
import type { DurationMs } from '../base/clock.ts'
import type { Timers } from '../base/timers.ts'

/** Where log lines go. */
export interface LogOutput {
  write(line: string): unknown
}

export interface FileOutputOptions {
  /** 1 for standard output. */
  readonly fileDescriptor: number
  /** What lines may wait with while their reader takes none. More of them are lost. */
  readonly waitingMaxBytes: number
}

export interface FileOutputComponents {
  readonly timers: Timers
  /** Told how many lines were lost, once lines can be written again. */
  readonly onLost: (count: number) => void
}

/** A megabyte is some five thousand lines: minutes of a busy node. */
export const WAITING_MAX_BYTES = 1024 * 1024
/** How soon a reader that was slow is tried again. */
const RETRY_MS: DurationMs = 20
/** Several lines go in one write, as much as a pipe holds. */
const WRITE_MAX_BYTES = 64 * 1024
/** Between two tries at the very end, when nothing else runs. */
const LAST_RETRY_MS: DurationMs = 5

/**
 * Writes lines to a file, a pipe or a socket, and never waits for whoever reads them: lines wait in memory, and beyond a bound they are lost
 * and counted. A disk that is full costs lines, too, and not the node. Only a terminal that was stopped holds the node up.
 */
export class FileOutput implements LogOutput {
  readonly #components: FileOutputComponents
  readonly #options: FileOutputOptions
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #lost = 0
  #isRetrying = false
  /** Whether the last try failed for another reason than a slow reader. */
  #isBroken = false

  constructor(components: FileOutputComponents, options: FileOutputOptions) {
    this.#components = components
    this.#options = options
    if (options.fileDescriptor === 1) makeStandardOutputNonBlocking()
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > this.#options.waitingMaxBytes) {
      this.#lost++
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#isRetrying) this.#writeWaiting()
  }

  /** Tries for so long to write what waits: nothing runs meanwhile, so this is for the end of the process. */
  flush(maxMs: DurationMs): void {
    const untilMs = performance.now() + maxMs
    this.#writeOut()
    while (this.#waitingBytes > 0 && performance.now() < untilMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_RETRY_MS)
      this.#writeOut()
    }
  }

  #writeWaiting(): void {
    this.#isRetrying = !this.#writeOut()
    if (this.#isRetrying) this.#components.timers.after(RETRY_MS, () => this.#writeWaiting())
    else this.#tellLost()
  }

  /** True once nothing waits. */
  #writeOut(): boolean {
    while (this.#waiting.length > 0) {
      const bytes = this.#nextBytes()
      const written = this.#tryWrite(bytes)
      this.#waitingBytes -= written
      if (written < bytes.length) this.#waiting.unshift(bytes.subarray(written))
      if (written === 0) return false
    }
    return true
  }

  #nextBytes(): Buffer {
    let count = 1
    let size = this.#waiting[0]?.length ?? 0
    while (count < this.#waiting.length && size + (this.#waiting[count]?.length ?? 0) <= WRITE_MAX_BYTES) {
      size += this.#waiting[count++]?.length ?? 0
    }
    const taken = this.#waiting.splice(0, count)
    return taken.length === 1 ? (taken[0] ?? Buffer.alloc(0)) : Buffer.concat(taken)
  }

  /** How many bytes are done with: what no try can ever bring out is, too. */
  #tryWrite(bytes: Buffer): number {
    try {
      const written = writeSync(this.#options.fileDescriptor, bytes)
      this.#isBroken = false
      return written
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
      this.#isBroken = true
      this.#lost += bytes.toString('latin1').split('\n').length - 1
      return bytes.length
    }
  }

  /** The line that tells it is written like any other, and may be lost in turn. */
  #tellLost(): void {
    const lost = this.#lost
    if (lost === 0 || this.#isBroken) return
    this.#lost = 0
    this.#components.onLost(lost)
    if (this.#lost > 0) this.#lost += lost
  }
}

/** Node opens pipes and sockets without blocking, but not before somebody looks at them. */
function makeStandardOutputNonBlocking(): void {
  const stats = fstatSync(1)
  if (stats.isFIFO() || stats.isSocket()) void process.stdout.writable
}
