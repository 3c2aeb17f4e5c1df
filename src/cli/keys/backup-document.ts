import { createHash } from 'node:crypto'
import { toHex, utf8 } from '../../base/bytes.ts'
import { CodedError } from '../../base/coded-error.ts'
import { parseBlsSecretKey } from '../../crypto/bls.ts'
import { ED25519_SEED_SIZE, ed25519KeyPairFromSeed } from '../../crypto/keys.ts'
import { blsKeyPair, type ServiceNodeKeys, wipeKeys } from '../../node/key-files.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../protocol/json.ts'
import type { ScryptCost } from '../keystore/key-derivation.ts'
import { openKeystore, sealKeystore } from '../keystore/keystore.ts'
import { keystoreOfJson } from '../keystore/keystore-form.ts'

// Both keys of a service node in one JSON document (docs/keys.md). Each is a keystore of its own, so that without this program they can
// still be opened; the digest tells damage from a wrong passphrase.

export const BACKUP_FORMAT = 'starling-service-node-keys'
const BACKUP_VERSION = 1

export type KeyBackupErrorCode =
  /** The file is no backup of a service node's keys, or one of a later version. */
  | 'KEY_BACKUP_UNKNOWN'
  /** The backup is not what was written: its digest does not fit, or parts of it are missing. */
  | 'KEY_BACKUP_DAMAGED'

/** A backup of keys that cannot be used. The message contains neither passphrase nor key. */
export class KeyBackupError extends CodedError<KeyBackupErrorCode> {}

export interface KeyBackup {
  readonly createdAt: string
  /** Hex; what the sealed keys are checked against when they are opened. */
  readonly ed25519PublicKey: string
  readonly blsPublicKey: string
  readonly keystores: JsonObject
}

export async function encodeKeyBackup(
  { ed25519, bls }: ServiceNodeKeys,
  passphrase: Uint8Array,
  { createdMs, cost }: { readonly createdMs: number; readonly cost?: ScryptCost },
): Promise<Uint8Array> {
  const seed = ed25519.secretKey.subarray(0, ED25519_SEED_SIZE)
  const content = {
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    createdAt: new Date(createdMs).toISOString(),
    ed25519PublicKey: toHex(ed25519.publicKey),
    blsPublicKey: toHex(bls.publicKey),
    keystores: {
      ed25519Seed: await sealKeystore(seed, passphrase, cost),
      blsSecretKey: await sealKeystore(bls.secretKey, passphrase, cost),
    },
  }
  return utf8(`${JSON.stringify({ ...content, sha256: digestOf(content) }, undefined, 2)}\n`)
}

/**
 * What can be known without the passphrase.
 * @throws {KeyBackupError}
 */
export function decodeKeyBackup(bytes: Uint8Array): KeyBackup {
  const json = jsonOf(bytes)
  if (!isJsonObject(json) || json['format'] !== BACKUP_FORMAT) {
    throw new KeyBackupError('KEY_BACKUP_UNKNOWN', "This is no backup of a service node's keys")
  }
  if (json['version'] !== BACKUP_VERSION) {
    throw new KeyBackupError('KEY_BACKUP_UNKNOWN', 'This backup is of another version of the program')
  }
  const { sha256, ...content } = json
  if (sha256 !== digestOf(content)) throw damaged('its digest does not fit; take another copy')
  const { createdAt, ed25519PublicKey, blsPublicKey, keystores } = content
  if (!isText(createdAt) || !isText(ed25519PublicKey) || !isText(blsPublicKey) || !isJsonObject(keystores)) {
    throw damaged('parts are missing')
  }
  return { createdAt, ed25519PublicKey, blsPublicKey, keystores }
}

/**
 * The keys of a backup; the caller wipes them.
 * @throws {KeystoreError} KEYSTORE_PASSPHRASE_WRONG among others
 * @throws {KeyBackupError} KEY_BACKUP_DAMAGED when what is sealed is not what the backup names
 */
export async function openKeyBackup(backup: KeyBackup, passphrase: Uint8Array): Promise<ServiceNodeKeys> {
  const seed = await openKeystore(keystoreOfJson(backup.keystores['ed25519Seed'] ?? null), passphrase)
  const ed25519 = ed25519KeyPairFromSeed(seed)
  seed.fill(0)
  const scalar = await openKeystore(keystoreOfJson(backup.keystores['blsSecretKey'] ?? null), passphrase)
  const blsSecretKey = parseBlsSecretKey(scalar)
  scalar.fill(0)
  if (blsSecretKey === undefined) throw damaged('what it holds is no BLS key')
  const bls = blsKeyPair(blsSecretKey)
  const names = [toHex(ed25519.publicKey), toHex(bls.publicKey)]
  if (names[0] === backup.ed25519PublicKey && names[1] === backup.blsPublicKey) return { ed25519, bls }
  wipeKeys({ ed25519, bls })
  throw damaged('its keys are not those that it names')
}

/** Over the JSON without blanks, with the keys in the order of the file: blanks may change on the way, nothing else. */
function digestOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

function jsonOf(bytes: Uint8Array): JsonValue {
  try {
    return parseJson(bytes)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw damaged('it is not whole JSON')
  }
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string'
}

function damaged(what: string): KeyBackupError {
  return new KeyBackupError('KEY_BACKUP_DAMAGED', `The backup is damaged: ${what}`)
}
