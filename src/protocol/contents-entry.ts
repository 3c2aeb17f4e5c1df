import { bytesEqual, fromBase64, toBase64, toHex } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { blake2b256 } from '../crypto/hash.ts'
import { type AccountId, accountIdBytes } from './account.ts'
import {
  CONTENTS_ID_SIZE,
  CONTENTS_SLOTS,
  CONTENTS_VERSION_SIZE,
  type ContentsEntry,
  type HeldItem,
  type HeldMessage,
} from './contents.ts'
import type { MessageHash } from './message.ts'
import type { Namespace } from './namespace.ts'
import type { OperationStamp } from './operation-stamp.ts'
import { decodeForwardedRequest } from './peer-api/forwarded-request.ts'

// How the entry of a thing follows from the thing, so that a member can tell whether it was given what it asked for.

const HASH_DIGITS = 43
const STAMP_SIZE = 7
const DIGEST_SIZE = 8
const NAMESPACE_OFFSET = 32_768
const NO_VERSION = new Uint8Array(CONTENTS_VERSION_SIZE)

/** A hash as it stands in ids: its 43 base64 digits and one `A`, decoded. */
export function messageIdOf(hash: MessageHash): Uint8Array {
  return fromBase64(`${hash}A`) ?? new Uint8Array(CONTENTS_ID_SIZE)
}

/** The hash of an id, or undefined when no hash is written like this. */
export function hashOfMessageId(id: Uint8Array): MessageHash | undefined {
  const text = toBase64(id)
  return text.endsWith('A') ? (text.slice(0, HASH_DIGITS) as MessageHash) : undefined
}

/** stamp u56 | first 8 bytes of BLAKE2b-256 over the payload | zeros */
export function requestIdOf(stamp: OperationStamp, payload: Uint8Array): Uint8Array {
  const id = Buffer.alloc(CONTENTS_ID_SIZE)
  id.writeBigUInt64BE(BigInt(stamp) << 8n)
  id.set(blake2b256(payload).subarray(0, DIGEST_SIZE), STAMP_SIZE)
  return id
}

/** The stamp of a request's id, or undefined when no request has such an id. */
export function stampOfRequestId(id: Uint8Array): OperationStamp | undefined {
  const stamp = Number.parseInt(toHex(id.subarray(0, STAMP_SIZE)), 16)
  const rest = id.subarray(STAMP_SIZE + DIGEST_SIZE)
  return Number.isSafeInteger(stamp) && rest.every((byte) => byte === 0) ? stamp : undefined
}

/** The first bytes of BLAKE2b-256 over namespace u16 | timestamp u48 | expiry u48 */
export function messageVersionOf(state: {
  readonly namespace: Namespace
  readonly timestampMs: TimestampMs
  /** When it ends by now. */
  readonly expiryMs: TimestampMs
}): Uint8Array {
  const bytes = Buffer.alloc(14)
  bytes.writeUInt16BE(state.namespace + NAMESPACE_OFFSET)
  bytes.writeUIntBE(state.timestampMs, 2, 6)
  bytes.writeUIntBE(state.expiryMs, 8, 6)
  return blake2b256(bytes).subarray(0, CONTENTS_VERSION_SIZE)
}

export function messageEntryOf({
  message,
  livesUntilMs,
}: Pick<HeldMessage, 'message' | 'livesUntilMs'>): ContentsEntry {
  const { account, hash, namespace, timestampMs } = message
  const version = messageVersionOf({ namespace, timestampMs, expiryMs: livesUntilMs })
  return { kind: 'message', account, id: messageIdOf(hash), version }
}

export function requestEntryOf(account: AccountId, stamp: OperationStamp, payload: Uint8Array): ContentsEntry {
  return { kind: 'request', account, id: requestIdOf(stamp, payload), version: NO_VERSION }
}

export function heldAccountOf(item: HeldItem): AccountId {
  return item.kind === 'message' ? item.message.account : item.account
}

/** @throws {ProtocolError} for a request that is none */
export function heldEntryOf(item: HeldItem): ContentsEntry {
  if (item.kind === 'message') return messageEntryOf(item)
  return requestEntryOf(item.account, decodeForwardedRequest(item.payload).stamp, item.payload)
}

/** Which of the parts of a bucket an account is in. */
export function slotOf(account: AccountId): number {
  return Math.floor((accountIdBytes(account)[1] ?? 0) / CONTENTS_SLOTS)
}

/** What names a thing whatever its version is, as a key of maps. */
export function thingOf({ kind, account, id }: Pick<ContentsEntry, 'kind' | 'account' | 'id'>): string {
  return `${kind} ${account} ${toHex(id)}`
}

export function isSameEntry(a: ContentsEntry, b: ContentsEntry): boolean {
  return thingOf(a) === thingOf(b) && bytesEqual(a.version, b.version)
}
