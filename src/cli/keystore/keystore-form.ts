import { fromHex } from '../../base/bytes.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json.ts'
import { KeystoreError } from './errors.ts'
import type { KeyDerivation } from './key-derivation.ts'

// Web3 secret storage, version 3 (https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage).

export interface Keystore {
  readonly version: 3
  readonly id: string
  readonly crypto: {
    readonly cipher: 'aes-128-ctr'
    readonly cipherparams: { readonly iv: string }
    readonly ciphertext: string
    readonly mac: string
  } & KeyDerivation
}

export const IV_BYTES = 16
export const SECRET_BYTES = 32
const MAC_BYTES = 32

/**
 * A keystore from JSON, with everything in place that opening it needs. What it costs to open is refused there.
 * @throws {KeystoreError} KEYSTORE_MALFORMED
 */
export function keystoreOfJson(json: JsonValue): Keystore {
  if (!isJsonObject(json)) throw malformed('it is no JSON object')
  if (json['version'] !== 3) throw malformed('its version is not 3')
  // Programs differ in the capital: ethers writes Crypto.
  const crypto = objectIn(json, 'crypto', 'Crypto')
  if (crypto['cipher'] !== 'aes-128-ctr') throw malformed('its cipher is not aes-128-ctr')
  const id = json['id']
  return {
    version: 3,
    id: typeof id === 'string' ? id : '',
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: hexIn(objectIn(crypto, 'cipherparams'), 'iv', [IV_BYTES, IV_BYTES]) },
      ciphertext: hexIn(crypto, 'ciphertext', [1, SECRET_BYTES]),
      mac: hexIn(crypto, 'mac', [MAC_BYTES, MAC_BYTES]),
      ...derivationIn(crypto),
    },
  }
}

function derivationIn(crypto: JsonObject): KeyDerivation {
  const kdf = crypto['kdf']
  const parameters = objectIn(crypto, 'kdfparams')
  const shared = { dklen: numberIn(parameters, 'dklen'), salt: textIn(parameters, 'salt') }
  if (kdf === 'scrypt') {
    const [n, r, p] = [numberIn(parameters, 'n'), numberIn(parameters, 'r'), numberIn(parameters, 'p')]
    return { kdf, kdfparams: { ...shared, n, r, p } }
  }
  if (kdf !== 'pbkdf2') throw malformed('its kdf is neither scrypt nor pbkdf2')
  if (parameters['prf'] !== 'hmac-sha256') throw malformed('its prf is not hmac-sha256')
  return { kdf, kdfparams: { ...shared, c: numberIn(parameters, 'c'), prf: 'hmac-sha256' } }
}

function objectIn(parent: JsonObject, ...names: readonly string[]): JsonObject {
  const value = names.map((name) => parent[name]).find((one) => one !== undefined)
  if (!isJsonObject(value)) throw malformed(`${names[0]} is missing`)
  return value
}

function hexIn(parent: JsonObject, name: string, [min, max]: readonly [number, number]): string {
  const text = textIn(parent, name)
  const bytes = fromHex(text)
  if (bytes === undefined || bytes.length < min || bytes.length > max) throw malformed(`${name} has not its size`)
  return text
}

function textIn(parent: JsonObject, name: string): string {
  const value = parent[name]
  if (typeof value !== 'string') throw malformed(`${name} is missing`)
  return value
}

function numberIn(parent: JsonObject, name: string): number {
  const value = parent[name]
  if (typeof value !== 'number') throw malformed(`${name} is missing`)
  return value
}

function malformed(what: string): KeystoreError {
  return new KeystoreError(
    'KEYSTORE_MALFORMED',
    `This is no keystore of Web3 secret storage, version 3, or it is damaged: ${what}`,
  )
}
