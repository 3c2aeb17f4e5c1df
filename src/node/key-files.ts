import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BLS_SECRET_KEY_BYTES,
  type BlsPublicKey,
  type BlsSecretKey,
  blsPublicKey,
  generateBlsSecretKey,
  importBlsSecretKey,
} from '../crypto/bls.ts'
import {
  ED25519_SECRET_KEY_SIZE,
  type Ed25519KeyPair,
  ed25519KeyPairFromSecretKey,
  generateEd25519KeyPair,
  KeyError,
} from '../crypto/keys.ts'
import { createSecretFile, createSecretFolder, readSecretFile, SecretFileError } from './secret-file.ts'

// A service node's two keys, in the files and forms that an existing Session node has them in:
//
//     key_ed25519   64 bytes   libsodium's secret key: seed, then public key
//     key_bls       32 bytes   the scalar, big-endian; an existing node's may exceed the group order

export const ED25519_KEY_FILE = 'key_ed25519'
export const BLS_KEY_FILE = 'key_bls'

/** Never logged. */
export interface ServiceNodeKeys {
  readonly ed25519: Ed25519KeyPair
  readonly bls: { readonly secretKey: BlsSecretKey; readonly publicKey: BlsPublicKey }
}

/**
 * Makes both keys, in a folder with neither.
 * @throws {SecretFileError} SECRET_FILE_EXISTS, SECRET_FOLDER_EXPOSED, SECRET_FILE_INACCESSIBLE
 */
export async function createKeyFiles(folder: string): Promise<ServiceNodeKeys> {
  await createSecretFolder(folder)
  // Looked at before anything is made, so that half a pair never comes to stand beside a foreign half.
  for (const name of [ED25519_KEY_FILE, BLS_KEY_FILE]) await refuseExisting(join(folder, name))
  const ed25519 = generateEd25519KeyPair()
  const blsSecretKey = generateBlsSecretKey()
  await createSecretFile(join(folder, BLS_KEY_FILE), blsSecretKey)
  await createSecretFile(join(folder, ED25519_KEY_FILE), ed25519.secretKey)
  return { ed25519, bls: { secretKey: blsSecretKey, publicKey: blsPublicKey(blsSecretKey) } }
}

/**
 * Reads both keys.
 * @throws {SecretFileError}
 */
export async function readKeyFiles(folder: string): Promise<ServiceNodeKeys> {
  const ed25519 = await readEd25519(join(folder, ED25519_KEY_FILE))
  const secretKey = await readBls(join(folder, BLS_KEY_FILE))
  return { ed25519, bls: { secretKey, publicKey: blsPublicKey(secretKey) } }
}

async function readEd25519(path: string): Promise<Ed25519KeyPair> {
  const bytes = await readExactly(path, ED25519_SECRET_KEY_SIZE)
  try {
    return ed25519KeyPairFromSecretKey(bytes)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    throw new SecretFileError('SECRET_FILE_INVALID', `${path} is not an Ed25519 secret key: ${error.message}`)
  }
}

async function readBls(path: string): Promise<BlsSecretKey> {
  const secretKey = importBlsSecretKey(await readExactly(path, BLS_SECRET_KEY_BYTES))
  if (secretKey === undefined) throw new SecretFileError('SECRET_FILE_INVALID', `${path} is not a BLS secret key`)
  return secretKey
}

async function readExactly(path: string, size: number): Promise<Uint8Array> {
  try {
    return await readSecretFile(path, { minBytes: size, maxBytes: size })
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_MISSING') throw error
    const hint = 'restore it from its backup, or make the keys of a new node: starling keys create'
    throw new SecretFileError(error.code, `${error.message}; ${hint}`)
  }
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  )
  if (exists) throw new SecretFileError('SECRET_FILE_EXISTS', `${path} exists and is not overwritten`)
}
