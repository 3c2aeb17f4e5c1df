// The key layout of the message database. docs/storage.md explains it at length.
//
//   00 | 00                                                  → schema version
//   00 | 01                                                  → totals and the next sequence number
//   00 | 02                                                  → how many accounts have revocations
//   00 | 03                                                  → migration: the last key that has been brought along
//   01 | account 33 | namespace u16 | sequence u48           → row: a message with its data, or without when that is long
//   02 | account 33 | hash 33                                → locator: where the row is, what is needed to judge it, and what
//                                                              has been done with the message lately
//   03 | bucket u32 | number u48                             → expiry entry: the messages of one batch that expire in the bucket
//   04 | account 33                                          → usage: messages and bytes of the account
//   05 | account 33 | namespace u16 | sequence u48           → body: the data of a row that is too long to lie in it
//   06 | account 33                                          → revocations: the subaccounts that the account has revoked
//   07 | account 33 | namespace u16                          → outbox: messages that lately were, or might have been, in it
//   08 | account 33                                          → request log: what is in it, and what may be superseded
//   08 | account 33 | stamp u56 | digest 8                   → a request of the log
//   09 | peer 32                                             → hints: how many wait for the peer
//   09 | peer 32 | number u48                                → a hint: a request that the peer could not be told
//   00 | 05 | name                                           → mark: a fact that has to survive a restart
//
// All integers are big-endian, so that LevelDB's order is theirs. The namespace has 32768 added, so that negative ones
// sort first. A hash is its 43 base64 digits and one `A`, decoded: 33 bytes that keep the two spare bits of the last digit.
// These numbers are embedded in the files on disk: never change or reuse one, only add.
import { assert } from '../base/assert.ts'
import { asBuffer } from '../base/bytes.ts'
import { ACCOUNT_ID_SIZE, type AccountId, accountIdBytes, SESSION_ID_PREFIX } from '../protocol/account.ts'
import type { MessageHash } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'

const PREFIX = {
  meta: 0x00,
  row: 0x01,
  locator: 0x02,
  expiry: 0x03,
  usage: 0x04,
  body: 0x05,
  revocations: 0x06,
  outbox: 0x07,
  requests: 0x08,
  hints: 0x09,
} as const

export const HASH_SIZE = 33
/** Of a request in the log: a stamp, and the beginning of a digest. */
export const REQUEST_NAME_SIZE = 15
const NAMESPACE_SIZE = 2
export const U48_SIZE = 6
export const U48_MAX = 2 ** 48 - 1
const NAMESPACE_OFFSET = 32_768
/** Parts of each kind of record, for compaction. */
const PARTS = 16

const ACCOUNT_END = 1 + ACCOUNT_ID_SIZE
const ROW_KEY_SIZE = ACCOUNT_END + NAMESPACE_SIZE + U48_SIZE
const LOCATOR_KEY_SIZE = ACCOUNT_END + HASH_SIZE
const EXPIRY_KEY_SIZE = 1 + 4 + U48_SIZE
const REQUEST_KEY_SIZE = ACCOUNT_END + REQUEST_NAME_SIZE
const PEER_SIZE = 32
const HINT_KEY_SIZE = 1 + PEER_SIZE + U48_SIZE

export const SCHEMA_VERSION_KEY: Buffer = Buffer.from([PREFIX.meta, 0x00])
export const TOTALS_KEY: Buffer = Buffer.from([PREFIX.meta, 0x01])
export const REVOCATION_LISTS_KEY: Buffer = Buffer.from([PREFIX.meta, 0x02])
export const MIGRATION_KEY: Buffer = Buffer.from([PREFIX.meta, 0x03])
const MARK = Buffer.from([PREFIX.meta, 0x05])
/** Stands in expiry entries for what an account keeps beside its messages. No hash ends with these bits. */
export const ACCOUNT_ITSELF: Buffer = Buffer.alloc(HASH_SIZE, 0xff)

/** The place of a row among those of its account. */
export interface RowPlace {
  namespace: Namespace
  /** Position in the order of insertion; 0 for the one message of a public outbox. */
  sequence: number
}

/** Keys from `gte` on and before `lt`. */
export interface KeyRange {
  gte: Buffer
  lt: Buffer
}

export function accountBytes(account: AccountId): Buffer {
  return asBuffer(accountIdBytes(account))
}

export function hashBytes(hash: MessageHash): Buffer {
  const bytes = Buffer.from(`${hash}A`, 'base64')
  assert(bytes.length === HASH_SIZE, 'A message hash has 43 base64 digits')
  return bytes
}

