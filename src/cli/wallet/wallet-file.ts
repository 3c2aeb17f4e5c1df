import { basename, resolve } from 'node:path'
import { fromPublicKey } from 'ox/Address'
import { getPublicKey } from 'ox/Secp256k1'
import { toBigInt, utf8 } from '../../base/bytes.ts'
import { createSecretFile, readSecretFile } from '../../node/secret-file.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { isJsonObject, type JsonValue, parseJson } from '../../protocol/json.ts'
import { KeystoreError } from '../keystore/errors.ts'
import { openKeystore, sealKeystore } from '../keystore/keystore.ts'
import { keystoreOfJson } from '../keystore/keystore-form.ts'
import { readPassphrase } from '../passphrase-source.ts'
import type { Terminal } from '../terminal.ts'

// The operator's account in a file that other wallets open and make: a keystore that also names its address, as geth's do.

/** A keystore has half a kilobyte; some wallets add their own things. */
const SIZE = { minBytes: 2, maxBytes: 65_536 } as const

export type Address = `0x${string}`

/** Never logged. */
export interface Wallet {
  /** With the capitals of ERC-55. */
  readonly address: Address
  /** 32 bytes; the caller wipes them. */
  readonly privateKey: Uint8Array
}

export interface WalletSource {
  /** Path of the file. */
  readonly keystore: string
  /** Path of the file with its passphrase; a person is asked when undefined. */
  readonly passphraseFile: string | undefined
}

/**
 * @throws {SecretFileError}, {KeystoreError}, {PassphraseError}
 */
export async function readWallet({ keystore, passphraseFile }: WalletSource, terminal?: Terminal): Promise<Wallet> {
  const path = resolve(keystore)
  const json = await readJson(path)
  const sealed = keystoreOfJson(json)
  // Asked for only when there is something to open.
  const passphrase = await readPassphrase({ file: passphraseFile, subject: basename(path) }, terminal)
  try {
    return walletOf(json, await openKeystore(sealed, passphrase))
  } finally {
    passphrase.fill(0)
  }
}

/**
 * Writes a new keystore and reads it back.
 * @returns its address
 * @throws {SecretFileError}, {KeystoreError}
 */
export async function createWalletFile(path: string, privateKey: Uint8Array, passphrase: Uint8Array): Promise<Address> {
  const address = addressOfKey(privateKey)
  const sealed = await sealKeystore(privateKey, passphrase)
  const named = { address: address.slice(2).toLowerCase(), ...sealed }
  await createSecretFile(path, utf8(`${JSON.stringify(named, undefined, 2)}\n`))
  const json = await readJson(path)
  const readBack = walletOf(json, await openKeystore(keystoreOfJson(json), passphrase))
  readBack.privateKey.fill(0)
  return readBack.address
}

/** Whether these 32 bytes are a private key of secp256k1. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false
  const scalar = toBigInt(bytes)
  return scalar > 0n && scalar < ORDER
}

/** The order of secp256k1 (SEC 2, 2.4.1): private keys lie between zero and it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

function addressOfKey(privateKey: Uint8Array): Address {
  return fromPublicKey(getPublicKey({ privateKey }), { checksum: true })
}

async function readJson(path: string): Promise<JsonValue> {
  const bytes = await readSecretFile(path, SIZE)
  try {
    return parseJson(bytes)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new KeystoreError('KEYSTORE_MALFORMED', `${path} is no keystore, or it is damaged: it is not JSON`)
  }
}

function walletOf(json: JsonValue, privateKey: Uint8Array): Wallet {
  if (!isPrivateKey(privateKey)) {
    throw new KeystoreError('KEYSTORE_CONTENT_INVALID', 'What the keystore holds is no private key of an account')
  }
  const address = addressOfKey(privateKey)
  const named = isJsonObject(json) ? json['address'] : undefined
  // Some programs write it with 0x, some leave it out for privacy.
  if (typeof named !== 'string' || named === '' || isSameAddress(named, address)) return { address, privateKey }
  privateKey.fill(0)
  throw new KeystoreError('KEYSTORE_CONTENT_INVALID', 'The keystore names another address than that of its key')
}

function isSameAddress(named: string, address: Address): boolean {
  return named.toLowerCase().replace(/^0x/, '') === address.slice(2).toLowerCase()
}
