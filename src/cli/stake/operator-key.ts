import { resolve } from 'node:path'
import { fromHex, toHex } from '../../base/bytes.ts'
import { readSecretFile, SecretFileError } from '../../node/secret-file.ts'
import type { Terminal } from '../terminal.ts'
import { type Address, isPrivateKey, readWallet, type WalletSource } from '../wallet/wallet-file.ts'

/** 64 hex digits, with or without 0x and a line end. */
const SIZE = { minBytes: 64, maxBytes: 68 } as const

/** The operator's account with what signs for it. Never logged. */
export interface OperatorKey {
  readonly address: Address
  readonly privateKey: `0x${string}`
}

/**
 * The operator's account from a keystore; the passphrase is asked for when there is no file with it.
 * @throws {SecretFileError}, {KeystoreError}, {PassphraseError}
 */
export async function readOperatorAccount(source: WalletSource, terminal?: Terminal): Promise<OperatorKey> {
  const { address, privateKey } = await readWallet(source, terminal)
  try {
    return { address, privateKey: `0x${toHex(privateKey)}` }
  } finally {
    privateKey.fill(0)
  }
}

/**
 * The private key of the operator's account, from a file that only this user can read.
 * @throws {SecretFileError}
 */
export async function readOperatorKey(path: string): Promise<`0x${string}`> {
  const bytes = await readPrivateKeyFile(path)
  try {
    return `0x${toHex(bytes)}`
  } finally {
    bytes.fill(0)
  }
}

/**
 * The same as 32 bytes, which the caller wipes.
 * @throws {SecretFileError}
 */
export async function readPrivateKeyFile(path: string): Promise<Uint8Array> {
  const absolute = resolve(path)
  const content = await readSecretFile(absolute, SIZE)
  const text = Buffer.from(content).toString('latin1')
  content.fill(0)
  const bytes = fromHex(/^(?:0x)?([0-9a-fA-F]{64})\r?\n?$/.exec(text)?.[1] ?? '')
  if (bytes !== undefined && isPrivateKey(bytes)) return bytes
  throw new SecretFileError('SECRET_FILE_INVALID', `${absolute} must hold a private key as 64 hex digits`)
}