/** The hash whose bytes begin at `offset`. */
export function hashFromBytes(bytes: Buffer, offset = 0): MessageHash {
  return bytes.toString('base64', offset, offset + HASH_SIZE).slice(0, 43) as MessageHash
}

export function rowKey(account: Buffer, place: RowPlace): Buffer {
  return placeKey(PREFIX.row, account, place)
}

export function bodyKey(account: Buffer, place: RowPlace): Buffer {
  return placeKey(PREFIX.body, account, place)
}

/** The key of the body that belongs to the row under `key`. */
export function bodyKeyOfRow(key: Buffer): Buffer {
  const body = Buffer.from(key)
  body[0] = PREFIX.body
  return body
}

export function locatorKey(account: Buffer, hash: Buffer): Buffer {
  const key = accountKeyOf(PREFIX.locator, account, LOCATOR_KEY_SIZE)
  key.set(hash, ACCOUNT_END)
  return key
}

/** The hash in a locator's key. */
export function hashOfLocatorKey(key: Buffer): MessageHash {
  return hashFromBytes(key, ACCOUNT_END)
}

/** A view of the hash in a locator's key. */
export function hashOfKey(key: Buffer): Buffer {
  return key.subarray(ACCOUNT_END)
}

export function usageKey(account: Buffer): Buffer {
  return accountKeyOf(PREFIX.usage, account, ACCOUNT_END)
}

export function revocationsKey(account: Buffer): Buffer {
  return accountKeyOf(PREFIX.revocations, account, ACCOUNT_END)
}

export function outboxKey(account: Buffer, namespace: Namespace): Buffer {
  const key = accountKeyOf(PREFIX.outbox, account, ACCOUNT_END + NAMESPACE_SIZE)
  key.writeUInt16BE(encodeNamespace(namespace), ACCOUNT_END)
  return key
}

/** What the log says of an account's requests. It comes before all of them. */
export function requestLogKey(account: Buffer): Buffer {
  return accountKeyOf(PREFIX.requests, account, ACCOUNT_END)
}

/** `name`: the stamp and the digest. */
export function requestKey(account: Buffer, name: Buffer): Buffer {
  const key = accountKeyOf(PREFIX.requests, account, REQUEST_KEY_SIZE)
  name.copy(key, ACCOUNT_END, 0, REQUEST_NAME_SIZE)
  return key
}

/** A view of the stamp and digest in a request's key. */
export function nameOfRequestKey(key: Buffer): Buffer {
  return key.subarray(ACCOUNT_END)
}

/** The requests of an account's log, oldest first. */
export function requestRange(account: Buffer): { gt: Buffer; lt: Buffer } {
  const lt = accountKeyOf(PREFIX.requests, account, REQUEST_KEY_SIZE + 1)
  lt.fill(0xff, ACCOUNT_END)
  return { gt: requestLogKey(account), lt }
}

/** A view of the account in the key of anything that belongs to one. */
export function accountOfKey(key: Buffer): Buffer {
  return key.subarray(1, ACCOUNT_END)
}

/** Behind every key of an account among those of its kind. */
export function afterAccount(key: Buffer): Buffer {
  const after = Buffer.alloc(LOCATOR_KEY_SIZE + 1, 0xff)
  key.copy(after, 0, 0, ACCOUNT_END)
  return after
}

/** Kinds of which every record belongs to an account, and of which an account that has anything has at least one. */
export const ACCOUNT_KINDS = ['usage', 'revocations', 'requests'] as const

/** Every record of a kind from an account on. */
export function kindRange(kind: keyof typeof PREFIX, from: Uint8Array = new Uint8Array()): KeyRange {
  return { gte: Buffer.concat([Buffer.from([PREFIX[kind]]), from]), lt: Buffer.from([PREFIX[kind] + 1]) }
}

/** Every outbox list of an account. */
export function outboxRange(account: Buffer): KeyRange {
  return {
    gte: accountKeyOf(PREFIX.outbox, account, ACCOUNT_END),
    lt: afterAccount(accountKeyOf(PREFIX.outbox, account, ACCOUNT_END)),
  }
}

/** Expiry entries of a bucket with numbers greater than `after`. */
export function expiryRangeIn(bucket: number, after: number): KeyRange {
  return { gte: expiryKey(bucket, after + 1), lt: expiryKey(bucket + 1, 0) }
}

export function numberOfExpiryKey(key: Buffer): number {
  return key.readUIntBE(5, U48_SIZE)
}

