import { decrypt, encrypt } from 'ox/Keystore'
import { toHex } from '../../base/bytes.ts'
import { secureRandomBytes } from '../../crypto/random-bytes.ts'
import { KeystoreError } from './errors.ts'
import { deriveKey, newDerivation, type ScryptCost, STANDARD_COST } from './key-derivation.ts'
import { IV_BYTES, type Keystore, SECRET_BYTES } from './keystore-form.ts'

/** Seals 32 secret bytes as other wallets do. */
export async function sealKeystore(
  secret: Uint8Array,
  passphrase: Uint8Array,
  cost: ScryptCost = STANDARD_COST,
): Promise<Keystore> {
  const derivation = newDerivation(cost)
  const key = await deriveKey(passphrase, derivation)
  try {
    const sealed = encrypt(secret, `0x${toHex(key)}`, { ...derivation, iv: secureRandomBytes(IV_BYTES) })
    return { ...sealed, crypto: { ...sealed.crypto, ...derivation } }
  } finally {
    key.fill(0)
  }
}

/**
 * The 32 bytes in a keystore; the caller wipes them.
 * @throws {KeystoreError}
 */
export async function openKeystore(keystore: Keystore, passphrase: Uint8Array): Promise<Uint8Array> {
  const key = await deriveKey(passphrase, keystore.crypto)
  try {
    return padded(decrypt(keystore, `0x${toHex(key)}`, { as: 'Bytes' }))
  } catch {
    // The form was checked when it was read, so what fails is the comparison with the check value.
    throw new KeystoreError(
      'KEYSTORE_PASSPHRASE_WRONG',
      'The passphrase does not open the keystore: it is another one, or the file was altered',
    )
  } finally {
    key.fill(0)
  }
}

/** Some programs left out the zeros at the beginning of a key. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(SECRET_BYTES)
  whole.set(bytes, SECRET_BYTES - bytes.length)
  bytes.fill(0)
  return whole
}
