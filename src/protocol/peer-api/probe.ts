import { asBuffer, concat } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { blake2b256 } from '../../crypto/hash.ts'
import type { ContentsCursor } from '../contents.ts'
import { messageIdOf } from '../contents-entry.ts'
import { ProtocolError } from '../errors.ts'
import type { StoredMessage } from '../message.ts'
import { type ServiceNodeKey, serviceNodeKeyBytes } from '../service-node.ts'
import type { SwarmArc } from '../swarm-assignment.ts'
import { encodeArc, takeArc, unsigned } from './contents-fields.ts'
import { encodeCursor, takeCursor } from './contents-item.ts'
import { FieldReader } from './field-reader.ts'
import { PROBE_REPORT_MAX_BYTES } from './probe-report.ts'

// Protocol `probe`: members test whether another is there, what time it has, and whether it keeps what its swarm keeps, and tell
// it what they found (docs/protocol/peer-api.md). Integers are big-endian.
//
//   request := 0                                                          ping
//            | 1 | nonce 32 | arc 16 | at u48 | after 67 | through 67     prove that you hold what lies in this range
//            | 2 | report                                                 tell: this is what I found
//            | 3                                                          ask: what did you find?
//   answer  := clock u48 | content
//   content := of a ping nothing
//            | of a proof status u8 | digest 32, only after status 0
//            | of a report that was told u8: 0 taken, 1 not
//            | of a question the newest report, or nothing
//   status  := 0 here it is | 1 not now | 2 not of this range
//
// `after` and `through` are cursors of messages, as the protocol `contents` writes them; `clock` is the answering side's wall
// clock in milliseconds.

const NONCE_SIZE = 32
const DIGEST_SIZE = 32
const CLOCK_SIZE = 6
const SUBJECT = 'A probe'

/** No request or answer is longer: a whole report, and what comes before it. */
export const PROBE_MAX_BYTES: number = PROBE_REPORT_MAX_BYTES + CLOCK_SIZE

/** Data that one proof is over, or one message: what both sides read for it. */
export const PROOF_DATA_MAX_BYTES = 64 * 1024

/** A range of messages that both sides hold, and what makes the answer to it new. */
export interface StorageChallenge {
  readonly nonce: Uint8Array
  /** Of the swarm that both are in. */
  readonly arc: SwarmArc
  /** Messages count that were stored and changed long before this moment, and live until long after it. */
  readonly atMs: TimestampMs
  /** The messages behind this one, up to and with that one. */
  readonly after: ContentsCursor
  readonly through: ContentsCursor
}

export type ProbeRequest =
  | { readonly kind: 'ping' }
  | { readonly kind: 'proof'; readonly challenge: StorageChallenge }
  | { readonly kind: 'tell'; readonly report: Uint8Array }
  | { readonly kind: 'ask' }
export type ProbeKind = ProbeRequest['kind']

/** A digest, or why there is none. */
export type ProofAnswer = { readonly digest: Uint8Array } | { readonly refusal: 'not-now' | 'other-range' }

/** What comes after the clock. */
export interface ProbeContent {
  readonly ping: undefined
  readonly proof: ProofAnswer
  readonly tell: { readonly isTaken: boolean }
  readonly ask: { readonly report: Uint8Array | undefined }
}

export interface ProbeAnswer<Kind extends ProbeKind> {
  /** The wall clock of who answers. */
  readonly clockMs: TimestampMs
  readonly content: ProbeContent[Kind]
}

const KINDS: readonly ProbeKind[] = ['ping', 'proof', 'tell', 'ask']
const REFUSALS = ['not-now', 'other-range'] as const

