import { concat, fromUtf8, utf8 } from '../base/bytes.ts'
import type { TimestampMs } from '../base/clock.ts'
import {
  type Ed25519PublicKey,
  ed25519PublicKey,
  KeyError,
  PUBLIC_KEY_SIZE,
  type X25519PublicKey,
  x25519PublicKey,
} from '../crypto/keys.ts'
import { openSealedBox, sealToPublicKey } from '../crypto/sealed-box.ts'
import { SIGNATURE_SIZE, sign, verifySignature } from '../crypto/signature.ts'
import { type AccountId, accountKey, accountPrefix, parseAccountId, SESSION_ID_PREFIX } from '../protocol/account.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { MESSAGE_DATA_MAX_BYTES } from '../protocol/limits.ts'
import { type Account, accountIdOf } from './account.ts'
import { ClientError } from './errors.ts'

// What a message between two Starling clients is, as the swarm stores it (docs/client-sdk.md). Nodes never look inside.
//
//   data      = sealed box, to the recipient's X25519 key, of: sender 32 | signature 64 | padded
//   sender    = the sender's Ed25519 key
//   padded    = content | 80 | 00*           up to the next multiple of 160 bytes
//   content   = version u8 (1) | sent u64 big-endian, milliseconds | text, UTF-8
//   signature = Ed25519 over "starling-envelope-1" | padded | sender | recipient's X25519 key
//
// The recipient is signed, so that whoever receives a message cannot seal it anew to a third person, who would think it
// was written to them. The padding is signed too: nobody can change its length. Nothing stands outside the box: stored
// messages differ only in their length, and that only in steps of 160 bytes, as Session's own clients pad.

export interface Content {
  readonly text: string
  /** By the sender's clock. */
  readonly sentMs: TimestampMs
}

export interface OpenedEnvelope extends Content {
  readonly sender: AccountId
}

const VERSION = 1
const DOMAIN = utf8('starling-envelope-1')
const PADDING_STEP = 160
const PADDING_MARK = 0x80
const CONTENT_HEADER_SIZE = 9
const SEALED_BOX_OVERHEAD = 48
const OVERHEAD = SEALED_BOX_OVERHEAD + PUBLIC_KEY_SIZE + SIGNATURE_SIZE
const PADDED_MAX_BYTES = Math.floor((MESSAGE_DATA_MAX_BYTES - OVERHEAD) / PADDING_STEP) * PADDING_STEP

/** Longest text, in bytes of UTF-8, that fits into a stored message. */
export const TEXT_MAX_BYTES = PADDED_MAX_BYTES - CONTENT_HEADER_SIZE - 1

/** @throws {ClientError} TOO_LARGE, RECIPIENT_INVALID */
export function sealEnvelope(content: Content, sender: Account, recipient: AccountId): Uint8Array {
  const recipientKey = recipientKeyOf(recipient)
  const padded = pad(encodeContent(content))
  const signature = sign(signedText(padded, sender.ed25519.publicKey, recipientKey), sender.ed25519.secretKey)
  return sealTo(recipientKey, concat(sender.ed25519.publicKey, signature, padded))
}

/** @throws {ProtocolError} FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_MALFORMED, SIGNATURE_INVALID */
export function openEnvelope(data: Uint8Array, recipient: Account): OpenedEnvelope {
  if (data.length < OVERHEAD + PADDING_STEP) throw new ProtocolError('FRAME_TRUNCATED', 'The envelope is too short')
  if (data.length > MESSAGE_DATA_MAX_BYTES) throw new ProtocolError('FRAME_TOO_LARGE', 'The envelope is too long')
  const inner = openSealedBox(data, recipient.x25519)
  if (inner === undefined) throw new ProtocolError('FRAME_MALFORMED', 'The envelope is not sealed to this account')
  const sender = ed25519PublicKey(inner.subarray(0, PUBLIC_KEY_SIZE))
  const signature = inner.subarray(PUBLIC_KEY_SIZE, PUBLIC_KEY_SIZE + SIGNATURE_SIZE)
  const padded = inner.subarray(PUBLIC_KEY_SIZE + SIGNATURE_SIZE)
  if (!verifySignature(signature, signedText(padded, sender, recipient.x25519.publicKey), sender)) {
    throw new ProtocolError('SIGNATURE_INVALID', 'The envelope is not signed by its sender')
  }
  return { ...decodeContent(unpad(padded)), sender: senderIdOf(sender) }
}

