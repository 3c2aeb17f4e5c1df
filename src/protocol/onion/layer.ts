import type { X25519KeyPair, X25519PublicKey } from '../../crypto/keys.ts'
import { parseX25519PublicKey } from '../../crypto/keys.ts'
import { ProtocolError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { createLayerKey, type EncryptionType, type LayerKey, parseEncryptionType } from './encryption.ts'

/** A layer as it travels: only the owner of one X25519 key can open it. */
export interface SealedLayer {
  readonly ciphertext: Uint8Array
  /** Made by the client for this layer alone. */
  readonly ephemeralKey: X25519PublicKey
  readonly encryption: EncryptionType
}

export interface OpenedLayer {
  readonly plaintext: Uint8Array
  /** Seals the reply. */
  readonly key: LayerKey
}

export interface LayerRandomness {
  readonly ephemeral: X25519KeyPair
  /** Random unless a test gives one. */
  readonly nonce?: Uint8Array | undefined
}

/** Seals `plaintext` so that only the owner of `nodePublic` can open it; the key opens the reply. */
export function sealLayer(
  plaintext: Uint8Array,
  encryption: EncryptionType,
  nodePublic: X25519PublicKey,
  { ephemeral, nonce }: LayerRandomness,
): { layer: SealedLayer; key: LayerKey } {
  const key = createLayerKey(encryption, {
    own: ephemeral.secretKey,
    peer: nodePublic,
    clientPublic: ephemeral.publicKey,
    nodePublic,
  })
  return { layer: { ciphertext: key.seal(plaintext, nonce), ephemeralKey: ephemeral.publicKey, encryption }, key }
}

/**
 * One error for every layer that does not open, whatever the reason, so that nobody learns from trying.
 * @throws {ProtocolError} LAYER_UNDECRYPTABLE
 */
export function openLayer({ ciphertext, ephemeralKey, encryption }: SealedLayer, node: X25519KeyPair): OpenedLayer {
  const key = createLayerKey(encryption, {
    own: node.secretKey,
    peer: ephemeralKey,
    clientPublic: ephemeralKey,
    nodePublic: node.publicKey,
  })
  const plaintext = key.open(ciphertext)
  if (plaintext === undefined) throw new ProtocolError('LAYER_UNDECRYPTABLE', 'Invalid ciphertext')
  return { plaintext, key }
}

/**
 * A sealed layer from its ciphertext and the JSON fields beside it, `ephemeral_key` and `enc_type`.
 * @throws {ProtocolError} JSON_INVALID, CIPHER_UNKNOWN
 */
export function readSealedLayer(ciphertext: Uint8Array, metadata: JsonObject): SealedLayer {
  return {
    ciphertext,
    ephemeralKey: readEphemeralKey(metadata['ephemeral_key']),
    encryption: readEncryptionType(metadata['enc_type']),
  }
}

function readEphemeralKey(value: JsonValue | undefined): X25519PublicKey {
  const key = typeof value === 'string' ? parseX25519PublicKey(value) : undefined
  if (key === undefined) throw new ProtocolError('JSON_INVALID', "'ephemeral_key' must be 64 hex digits")
  return key
}

function readEncryptionType(value: JsonValue | undefined): EncryptionType {
  if (value === undefined || typeof value === 'string') return parseEncryptionType(value)
  throw new ProtocolError('JSON_INVALID', "'enc_type' must be a string")
}
