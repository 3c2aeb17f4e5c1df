import { join } from 'node:path'
import { bytesEqual } from '../base/bytes.ts'
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
import {
  createSecretFile,
  createSecretFolder,
  fileExists,
  readSecretFile,
  refuseExistingFile,
  refuseSharedFolder,
  SecretFileError,
} from './secret-file.ts'

// A service node's two keys, in the files and forms that an existing Session node has them in:
//
//     key_ed25519   64 bytes   libsodium's secret key: seed, then public key
//     key_bls       32 bytes   the scalar, big-endian; an existing node's may exceed the group order

export const ED25519_KEY_FILE = 'key_ed25519'
export const BLS_KEY_FILE = 'key_bls'

export interface BlsKeyPair {
  readonly secretKey: BlsSecretKey
  readonly publicKey: BlsPublicKey
}

/** Never logged. */
export interface ServiceNodeKeys {
  readonly ed25519: Ed25519KeyPair
  readonly bls: BlsKeyPair
}

/**
 * Makes both keys, in a folder with neither.
 * @throws {SecretFileError} SECRET_FILE_EXISTS, SECRET_FOLDER_EXPOSED, SECRET_FILE_INACCESSIBLE
 */
export async function createKeyFiles(folder: string): Promise<ServiceNodeKeys> {
  await createKeysFolder(folder)
  // Looked at before anything is made, so that half a pair never comes to stand beside a foreign half.
  for (const name of [ED25519_KEY_FILE, BLS_KEY_FILE]) await refuseExistingFile(join(folder, name))
  const ed25519 = generateEd25519KeyPair()
  const bls = blsKeyPair(generateBlsSecretKey())
  await createSecretFile(join(folder, BLS_KEY_FILE), bls.secretKey)
  await createSecretFile(join(folder, ED25519_KEY_FILE), ed25519.secretKey)
  return { ed25519, bls }
}

/**
 * Reads both keys, from a folder with mode 0700.
 * @throws {SecretFileError}
 */
export async function readKeyFiles(folder: string): Promise<ServiceNodeKeys> {
  const ed25519 = await hinted(readEd25519KeyFile(join(folder, ED25519_KEY_FILE)))
  const bls = await hinted(readBlsKeyFile(join(folder, BLS_KEY_FILE)))
  await refuseSharedFolder(folder)
  return { ed25519, bls }
}

/**
 * Puts keys that exist elsewhere into the folder. A key that is there already stays; a different one is refused before anything is
 * written.
 * @returns the names of the files that were written
 * @throws {SecretFileError} SECRET_FILE_EXISTS for a different key, and what reading and writing give
 */
export async function placeKeyFiles(folder: string, keys: Partial<ServiceNodeKeys>): Promise<readonly string[]> {
  await createKeysFolder(folder)
  const { bls, ed25519 } = keys
  const wanted = [
    { name: BLS_KEY_FILE, key: bls, read: readBlsKeyFile },
    { name: ED25519_KEY_FILE, key: ed25519, read: readEd25519KeyFile },
  ]
  const missing: { readonly path: string; readonly name: string; readonly secretKey: Uint8Array }[] = []
  for (const { name, key, read } of wanted) {
    if (key === undefined) continue
    const path = join(folder, name)
    if (!(await fileExists(path))) missing.push({ path, name, secretKey: key.secretKey })
    else refuseDifferent(path, key, await read(path))
  }
  for (const { path, secretKey } of missing) await createSecretFile(path, secretKey)
  return missing.map(({ name }) => name)
}

/** The names of those that are not in the folder. */
export async function missingKeyFiles(folder: string): Promise<readonly string[]> {
  const names = [ED25519_KEY_FILE, BLS_KEY_FILE]
  const present = await Promise.all(names.map((name) => fileExists(join(folder, name))))
  return names.filter((_, index) => !present[index])
}

/** @throws {SecretFileError} */
export async function readEd25519KeyFile(path: string): Promise<Ed25519KeyPair> {
  const bytes = await readSecretFile(path, { minBytes: ED25519_SECRET_KEY_SIZE, maxBytes: ED25519_SECRET_KEY_SIZE })
  try {
    return ed25519KeyPairFromSecretKey(bytes)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    throw new SecretFileError('SECRET_FILE_INVALID', `${path} is not an Ed25519 secret key: ${error.message}`)
  } finally {
    bytes.fill(0)
  }
}

/**
 * Reduced modulo the group order, since an existing node's may exceed it.
 * @throws {SecretFileError}
 */
export async function readBlsKeyFile(path: string): Promise<BlsKeyPair> {
  const bytes = await readSecretFile(path, { minBytes: BLS_SECRET_KEY_BYTES, maxBytes: BLS_SECRET_KEY_BYTES })
  const secretKey = importBlsSecretKey(bytes)
  bytes.fill(0)
  if (secretKey === undefined) throw new SecretFileError('SECRET_FILE_INVALID', `${path} is not a BLS secret key`)
  return blsKeyPair(secretKey)
}

export function blsKeyPair(secretKey: BlsSecretKey): BlsKeyPair {
  return { secretKey, publicKey: blsPublicKey(secretKey) }
}

/** Overwrites what is secret, as far as a program can. */
export function wipeKeys({ ed25519, bls }: Partial<ServiceNodeKeys>): void {
  ed25519?.secretKey.fill(0)
  bls?.secretKey.fill(0)
}

async function createKeysFolder(folder: string): Promise<void> {
  await createSecretFolder(folder)
  await refuseSharedFolder(folder)
}

async function hinted<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_MISSING') throw error
    const hint = 'restore it (starling keys restore), or make the keys of a new node: starling keys create'
    throw new SecretFileError(error.code, `${error.message}; ${hint}`)
  }
}

function refuseDifferent(path: string, wanted: KeyPair, found: KeyPair): void {
  found.secretKey.fill(0)
  if (bytesEqual(wanted.publicKey, found.publicKey)) return
  const message = `${path} holds another key and is not overwritten; move it away, or name another folder`
  throw new SecretFileError('SECRET_FILE_EXISTS', message)
}

interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}