export function hintQueueKey(peer: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([PREFIX.hints]), peer])
}

export function hintKey(peer: Uint8Array, number: number): Buffer {
  const key = Buffer.allocUnsafe(HINT_KEY_SIZE)
  hintQueueKey(peer).copy(key)
  key.writeUIntBE(number, 1 + PEER_SIZE, U48_SIZE)
  return key
}

/** A view of the peer in the key of a hint or of its queue. */
export function peerOfHintKey(key: Buffer): Buffer {
  return key.subarray(1, 1 + PEER_SIZE)
}

export function numberOfHintKey(key: Buffer): number {
  return key.readUIntBE(1 + PEER_SIZE, U48_SIZE)
}

/** What waits for a peer, oldest first. */
export function hintRange(peer: Uint8Array): KeyRange {
  return { gte: hintKey(peer, 0), lt: Buffer.concat([hintQueueKey(peer), Buffer.alloc(U48_SIZE + 1, 0xff)]) }
}

export function markKey(name: string): Buffer {
  return Buffer.concat([MARK, Buffer.from(name)])
}

/** Every record of the kinds that migrations bring along, behind `after`. */
export function migratedRanges(after: Buffer): { gt: Buffer; lt: Buffer }[] {
  return [PREFIX.locator, PREFIX.usage, PREFIX.revocations]
    .map((prefix) => ({ start: Buffer.from([prefix]), lt: Buffer.from([prefix + 1]) }))
    .filter(({ lt }) => Buffer.compare(after, lt) < 0)
    .map(({ start, lt }) => ({ gt: Buffer.compare(after, start) > 0 ? after : start, lt }))
}

export function isLocatorKey(key: Buffer): boolean {
  return key[0] === PREFIX.locator
}

export function isRevocationsKey(key: Buffer): boolean {
  return key[0] === PREFIX.revocations
}

export function isUsageKey(key: Buffer): boolean {
  return key[0] === PREFIX.usage
}

export function expiryKey(bucket: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(EXPIRY_KEY_SIZE)
  key[0] = PREFIX.expiry
  key.writeUInt32BE(bucket, 1)
  key.writeUIntBE(number, 5, U48_SIZE)
  return key
}

export function bucketOfExpiryKey(key: Buffer): number {
  return key.readUInt32BE(1)
}

/** Expiry entries of every bucket before `bucket`. */
export function expiryRangeBefore(bucket: number): KeyRange {
  return { gte: Buffer.from([PREFIX.expiry]), lt: expiryKey(bucket, 0) }
}

/** Every locator of an account. */
export function locatorRange(account: Buffer): KeyRange {
  const lt = accountKeyOf(PREFIX.locator, account, LOCATOR_KEY_SIZE + 1)
  lt.fill(0xff, ACCOUNT_END)
  return { gte: accountKeyOf(PREFIX.locator, account, ACCOUNT_END), lt }
}

/** The rows of one namespace with sequences from `from` on and before `to`. */
export function rowRange(account: Buffer, namespace: Namespace, from: number, to: number): KeyRange {
  return { gte: rowKey(account, { namespace, sequence: from }), lt: rowKey(account, { namespace, sequence: to }) }
}

/** The whole database in parts of about the same size, since keys of accounts are spread evenly. */
export function compactionRanges(): KeyRange[] {
  const starts = Object.values(PREFIX).flatMap((prefix) => [
    Buffer.from([prefix]),
    ...Array.from({ length: PARTS - 1 }, (_, part) =>
      Buffer.from([prefix, SESSION_ID_PREFIX, ((part + 1) * 256) / PARTS]),
    ),
  ])
  return starts.map((gte, index) => ({ gte, lt: starts[index + 1] ?? Buffer.from([0xff]) }))
}

export function encodeNamespace(namespace: Namespace): number {
  return namespace + NAMESPACE_OFFSET
}

export function decodeNamespace(encoded: number): Namespace {
  return encoded - NAMESPACE_OFFSET
}

function placeKey(prefix: number, account: Buffer, { namespace, sequence }: RowPlace): Buffer {
  const key = accountKeyOf(prefix, account, ROW_KEY_SIZE)
  key.writeUInt16BE(encodeNamespace(namespace), ACCOUNT_END)
  key.writeUIntBE(sequence, ACCOUNT_END + NAMESPACE_SIZE, U48_SIZE)
  return key
}

function accountKeyOf(prefix: number, account: Buffer, size: number): Buffer {
  const key = Buffer.allocUnsafe(size)
  key[0] = prefix
  key.set(account, 1)
  return key
}
