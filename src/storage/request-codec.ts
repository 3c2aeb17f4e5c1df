// The log of an account's requests that ended or shortened lives.
//
//   request      = version u8 (1) | payload
//   request log  = version u8 (1) | requests u16 | bytes u32 | count u8 | superseding * count      of one account
//   superseding  = name 15 | 1 u8 | all u8 | namespace u16 | before u48       messages of that moment and earlier
//                | name 15 | 2 u8 | hashes 8 | until u48
//                | name 15 | 3 u8 | namespace u16 | hash 8              of a message for a public outbox
//   name         = stamp u56 | the first 8 bytes of the BLAKE2b hash of the payload
//
// What may supersede others, or be superseded, is told by the second record, so that nobody has to read payloads. Those of kind 2
// set the expiries of the messages that `hashes` is the digest of, none sooner than `until`.
import { asBuffer } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import { blake2b256 } from '../crypto/hash.ts'
import { CONTENTS_ID_SIZE } from '../protocol/contents.ts'
import { requestIdOf } from '../protocol/contents-entry.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { StorageError } from './errors.ts'
import { decodeNamespace, encodeNamespace, hashBytes, REQUEST_NAME_SIZE, U48_MAX, U48_SIZE } from './keys.ts'
import { type NamespaceChoice, type RangeOperation, readStamp } from './operation.ts'

const VERSION = 1
const DIGEST_SIZE = 8
const LOG = { requests: 1, bytes: 3, count: 7, end: 8 }
const KINDS = { 'delete-range': 1, set: 2, outbox: 3 } as const
const SIZES = { 'delete-range': 3 + U48_SIZE, set: DIGEST_SIZE + U48_SIZE, outbox: 2 + DIGEST_SIZE } as const

interface OutboxSubject {
  readonly kind: 'outbox'
  readonly namespace: Namespace
  /** Tells messages apart. */
  readonly hashes: Buffer
}

const SUBJECTS: Readonly<Record<number, RequestSubject['kind']>> = {
  [KINDS['delete-range']]: 'delete-range',
  [KINDS.set]: 'set',
  [KINDS.outbox]: 'outbox',
}

/** What a request did, as far as one may make another superfluous. */
export type RequestSubject =
  | { readonly kind: 'delete-range'; readonly namespace: NamespaceChoice; readonly beforeMs: TimestampMs }
  | { readonly kind: 'set'; readonly hashes: Buffer; readonly untilMs: TimestampMs }
  | OutboxSubject

export interface Supersedable {
  readonly name: Buffer
  readonly subject: RequestSubject
}

export interface RequestLog {
  readonly requests: number
  readonly bytes: number
  readonly supersedable: readonly Supersedable[]
}

export const EMPTY_REQUEST_LOG: RequestLog = { requests: 0, bytes: 0, supersedable: [] }

export function requestName(stamp: OperationStamp, payload: Uint8Array): Buffer {
  return asBuffer(requestIdOf(stamp, payload)).subarray(0, REQUEST_NAME_SIZE)
}

export function stampOfName(name: Buffer): OperationStamp {
  return readStamp(name, 0)
}

/** As members name it to one another, and the expiry index does. */
export function idOfName(name: Uint8Array): Buffer {
  const id = Buffer.alloc(CONTENTS_ID_SIZE)
  id.set(name)
  return id
}

/** The name in an id that may be that of a request. */
export function nameOfId(id: Uint8Array): Buffer | undefined {
  const bytes = asBuffer(id)
  return bytes.subarray(REQUEST_NAME_SIZE).every((byte) => byte === 0)
    ? bytes.subarray(0, REQUEST_NAME_SIZE)
    : undefined
}

/** The same for the same messages in whatever order. */
function digestOfHashes(hashes: Iterable<MessageHash>): Buffer {
  const sorted = [...new Set(hashes)].sort()
  return asBuffer(blake2b256(...sorted.map(hashBytes))).subarray(0, DIGEST_SIZE)
}

export function subjectOfSet(changes: readonly { hash: MessageHash; expiryMs: TimestampMs }[]): RequestSubject {
  const untilMs = changes.reduce((least, { expiryMs }) => Math.min(least, expiryMs), U48_MAX)
  return { kind: 'set', hashes: digestOfHashes(changes.map(({ hash }) => hash)), untilMs: Math.max(0, untilMs) }
}

