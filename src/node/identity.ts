import { toHex } from '../base/bytes.ts'
import type { BlsSecretKey } from '../crypto/bls.ts'
import { type Ed25519KeyPair, toX25519KeyPair, type X25519KeyPair } from '../crypto/keys.ts'
import { sign } from '../crypto/signature.ts'
import { type ServiceNodeKey, serviceNodeKey } from '../protocol/service-node.ts'
import { readKeyFiles } from './key-files.ts'

/** The one key in the three forms that parts need, and the BLS key. Never logged. */
export interface Identity {
  readonly key: ServiceNodeKey
  readonly ed25519: Ed25519KeyPair
  readonly x25519: X25519KeyPair
  /** X | Y, 128 hex digits. */
  readonly bls: string
  readonly blsSecretKey: BlsSecretKey
  sign(bytes: Uint8Array): Uint8Array
}

/** @throws {SecretFileError} when a key file is missing, malformed, or readable by others */
export async function loadIdentity(keysFolder: string): Promise<Identity> {
  const { ed25519, bls } = await readKeyFiles(keysFolder)
  return {
    key: serviceNodeKey(ed25519.publicKey),
    ed25519,
    x25519: toX25519KeyPair(ed25519),
    bls: toHex(bls.publicKey),
    blsSecretKey: bls.secretKey,
    sign: (bytes) => sign(bytes, ed25519.secretKey),
  }
}
