import { readFileSync } from 'node:fs'
import { fromHex } from '../../../../src/base/bytes.ts'
import { type X25519KeyPair, x25519PublicKey, x25519SecretKey } from '../../../../src/crypto/keys.ts'
import { ProtocolError } from '../../../../src/protocol/errors.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url), 'utf8'))

export interface OnionRequestVector {
  readonly name: string
  /** Names of nodes. */
  readonly path: readonly string[]
  readonly target: string
  readonly final_payload?: string
  readonly expect_relay?: { host: string; target: string; port: number; protocol: string }
  readonly request_b64: string
  readonly reply_key: { kind: string; pub?: string; sec?: string; key?: string }
}

export const onionVectors = read('onion')
export const onionRequests: readonly OnionRequestVector[] = onionVectors.requests
export const encryptionVectors = read('encryption')

export const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array()

export function x25519Pair(publicKey: string, secretKey: string): X25519KeyPair {
  return { publicKey: x25519PublicKey(bytes(publicKey)), secretKey: x25519SecretKey(bytes(secretKey)) }
}

/** The code of the ProtocolError that `work` throws; any other error fails the test. */
export function protocolErrorOf(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
  return undefined
}
