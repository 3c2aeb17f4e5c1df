import { utf8 } from '../../base/bytes.ts'
import { type Aead, aes256Gcm, xchacha20Poly1305 } from '../../crypto/aead.ts'
import { blake2b256 } from '../../crypto/hash.ts'
import { agreeOnSecret } from '../../crypto/key-agreement.ts'
import type { X25519PublicKey, X25519SecretKey } from '../../crypto/keys.ts'
import { hmacSha256 } from '../../crypto/mac.ts'
import { ProtocolError } from '../errors.ts'

/** The ciphers of a layer, under their canonical names. */
export type EncryptionType = 'aes-gcm' | 'xchacha20'

/** What a layer is sealed with when it names nothing. */
export const DEFAULT_ENCRYPTION_TYPE: EncryptionType = 'aes-gcm'

/** Every name that clients write. `aes-cbc` is not among them: it is not authenticated, so a hop could mark a request. */
const ENCRYPTION_TYPES: ReadonlyMap<string, EncryptionType> = new Map([
  ['aes-gcm', 'aes-gcm'],
  ['gcm', 'aes-gcm'],
  ['xchacha20', 'xchacha20'],
  ['xchacha20-poly1305', 'xchacha20'],
])

/** @throws {ProtocolError} CIPHER_UNKNOWN */
export function parseEncryptionType(text: string | undefined): EncryptionType {
  if (text === undefined) return DEFAULT_ENCRYPTION_TYPE
  const type = ENCRYPTION_TYPES.get(text)
  if (type === undefined) throw new ProtocolError('CIPHER_UNKNOWN', 'unknown encryption type')
  return type
}

/** Seals and opens one layer, and the reply to it: both sides and both directions use the same key. */
export interface LayerKey extends Aead {
  readonly type: EncryptionType
  /**
   * Names the layer for whoever opened it, to detect its replay, without giving its key away. It depends on the shared
   * secret, not on the ephemeral key, which can be written in several ways that lead to the same secret; and on the own
   * secret key, so that nobody else can make layers whose tags share a place in a hash table.
   */
  replayTag(): Uint8Array
}

/** The client is whoever made the ephemeral key; the node is whom the layer is for. */
export interface LayerKeyParts {
  readonly own: X25519SecretKey
  readonly peer: X25519PublicKey
  readonly clientPublic: X25519PublicKey
  readonly nodePublic: X25519PublicKey
}

export const REPLAY_TAG_SIZE = 8

/**
 * One key agreement, whose key then serves the request and its reply.
 * @throws {ProtocolError} LAYER_UNDECRYPTABLE when `peer` is a low-order point, whose secret anybody knows.
 */
export function createLayerKey(type: EncryptionType, parts: LayerKeyParts): LayerKey {
  const secret = agreeOnSecret(parts.own, parts.peer)
  if (secret === undefined) throw new ProtocolError('LAYER_UNDECRYPTABLE', 'Invalid ciphertext')
  const aead =
    type === 'aes-gcm'
      ? aes256Gcm(aesGcmKey(secret))
      : xchacha20Poly1305(blake2b256(secret, parts.clientPublic, parts.nodePublic))
  return {
    type,
    nonceSize: aead.nonceSize,
    overhead: aead.overhead,
    seal: aead.seal,
    open: aead.open,
    replayTag: () => blake2b256(REPLAY_DOMAIN, secret, parts.own).subarray(0, REPLAY_TAG_SIZE),
  }
}

/** HMAC-SHA256 with the ASCII text `LOKI` as the key and the shared secret as the message. */
const aesGcmKey = hmacSha256(utf8('LOKI'))

const REPLAY_DOMAIN = utf8('starling-onion-replay')
