import { resolve } from 'node:path'
import { readSecretFile, SecretFileError } from '../../node/secret-file.ts'

/** 64 hex digits, with or without 0x and a line end. */
const SIZE = { minBytes: 64, maxBytes: 68 } as const

/**
 * The private key of the operator's account, from a file that only this user can read.
 * @throws {SecretFileError}
 */
export async function readOperatorKey(path: string): Promise<`0x${string}`> {
  const absolute = resolve(path)
  const text = Buffer.from(await readSecretFile(absolute, SIZE)).toString('latin1')
  const hex = /^(?:0x)?([0-9a-fA-F]{64})\r?\n?$/.exec(text)?.[1]
  if (hex === undefined || !isPrivateKey(hex)) {
    throw new SecretFileError('SECRET_FILE_INVALID', `${absolute} must hold a private key as 64 hex digits`)
  }
  return `0x${hex}`
}

/** The order of secp256k1 (SEC 2, 2.4.1): private keys lie between zero and it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

function isPrivateKey(hex: string): boolean {
  const scalar = BigInt(`0x${hex}`)
  return scalar > 0n && scalar < ORDER
}