export function subjectOfOutbox({ namespace, hash }: Pick<StoredMessage, 'namespace' | 'hash'>): OutboxSubject {
  return { kind: 'outbox', namespace, hashes: digestOfHashes([hash]) }
}

export function subjectOfRange({
  namespace,
  beforeMs,
}: Extract<RangeOperation, { kind: 'delete-range' }>): RequestSubject {
  return { kind: 'delete-range', namespace, beforeMs: Math.min(beforeMs, U48_MAX) }
}

export function encodeRequest(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), payload])
}

/** A view of the payload. */
export function decodeRequest(bytes: Buffer): Buffer {
  check(bytes.length > 0 && bytes[0] === VERSION, 'request of the log')
  return bytes.subarray(1)
}

export function encodeRequestLog({ requests, bytes, supersedable }: RequestLog): Buffer {
  const head = Buffer.allocUnsafe(LOG.end)
  head[0] = VERSION
  head.writeUInt16BE(requests, LOG.requests)
  head.writeUInt32BE(bytes, LOG.bytes)
  head[LOG.count] = supersedable.length
  return Buffer.concat([head, ...supersedable.map(encodeSupersedable)])
}

export function decodeRequestLog(bytes: Buffer): RequestLog {
  check(bytes.length >= LOG.end && bytes[0] === VERSION, 'request log')
  const supersedable: Supersedable[] = []
  let at = LOG.end
  for (let left = bytes[LOG.count] ?? 0; left > 0; left--) {
    const kind = SUBJECTS[bytes[at + REQUEST_NAME_SIZE] ?? 0]
    const start = at + REQUEST_NAME_SIZE + 1
    if (kind === undefined || bytes.length < start + SIZES[kind]) throw corrupt('request log')
    supersedable.push({ name: bytes.subarray(at, at + REQUEST_NAME_SIZE), subject: readSubject(kind, bytes, start) })
    at = start + SIZES[kind]
  }
  check(at === bytes.length, 'request log')
  return { requests: bytes.readUInt16BE(LOG.requests), bytes: bytes.readUInt32BE(LOG.bytes), supersedable }
}

function encodeSupersedable({ name, subject }: Supersedable): Buffer {
  const content = Buffer.alloc(SIZES[subject.kind])
  switch (subject.kind) {
    case 'set':
      content.set(subject.hashes)
      content.writeUIntBE(subject.untilMs, DIGEST_SIZE, U48_SIZE)
      break
    case 'delete-range':
      content[0] = subject.namespace === 'all' ? 1 : 0
      content.writeUInt16BE(subject.namespace === 'all' ? 0 : encodeNamespace(subject.namespace), 1)
      content.writeUIntBE(subject.beforeMs, 3, U48_SIZE)
      break
    case 'outbox':
      content.writeUInt16BE(encodeNamespace(subject.namespace))
      content.set(subject.hashes, 2)
  }
  return Buffer.concat([name, Buffer.from([KINDS[subject.kind]]), content])
}

function readSubject(kind: RequestSubject['kind'], bytes: Buffer, at: number): RequestSubject {
  switch (kind) {
    case 'set':
      return {
        kind,
        hashes: bytes.subarray(at, at + DIGEST_SIZE),
        untilMs: bytes.readUIntBE(at + DIGEST_SIZE, U48_SIZE),
      }
    case 'delete-range': {
      const namespace = bytes[at] === 1 ? 'all' : decodeNamespace(bytes.readUInt16BE(at + 1))
      return { kind, namespace, beforeMs: bytes.readUIntBE(at + 3, U48_SIZE) }
    }
    case 'outbox':
      return {
        kind,
        namespace: decodeNamespace(bytes.readUInt16BE(at)),
        hashes: bytes.subarray(at + 2, at + SIZES.outbox),
      }
  }
}

function check(isRight: boolean, record: string): void {
  if (!isRight) throw corrupt(record)
}

function corrupt(record: string): StorageError {
  return new StorageError('RECORD_CORRUPT', `A ${record} cannot be read`)
}
