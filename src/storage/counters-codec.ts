// What is counted, so that neither a quota nor a restart has to scan.
//
//   usage  = version u8 (1) | messages u32 | data bytes u48                          of one account
//   totals = version u8 (1) | next sequence u48 | messages u48 | data bytes u48      of the whole store
//
// Both are written in the same batch as the messages they count, so they are exact after any crash.
import { StorageError } from './errors.ts'
import { U48_SIZE } from './keys.ts'

const VERSION = 1
const USAGE_SIZE = 11
const TOTALS_SIZE = 19

export interface Usage {
  messages: number
  dataBytes: number
}

export interface Totals extends Usage {
  /** Larger than every sequence number given out so far. */
  nextSequence: number
}

/** A sequence of 0 is the public outboxes'. */
export const EMPTY_TOTALS: Totals = { messages: 0, dataBytes: 0, nextSequence: 1 }

export function encodeUsage({ messages, dataBytes }: Usage): Buffer {
  const bytes = Buffer.allocUnsafe(USAGE_SIZE)
  bytes[0] = VERSION
  bytes.writeUInt32BE(messages, 1)
  bytes.writeUIntBE(dataBytes, 5, U48_SIZE)
  return bytes
}

export function decodeUsage(bytes: Buffer): Usage {
  check(bytes, USAGE_SIZE, 'usage record')
  return { messages: bytes.readUInt32BE(1), dataBytes: bytes.readUIntBE(5, U48_SIZE) }
}

export function encodeTotals({ nextSequence, messages, dataBytes }: Totals): Buffer {
  const bytes = Buffer.allocUnsafe(TOTALS_SIZE)
  bytes[0] = VERSION
  bytes.writeUIntBE(nextSequence, 1, U48_SIZE)
  bytes.writeUIntBE(messages, 7, U48_SIZE)
  bytes.writeUIntBE(dataBytes, 13, U48_SIZE)
  return bytes
}

export function decodeTotals(bytes: Buffer): Totals {
  check(bytes, TOTALS_SIZE, 'record of totals')
  return {
    nextSequence: bytes.readUIntBE(1, U48_SIZE),
    messages: bytes.readUIntBE(7, U48_SIZE),
    dataBytes: bytes.readUIntBE(13, U48_SIZE),
  }
}

function check(bytes: Buffer, size: number, record: string): void {
  if (bytes.length !== size) throw new StorageError('RECORD_CORRUPT', `A ${record} has a wrong size`)
  if (bytes[0] !== VERSION) throw new StorageError('RECORD_CORRUPT', `A ${record} has an unknown version`)
}
