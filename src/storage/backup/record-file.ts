// The file of a backup's records, in the order of their keys:
//
//   record = key size u16 | value size u32 | key | value           integers big-endian
//
// No key or value has a meaning here: they are the database's own bytes (docs/storage.md).
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { BackupError } from './errors.ts'

const HEAD_SIZE = 6
/** Far above the longest of both that the store writes. */
const KEY_MAX_BYTES = 1024
const VALUE_MAX_BYTES = 16 * 1024 * 1024
const READ_BYTES = 1024 * 1024
/** Written between two flushes: what piles up in the system's memory would hold up the flushes of a running store. */
const FLUSH_BYTES = 1024 * 1024

export type DatabaseRecord = readonly [key: Buffer, value: Buffer]

export class RecordWriter implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #unflushed = 0
  #records = 0
  #bytes = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async create(path: string): Promise<RecordWriter> {
    return new RecordWriter(await open(path, 'wx', 0o600))
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Returns the bytes that these took. */
  async write(records: readonly DatabaseRecord[]): Promise<number> {
    const bytes = Buffer.concat(records.flatMap(([key, value]) => [headOf(key, value), key, value]))
    this.#hash.update(bytes)
    await this.#file.appendFile(bytes)
    this.#records += records.length
    this.#bytes += bytes.length
    this.#unflushed += bytes.length
    if (this.#unflushed >= FLUSH_BYTES) {
      await this.#file.datasync()
      this.#unflushed = 0
    }
    return bytes.length
  }

  /** Flushes, and returns the SHA-256 of the file, hex. */
  async finish(): Promise<string> {
    await this.#file.sync()
    return this.#hash.digest('hex')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

function headOf(key: Buffer, value: Buffer): Buffer {
  const head = Buffer.allocUnsafe(HEAD_SIZE)
  head.writeUInt16BE(key.length)
  head.writeUInt32BE(value.length, 2)
  return head
}

/**
 * The records of a file, some at a time, and at the end whether it was as it should be.
 * @throws {BackupError} BACKUP_DAMAGED, at the latest after the last record
 */
export async function* readRecords(
  path: string,
  expected: { readonly records: number; readonly recordsBytes: number; readonly recordsSha256: string },
): AsyncGenerator<readonly DatabaseRecord[]> {
  const hash = createHash('sha256')
  await using file = await open(path, 'r').catch((cause: unknown) => {
    throw damaged(path, cause)
  })
  let rest: Buffer = Buffer.alloc(0)
  let [records, bytes] = [0, 0]
  for (;;) {
    // Another buffer each time, since the records are views of it.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES))
    if (bytesRead === 0) break
    bytes += bytesRead
    if (bytes > expected.recordsBytes) throw damaged(path)
    const read = buffer.subarray(0, bytesRead)
    hash.update(read)
    const [whole, left] = split(path, rest.length === 0 ? read : Buffer.concat([rest, read]))
    rest = left
    records += whole.length
    if (whole.length > 0) yield whole
  }
  const isRight = records === expected.records && bytes === expected.recordsBytes && rest.length === 0
  if (!isRight || hash.digest('hex') !== expected.recordsSha256) throw damaged(path)
}

function split(path: string, bytes: Buffer): [whole: DatabaseRecord[], rest: Buffer] {
  const whole: DatabaseRecord[] = []
  let at = 0
  while (bytes.length - at >= HEAD_SIZE) {
    const keySize = bytes.readUInt16BE(at)
    const valueSize = bytes.readUInt32BE(at + 2)
    if (keySize === 0 || keySize > KEY_MAX_BYTES || valueSize > VALUE_MAX_BYTES) throw damaged(path)
    const keyAt = at + HEAD_SIZE
    const end = keyAt + keySize + valueSize
    if (end > bytes.length) break
    whole.push([bytes.subarray(keyAt, keyAt + keySize), bytes.subarray(keyAt + keySize, end)])
    at = end
  }
  return [whole, bytes.subarray(at)]
}

function damaged(path: string, cause?: unknown): BackupError {
  const message = `${path} is missing, or is not as it was written: its size or checksum differs from the manifest. Take another copy of the backup; nothing was restored`
  return new BackupError('BACKUP_DAMAGED', message, { details: { path }, cause })
}
