// Which subaccounts an account has revoked.
//
//   revocations = version u8 (1) | revocation*                                 oldest first, at least one
//   revocation  = token 36 | revoked u48                                       the moment by this node's clock
//   revocation lists = version u8 (1) | lists u48                              how many accounts have one
import type { TimestampMs } from '../base/clock.ts'
import { StorageError } from './errors.ts'
import { U48_SIZE } from './keys.ts'

const VERSION = 1
export const TOKEN_SIZE = 36
const REVOCATION_SIZE = TOKEN_SIZE + U48_SIZE
const COUNT_SIZE = 1 + U48_SIZE

export interface Revocation {
  token: Buffer
  revokedMs: TimestampMs
}

export function encodeRevocations(revocations: readonly Revocation[]): Buffer {
  const bytes = Buffer.allocUnsafe(1 + revocations.length * REVOCATION_SIZE)
  bytes[0] = VERSION
  for (const [index, { token, revokedMs }] of revocations.entries()) {
    const offset = 1 + index * REVOCATION_SIZE
    bytes.set(token, offset)
    bytes.writeUIntBE(revokedMs, offset + TOKEN_SIZE, U48_SIZE)
  }
  return bytes
}

export function decodeRevocations(bytes: Buffer): Revocation[] {
  check(bytes, bytes.length > 1 && (bytes.length - 1) % REVOCATION_SIZE === 0, 'list of revocations')
  return Array.from({ length: (bytes.length - 1) / REVOCATION_SIZE }, (_, index) => {
    const offset = 1 + index * REVOCATION_SIZE
    return {
      token: bytes.subarray(offset, offset + TOKEN_SIZE),
      revokedMs: bytes.readUIntBE(offset + TOKEN_SIZE, U48_SIZE),
    }
  })
}

export function encodeRevocationLists(lists: number): Buffer {
  const bytes = Buffer.allocUnsafe(COUNT_SIZE)
  bytes[0] = VERSION
  bytes.writeUIntBE(lists, 1, U48_SIZE)
  return bytes
}

export function decodeRevocationLists(bytes: Buffer): number {
  check(bytes, bytes.length === COUNT_SIZE, 'count of revocation lists')
  return bytes.readUIntBE(1, U48_SIZE)
}

function check(bytes: Buffer, hasSize: boolean, record: string): void {
  if (!hasSize) throw new StorageError('RECORD_CORRUPT', `A ${record} has a wrong size`)
  if (bytes[0] !== VERSION) throw new StorageError('RECORD_CORRUPT', `A ${record} has an unknown version`)
}
