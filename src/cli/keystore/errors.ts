import { CodedError } from '../../base/coded-error.ts'

export type KeystoreErrorCode =
  /** The file is no keystore of Web3 secret storage, version 3, with one of its usual ciphers. */
  | 'KEYSTORE_MALFORMED'
  /** Opening the keystore would take more memory or work than any honest one. */
  | 'KEYSTORE_COST_REFUSED'
  /** The passphrase does not open the keystore. */
  | 'KEYSTORE_PASSPHRASE_WRONG'
  /** What the keystore holds is no private key, or not the one of the address that it names. */
  | 'KEYSTORE_CONTENT_INVALID'

/** A keystore that cannot be used. The message contains neither the passphrase nor the secret. */
export class KeystoreError extends CodedError<KeystoreErrorCode> {}
