// Which subaccounts an account has revoked, and what has been revoked and taken back lately.
//
//   revocations = version u8 (2) | stamp u56 | count u8 | revocation * count | count u8 | change * count
//   revocation  = token 36 | stamp u56                                         oldest first
//   change      = stamp u56 | kind u8 | count u16 | token 36 * count           in their order
//   kind        = 1 revoke | 2 unrevoke
//   revocation lists = version u8 (1) | lists u48                              how many accounts have revoked any
//
// The revocations are those after everything up to the first stamp; changes come after it.
import { firstStampAt, type OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { U48_SIZE } from './keys.ts'
import { readStamp, STAMP_SIZE, writeStamp } from './operation.ts'

const VERSION = 2
const LISTS_VERSION = 1
export const TOKEN_SIZE = 36
const REVOCATION_SIZE = TOKEN_SIZE + STAMP_SIZE
const REVOCATIONS_AT = 1 + STAMP_SIZE + 1
const CHANGE_HEADER_SIZE = STAMP_SIZE + 3
const COUNT_SIZE = 1 + U48_SIZE
const KINDS = { revoke: 1, unrevoke: 2 } as const
/** Schema version 1: version u8 (1) | (token 36 | moment u48) * */
const REVOCATION_1_SIZE = TOKEN_SIZE + U48_SIZE

export interface Revocation {
  readonly token: Buffer
  readonly stamp: OperationStamp
}

export interface RevocationChange {
  readonly kind: keyof typeof KINDS
  readonly stamp: OperationStamp
  readonly tokens: readonly Buffer[]
}

export interface Revocations {
  readonly stamp: OperationStamp
  readonly base: readonly Revocation[]
  readonly changes: readonly RevocationChange[]
}

export function encodeRevocations({ stamp, base, changes }: Revocations): Buffer {
  const bytes = Buffer.allocUnsafe(REVOCATIONS_AT + base.length * REVOCATION_SIZE)
  bytes[0] = VERSION
  writeStamp(bytes, stamp, 1)
  bytes[REVOCATIONS_AT - 1] = base.length
  for (const [index, revocation] of base.entries()) {
    const offset = REVOCATIONS_AT + index * REVOCATION_SIZE
    bytes.set(revocation.token, offset)
    writeStamp(bytes, revocation.stamp, offset + TOKEN_SIZE)
  }
  return Buffer.concat([bytes, Buffer.from([changes.length]), ...changes.map(encodeChange)])
}

export function decodeRevocations(bytes: Buffer): Revocations {
  check(bytes, VERSION, bytes.length >= REVOCATIONS_AT, 'list of revocations')
  const count = bytes[REVOCATIONS_AT - 1] ?? 0
  const changesAt = REVOCATIONS_AT + count * REVOCATION_SIZE
  check(bytes, VERSION, bytes.length > changesAt, 'list of revocations')
  const base = Array.from({ length: count }, (_, index) => {
    const offset = REVOCATIONS_AT + index * REVOCATION_SIZE
    return { token: bytes.subarray(offset, offset + TOKEN_SIZE), stamp: readStamp(bytes, offset + TOKEN_SIZE) }
  })
  return { stamp: readStamp(bytes, 1), base, changes: decodeChanges(bytes, changesAt) }
}

/** The bytes of a change decide between two with one stamp. */
export function encodeChange({ kind, stamp, tokens }: RevocationChange): Buffer {
  const header = Buffer.allocUnsafe(CHANGE_HEADER_SIZE)
  writeStamp(header, stamp, 0)
  header[STAMP_SIZE] = KINDS[kind]
  header.writeUInt16BE(tokens.length, STAMP_SIZE + 1)
  return Buffer.concat([header, ...tokens])
}

export function encodeRevocationLists(lists: number): Buffer {
  const bytes = Buffer.allocUnsafe(COUNT_SIZE)
  bytes[0] = LISTS_VERSION
  bytes.writeUIntBE(lists, 1, U48_SIZE)
  return bytes
}

export function decodeRevocationLists(bytes: Buffer): number {
  check(bytes, LISTS_VERSION, bytes.length === COUNT_SIZE, 'count of revocation lists')
  return bytes.readUIntBE(1, U48_SIZE)
}

/** The bytes that a list of schema version 1 has now; undefined when it is not of that version. */
export function migratedRevocations(bytes: Buffer): Buffer | undefined {
  if (bytes[0] !== 1) return undefined
  check(bytes, 1, bytes.length > 1 && (bytes.length - 1) % REVOCATION_1_SIZE === 0, 'list of revocations')
  const base = Array.from({ length: (bytes.length - 1) / REVOCATION_1_SIZE }, (_, index) => {
    const offset = 1 + index * REVOCATION_1_SIZE
    const revokedMs = bytes.readUIntBE(offset + TOKEN_SIZE, U48_SIZE)
    return { token: bytes.subarray(offset, offset + TOKEN_SIZE), stamp: firstStampAt(revokedMs) }
  })
  return encodeRevocations({ stamp: Math.max(...base.map(({ stamp }) => stamp)), base, changes: [] })
}

function decodeChanges(bytes: Buffer, offset: number): RevocationChange[] {
  const changes: RevocationChange[] = []
  let at = offset + 1
  for (let left = bytes[offset] ?? 0; left > 0; left--) {
    check(bytes, VERSION, bytes.length >= at + CHANGE_HEADER_SIZE, 'list of revocations')
    const kind = bytes[at + STAMP_SIZE]
    const start = at + CHANGE_HEADER_SIZE
    const end = start + bytes.readUInt16BE(at + STAMP_SIZE + 1) * TOKEN_SIZE
    check(
      bytes,
      VERSION,
      bytes.length >= end && (kind === KINDS.revoke || kind === KINDS.unrevoke),
      'list of revocations',
    )
    const tokens = Array.from({ length: (end - start) / TOKEN_SIZE }, (_, index) =>
      bytes.subarray(start + index * TOKEN_SIZE, start + (index + 1) * TOKEN_SIZE),
    )
    changes.push({ kind: kind === KINDS.revoke ? 'revoke' : 'unrevoke', stamp: readStamp(bytes, at), tokens })
    at = end
  }
  check(bytes, VERSION, at === bytes.length, 'list of revocations')
  return changes
}

function check(bytes: Buffer, version: number, hasSize: boolean, record: string): void {
  if (!hasSize) throw new StorageError('RECORD_CORRUPT', `A ${record} has a wrong size`)
  if (bytes[0] !== version) throw new StorageError('RECORD_CORRUPT', `A ${record} has an unknown version`)
}
