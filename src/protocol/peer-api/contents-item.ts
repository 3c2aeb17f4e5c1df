import { concat } from '../../base/bytes.ts'
import { ACCOUNT_ID_SIZE, type AccountId, accountIdBytes, accountIdFromBytes } from '../account.ts'
import {
  CONTENTS_ID_SIZE,
  CONTENTS_VERSION_SIZE,
  type ContentsCursor,
  type ContentsEntry,
  type ContentsKind,
  type HeldItem,
  type HeldMessage,
  type HeldRequest,
} from '../contents.ts'
import { hashOfMessageId } from '../contents-entry.ts'
import { ProtocolError } from '../errors.ts'
import { FORWARDED_REQUEST_MAX_BYTES, MESSAGE_DATA_MAX_BYTES } from '../limits.ts'
import type { FieldReader } from './field-reader.ts'

// Things that members of a swarm hold, and what names them, as the protocol `contents` writes them (contents-exchange.ts). Integers
// are big-endian; a namespace has 32768 added.
//
//   entry   := kind u8 | account 33 | id 33 | version 8
//   cursor  := kind u8 | account 33 | id 33
//   item    := 0 | account 33 | hash 33 | namespace u16 | timestamp u48 | expiry u48 | stamp u56 | livesUntil u48 | changedStamp u56
//                | size u32 | data[size]
//            | 1 | account 33 | size u32 | payload[size]
//   kind    := 0 message | 1 request
//
// The hash of a message is its 43 base64 digits and one `A`, decoded.

/** In the order of their numbers. */
const KINDS: readonly ContentsKind[] = ['message', 'request']
const NAMESPACE_OFFSET = 32_768

export const CONTENTS_ENTRY_SIZE: number = 1 + ACCOUNT_ID_SIZE + CONTENTS_ID_SIZE + CONTENTS_VERSION_SIZE
const COUNT_SIZE = 2
const NO_HEAD = new Uint8Array()
const MESSAGE_HEAD_SIZE = 1 + ACCOUNT_ID_SIZE + CONTENTS_ID_SIZE + 2 + 6 + 6 + 7 + 6 + 7 + 4
const REQUEST_HEAD_SIZE = 1 + ACCOUNT_ID_SIZE + 4

/** Bytes of an item as it is sent, for those who fill an answer. */
export function heldItemSize(item: HeldItem): number {
  return item.kind === 'message'
    ? MESSAGE_HEAD_SIZE + item.message.data.length
    : REQUEST_HEAD_SIZE + item.payload.length
}

export function encodeEntries(entries: readonly ContentsEntry[]): Uint8Array {
  const bytes = Buffer.alloc(2 + entries.length * CONTENTS_ENTRY_SIZE)
  bytes.writeUInt16BE(entries.length)
  for (const [index, entry] of entries.entries()) {
    const at = 2 + index * CONTENTS_ENTRY_SIZE
    bytes.set(encodeCursor(entry), at)
    bytes.set(entry.version, at + CONTENTS_ENTRY_SIZE - CONTENTS_VERSION_SIZE)
  }
  return bytes
}

export function takeEntries(reader: FieldReader): readonly ContentsEntry[] {
  const count = countOf(reader, CONTENTS_ENTRY_SIZE)
  return Array.from({ length: count }, () => ({
    ...takeCursor(reader),
    version: reader.take(CONTENTS_VERSION_SIZE),
  }))
}

export function encodeCursor({ kind, account, id }: ContentsCursor): Uint8Array {
  return concat(Uint8Array.of(KINDS.indexOf(kind)), accountIdBytes(account), id)
}

export function takeCursor(reader: FieldReader): ContentsCursor {
  return { kind: takeKind(reader), account: takeAccount(reader), id: reader.take(CONTENTS_ID_SIZE) }
}

/** Behind a head, all in one piece. */
export function encodeItems(items: readonly HeldItem[], head: Uint8Array = NO_HEAD): Uint8Array {
  // A page has hundreds of them, so they are written to one place: garbage outside the heap has V8 collect all of the heap.
  const bytes = Buffer.allocUnsafe(items.reduce((size, item) => size + heldItemSize(item), head.length + COUNT_SIZE))
  bytes.set(head)
  let at = bytes.writeUInt16BE(items.length, head.length)
  for (const item of items) at = item.kind === 'message' ? writeMessage(bytes, item, at) : writeRequest(bytes, item, at)
  return bytes
}

