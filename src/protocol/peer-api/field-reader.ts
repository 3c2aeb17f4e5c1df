import { asBuffer } from '../../base/bytes.ts'
import { ProtocolError } from '../errors.ts'

/** Upper byte of seven from which on they are beyond 2^53. */
const SAFE_HIGH_END = 2 ** 5

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
    const at = this.#pass(size)
    return this.#bytes.subarray(at, at + size)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#pass(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#pass(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#pass(4))
  }

  u48(): number {
    return this.#bytes.readUIntBE(this.#pass(6), 6)
  }

  /** Seven bytes of which a double holds every value that is taken. */
  u56(): number {
    const high = this.u8()
    const low = this.u48()
    if (high >= SAFE_HIGH_END) throw beyondSafe()
    return high * 2 ** 48 + low
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#pass(8))
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
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw beyondSafe()
    return Number(value)
  }

  /** Where the next bytes begin, which are behind it from then on. */
  #pass(size: number): number {
    const at = this.#at
    if (at + size > this.#bytes.length) throw new ProtocolError('FRAME_TRUNCATED', `${this.#subject} ends too soon`)
    this.#at = at + size
    return at
  }
}

function beyondSafe(): ProtocolError {
  return new ProtocolError('FRAME_MALFORMED', 'A number beyond 2^53')
}
