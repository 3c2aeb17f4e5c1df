import { asBuffer } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'

/** Reads the fields of a frame in order, integers big-endian; each read checks that its bytes are there. */
export class FieldReader {
  readonly #bytes: Buffer
  readonly #subject: string
  #at = 0

  /** `subject` says what is read, in the texts of errors: "A node record". */
  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = asBuffer(bytes)
    this.#subject = subject
  }

  /** A view, not a copy. */
  take(size: number): Buffer {
    const end = this.#at + size
    if (end > this.#bytes.length) throw new ProtocolError('FRAME_TRUNCATED', `${this.#subject} ends too soon`)
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  u8(): number {
    return this.take(1).readUInt8()
  }

  u16(): number {
    return this.take(2).readUInt16BE()
  }

  u32(): number {
    return this.take(4).readUInt32BE()
  }

  u48(): number {
    return this.take(6).readUIntBE(0, 6)
  }

  /** Seven bytes of which a double holds every value that is taken. */
  u56(): number {
    const high = this.u8()
    return this.#safe((BigInt(high) << 48n) | BigInt(this.u48()))
  }

  u64(): bigint {
    return this.take(8).readBigUInt64BE()
  }

  /** A u64 that a double holds. */
  safeInteger(): number {
    return this.#safe(this.u64())
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  get atEnd(): boolean {
    return this.left === 0
  }

  end(): void {
    if (!this.atEnd) throw new ProtocolError('FRAME_TOO_LARGE', `Bytes after ${this.#subject.toLowerCase()}`)
  }

  #safe(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError('FRAME_MALFORMED', 'A number beyond 2^53')
    return Number(value)
  }
}