function signedText(padded: Uint8Array, sender: Ed25519PublicKey, recipient: X25519PublicKey): Uint8Array {
  return concat(DOMAIN, padded, sender, recipient)
}

function recipientKeyOf(recipient: AccountId): X25519PublicKey {
  // Programs without types give any text.
  const id = parseAccountId(recipient)
  if (id === undefined || accountPrefix(id) !== SESSION_ID_PREFIX) {
    throw new ClientError(
      'RECIPIENT_INVALID',
      'Messages can be sealed only to account ids: 66 hex digits, of which the first are 05',
    )
  }
  return x25519PublicKey(accountKey(id))
}

/** Refuses a low-order key: anybody could open what is sealed to it. */
function sealTo(recipient: X25519PublicKey, plaintext: Uint8Array): Uint8Array {
  try {
    return sealToPublicKey(plaintext, recipient)
  } catch (cause) {
    throw new ClientError('RECIPIENT_INVALID', 'This account id has a key to which nothing can be sealed', { cause })
  }
}

function senderIdOf(sender: Ed25519PublicKey): AccountId {
  try {
    return accountIdOf(sender)
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause
    throw new ProtocolError('FRAME_MALFORMED', 'The sender of the envelope has no account id', { cause })
  }
}

function encodeContent({ text, sentMs }: Content): Uint8Array {
  const body = utf8(text)
  if (body.length > TEXT_MAX_BYTES) {
    const details = { bytes: body.length, maxBytes: TEXT_MAX_BYTES }
    throw new ClientError('TOO_LARGE', `A message has at most ${TEXT_MAX_BYTES} bytes of text`, { details })
  }
  const header = new DataView(new ArrayBuffer(CONTENT_HEADER_SIZE))
  header.setUint8(0, VERSION)
  header.setBigUint64(1, BigInt(sentMs))
  return concat(new Uint8Array(header.buffer), body)
}

function decodeContent(content: Uint8Array): Content {
  if (content.length < CONTENT_HEADER_SIZE) throw new ProtocolError('FRAME_TRUNCATED', 'The content ends in its header')
  if (content[0] !== VERSION) throw new ProtocolError('FRAME_MALFORMED', 'The content has a version that is not known')
  const sentMs = Number(new DataView(content.buffer, content.byteOffset).getBigUint64(1))
  if (!Number.isSafeInteger(sentMs)) throw new ProtocolError('FRAME_MALFORMED', 'The content was sent out of time')
  const text = fromUtf8(content.subarray(CONTENT_HEADER_SIZE))
  if (text === undefined) throw new ProtocolError('FRAME_MALFORMED', 'The text is not UTF-8')
  return { text, sentMs }
}

function pad(content: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((content.length + 1) / PADDING_STEP) * PADDING_STEP)
  padded.set(content)
  padded[content.length] = PADDING_MARK
  return padded
}

/** The mark is the last byte that is not zero, and in the last step: any other length of padding is refused. */
function unpad(padded: Uint8Array): Uint8Array {
  if (padded.length % PADDING_STEP !== 0) throw new ProtocolError('FRAME_MALFORMED', 'The padding is incomplete')
  const mark = padded.findLastIndex((byte) => byte !== 0)
  if (padded[mark] !== PADDING_MARK || mark < padded.length - PADDING_STEP) {
    throw new ProtocolError('FRAME_MALFORMED', 'The padding is not as it should be')
  }
  return padded.subarray(0, mark)
}