export function takeItems(reader: FieldReader): readonly HeldItem[] {
  const count = countOf(reader, REQUEST_HEAD_SIZE)
  const accounts = new AccountTexts()
  const items: HeldItem[] = []
  while (items.length < count) {
    items.push(takeKind(reader) === 'message' ? takeMessage(reader, accounts) : takeRequest(reader, accounts))
  }
  return items
}

/** Things of one account mostly come together: its text is made once, and comparing accounts is comparing one string with itself. */
class AccountTexts {
  #bytes: Buffer | undefined
  #text: AccountId | undefined

  take(reader: FieldReader): AccountId {
    const bytes = reader.take(ACCOUNT_ID_SIZE)
    if (this.#text === undefined || this.#bytes?.equals(bytes) !== true) this.#text = accountOf(bytes)
    this.#bytes = bytes
    return this.#text
  }
}

/** A count of things that are at least so large, of which there is room for all. */
export function countOf(reader: FieldReader, sizeMin: number): number {
  const count = reader.u16()
  if (count * sizeMin > reader.left) throw new ProtocolError('FRAME_TRUNCATED', 'A list of contents ends too soon')
  return count
}

function writeMessage(bytes: Buffer, held: HeldMessage, from: number): number {
  const { account, hash, namespace, timestampMs, expiryMs, data } = held.message
  let at = writeName(bytes, 'message', account, from)
  bytes.write(`${hash}A`, at, CONTENTS_ID_SIZE, 'base64')
  at = bytes.writeUInt16BE(namespace + NAMESPACE_OFFSET, at + CONTENTS_ID_SIZE)
  at = bytes.writeUIntBE(timestampMs, at, 6)
  at = bytes.writeUIntBE(expiryMs, at, 6)
  at = writeU56(bytes, held.stamp, at)
  at = bytes.writeUIntBE(held.livesUntilMs, at, 6)
  at = writeU56(bytes, held.changedStamp, at)
  return writeSized(bytes, data, at)
}

function takeMessage(reader: FieldReader, accounts: AccountTexts): HeldMessage {
  const account = accounts.take(reader)
  const hash = hashOfMessageId(reader.take(CONTENTS_ID_SIZE))
  if (hash === undefined) throw new ProtocolError('FRAME_MALFORMED', 'A message hash with stray bits')
  const namespace = reader.u16() - NAMESPACE_OFFSET
  const timestampMs = reader.u48()
  const expiryMs = reader.u48()
  const stamp = reader.u56()
  const livesUntilMs = reader.u48()
  const changedStamp = reader.u56()
  const data = takeSized(reader, MESSAGE_DATA_MAX_BYTES)
  const message = { account, namespace, hash, timestampMs, expiryMs, data }
  return { kind: 'message', message, stamp, livesUntilMs, changedStamp }
}

function writeRequest(bytes: Buffer, { account, payload }: HeldRequest, from: number): number {
  return writeSized(bytes, payload, writeName(bytes, 'request', account, from))
}

function writeName(bytes: Buffer, kind: ContentsKind, account: AccountId, from: number): number {
  const at = bytes.writeUInt8(KINDS.indexOf(kind), from)
  bytes.write(account, at, ACCOUNT_ID_SIZE, 'hex')
  return at + ACCOUNT_ID_SIZE
}

function writeSized(bytes: Buffer, content: Uint8Array, from: number): number {
  const at = bytes.writeUInt32BE(content.length, from)
  bytes.set(content, at)
  return at + content.length
}

function takeRequest(reader: FieldReader, accounts: AccountTexts): HeldRequest {
  return { kind: 'request', account: accounts.take(reader), payload: takeSized(reader, FORWARDED_REQUEST_MAX_BYTES) }
}

function takeSized(reader: FieldReader, sizeMax: number): Uint8Array {
  const size = reader.u32()
  if (size > sizeMax) throw new ProtocolError('FRAME_TOO_LARGE', 'A thing that is larger than it may be')
  return reader.take(size)
}

function takeKind(reader: FieldReader): ContentsKind {
  const kind = KINDS[reader.u8()]
  if (kind === undefined) throw new ProtocolError('FRAME_MALFORMED', 'A thing of an unknown kind')
  return kind
}

function takeAccount(reader: FieldReader): AccountId {
  return accountOf(reader.take(ACCOUNT_ID_SIZE))
}

function accountOf(bytes: Uint8Array): AccountId {
  const account = accountIdFromBytes(bytes)
  if (account === undefined) throw new ProtocolError('FRAME_MALFORMED', 'Not an account')
  return account
}

function writeU56(bytes: Buffer, value: number, at: number): number {
  bytes.writeUInt8(Math.floor(value / 2 ** 48), at)
  return bytes.writeUIntBE(value % 2 ** 48, at + 1, 6)
}