export function encodeProbeRequest(request: ProbeRequest): Uint8Array {
  const kind = Uint8Array.of(KINDS.indexOf(request.kind))
  if (request.kind === 'tell') return concat(kind, request.report)
  if (request.kind !== 'proof') return kind
  const { nonce, arc, atMs, after, through } = request.challenge
  return concat(kind, nonce, encodeArc(arc), unsigned(atMs, CLOCK_SIZE), encodeCursor(after), encodeCursor(through))
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function decodeProbeRequest(bytes: Uint8Array): ProbeRequest {
  const reader = readerOf(bytes)
  const kind = KINDS[reader.u8()]
  if (kind === undefined) throw new ProtocolError('FRAME_MALFORMED', 'A probe of an unknown kind')
  if (kind === 'tell') return { kind, report: reader.take(reader.left) }
  if (kind === 'proof') {
    const challenge = takeChallenge(reader)
    reader.end()
    return { kind, challenge }
  }
  reader.end()
  return { kind }
}

export function encodeProbeAnswer<Kind extends ProbeKind>(kind: Kind, answer: ProbeAnswer<Kind>): Uint8Array {
  return concat(unsigned(answer.clockMs, CLOCK_SIZE), CODECS[kind].encode(answer.content))
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED */
export function decodeProbeAnswer<Kind extends ProbeKind>(kind: Kind, bytes: Uint8Array): ProbeAnswer<Kind> {
  const reader = readerOf(bytes)
  const clockMs = reader.u48()
  const content = CODECS[kind].take(reader)
  reader.end()
  return { clockMs, content }
}

/**
 * BLAKE2b-256 over nonce | key of who answers | (id 33 | size u32 | data)*, in the order of accounts and ids. With the key in it, the
 * answer of one member is of no use to another.
 */
export function storageDigest(
  { nonce }: Pick<StorageChallenge, 'nonce'>,
  prover: ServiceNodeKey,
  messages: readonly Pick<StoredMessage, 'hash' | 'data'>[],
): Uint8Array {
  const parts = messages.flatMap(({ hash, data }) => [messageIdOf(hash), unsigned(data.length, 4), data])
  return blake2b256(nonce, serviceNodeKeyBytes(prover), ...parts)
}

const CODECS: {
  readonly [Kind in ProbeKind]: {
    encode(content: ProbeContent[Kind]): Uint8Array
    take(reader: FieldReader): ProbeContent[Kind]
  }
} = {
  ping: { encode: () => new Uint8Array(), take: () => undefined },
  proof: {
    encode: (answer) =>
      'digest' in answer
        ? concat(Uint8Array.of(0), answer.digest)
        : Uint8Array.of(1 + REFUSALS.indexOf(answer.refusal)),
    take(reader) {
      const status = reader.u8()
      if (status === 0) return { digest: reader.take(DIGEST_SIZE) }
      const refusal = REFUSALS[status - 1]
      if (refusal === undefined) throw new ProtocolError('FRAME_MALFORMED', 'A proof is refused for an unknown reason')
      return { refusal }
    },
  },
  tell: {
    encode: ({ isTaken }) => Uint8Array.of(isTaken ? 0 : 1),
    take(reader) {
      const status = reader.u8()
      if (status > 1) throw new ProtocolError('FRAME_MALFORMED', 'A report was neither taken nor refused')
      return { isTaken: status === 0 }
    },
  },
  ask: {
    encode: ({ report }) => report ?? new Uint8Array(),
    take: (reader) => ({ report: reader.atEnd ? undefined : reader.take(reader.left) }),
  },
}

function readerOf(bytes: Uint8Array): FieldReader {
  if (bytes.length > PROBE_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'Too large a probe')
  return new FieldReader(asBuffer(bytes), SUBJECT)
}

function takeChallenge(reader: FieldReader): StorageChallenge {
  const challenge = {
    nonce: reader.take(NONCE_SIZE),
    arc: takeArc(reader),
    atMs: reader.u48(),
    after: takeCursor(reader),
    through: takeCursor(reader),
  }
  if (challenge.after.kind !== 'message' || challenge.through.kind !== 'message') {
    throw new ProtocolError('FRAME_MALFORMED', 'A range that does not begin and end with messages')
  }
  return challenge
}
