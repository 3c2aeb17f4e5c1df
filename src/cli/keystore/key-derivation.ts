import { pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { fromHex, toHex } from '../../base/bytes.ts'
import { secureRandomBytes } from '../../crypto/random-bytes.ts'
import { KeystoreError } from './errors.ts'

// How a passphrase becomes the key of a keystore. OpenSSL does it, outside of the event loop: the library that knows the file's form
// would take seconds of it.

export interface ScryptParameters {
  readonly dklen: number
  readonly n: number
  readonly r: number
  readonly p: number
  readonly salt: string
}

export interface Pbkdf2Parameters {
  readonly dklen: number
  readonly c: number
  readonly prf: 'hmac-sha256'
  readonly salt: string
}

export type KeyDerivation =
  | { readonly kdf: 'scrypt'; readonly kdfparams: ScryptParameters }
  | { readonly kdf: 'pbkdf2'; readonly kdfparams: Pbkdf2Parameters }

export interface ScryptCost {
  readonly n: number
  readonly r: number
  readonly p: number
}

/** What geth and ethers write and every wallet opens: 256 MiB and about a second. */
export const STANDARD_COST: ScryptCost = { n: 2 ** 18, r: 8, p: 1 }

/** Four times what the standard cost takes, so that a file cannot eat the memory of a small machine. */
const SCRYPT_MEMORY_MAX_BYTES = 2 ** 30
/** n * r * p, four times the standard cost's. */
const SCRYPT_WORK_MAX = 2 ** 23
/** Forty times what the definition's own example takes; some seconds. */
const PBKDF2_ROUNDS_MAX = 10_000_000
/** AES-128 takes half of it, the check value the other half; a longer key begins with the same bytes. */
const KEY_BYTES = 32
const DKLEN_MAX = 128
const SALT_BYTES = 32

const scryptKey = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt)
const pbkdf2Key = promisify(pbkdf2)

export function newDerivation({ n, r, p }: ScryptCost): KeyDerivation {
  return { kdf: 'scrypt', kdfparams: { dklen: KEY_BYTES, n, r, p, salt: toHex(secureRandomBytes(SALT_BYTES)) } }
}

/** @throws {KeystoreError} KEYSTORE_MALFORMED, KEYSTORE_COST_REFUSED */
export async function deriveKey(passphrase: Uint8Array, { kdf, kdfparams }: KeyDerivation): Promise<Buffer> {
  const salt = saltOf(kdfparams)
  if (kdf === 'pbkdf2') {
    refuseRounds(kdfparams.c)
    return await pbkdf2Key(passphrase, salt, kdfparams.c, KEY_BYTES, 'sha256')
  }
  refuseCost(kdfparams)
  const { n, r, p } = kdfparams
  if (!isStandard(kdfparams)) {
    return Buffer.from(await scryptAsync(passphrase, salt, { N: n, r, p, dkLen: KEY_BYTES }))
  }
  // What OpenSSL counts besides the large table is small.
  const options = { N: n, r, p, maxmem: 2 * SCRYPT_MEMORY_MAX_BYTES }
  return await scryptKey(passphrase, salt, KEY_BYTES, options).catch((cause: unknown) => {
    const message = `This machine has not the ${Math.ceil((128 * n * r) / 2 ** 20)} MiB of memory that this keystore takes`
    throw new KeystoreError('KEYSTORE_COST_REFUSED', message, { cause })
  })
}

function saltOf({ dklen, salt }: { readonly dklen: number; readonly salt: string }): Uint8Array {
  const bytes = fromHex(salt)
  if (bytes === undefined || bytes.length === 0 || bytes.length > 2 * SALT_BYTES) throw malformed('its salt')
  if (!isCount(dklen) || dklen < KEY_BYTES || dklen > DKLEN_MAX) throw malformed('its key length')
  return bytes
}

function refuseRounds(rounds: number): void {
  if (!isCount(rounds)) throw malformed('its number of rounds')
  if (rounds > PBKDF2_ROUNDS_MAX) throw tooCostly(`c must be at most ${PBKDF2_ROUNDS_MAX}`)
}

function refuseCost({ n, r, p }: ScryptCost): void {
  if (![n, r, p].every(isCount)) throw malformed('its cost')
  if (128 * n * r > SCRYPT_MEMORY_MAX_BYTES || n * r * p > SCRYPT_WORK_MAX) {
    throw tooCostly(`n * r must be at most ${SCRYPT_MEMORY_MAX_BYTES / 128}, n * r * p at most ${SCRYPT_WORK_MAX}`)
  }
  if (n < 2 || !Number.isInteger(Math.log2(n))) throw malformed('its cost')
}

/**
 * Whether n is smaller than 2^(128 * r / 8), as RFC 7914 (2) wants it and OpenSSL enforces. The keystore definition's own example, with
 * r = 1, is not, and some libraries make all theirs so; a library that does not mind opens them, more slowly.
 */
function isStandard({ n, r }: ScryptCost): boolean {
  return Math.log2(n) < 16 * r
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

function tooCostly(limit: string): KeystoreError {
  return new KeystoreError('KEYSTORE_COST_REFUSED', `To open this keystore takes too much memory or time: ${limit}`)
}

function malformed(what: string): KeystoreError {
  return new KeystoreError('KEYSTORE_MALFORMED', `The keystore is malformed: ${what} is not possible`)
}
