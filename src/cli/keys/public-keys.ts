import { toHex } from '../../base/bytes.ts'
import { type Ed25519PublicKey, toX25519PublicKey } from '../../crypto/keys.ts'
import type { ServiceNodeKeys } from '../../node/key-files.ts'

/** What everyone may know of a service node's keys, as hex. */
export interface PublicKeys {
  readonly ed25519: string
  readonly x25519: string
  readonly bls: string
}

export function publicKeysOf(keys: ServiceNodeKeys): PublicKeys {
  return { ...ed25519Keys(keys.ed25519.publicKey), bls: toHex(keys.bls.publicKey) }
}

/** As publicKeysOf, of what is there. */
export function knownPublicKeys({ ed25519, bls }: Partial<ServiceNodeKeys>): Partial<PublicKeys> {
  return {
    ...(ed25519 === undefined ? {} : ed25519Keys(ed25519.publicKey)),
    ...(bls === undefined ? {} : { bls: toHex(bls.publicKey) }),
  }
}

export function publicKeyLines({ ed25519, x25519, bls }: Partial<PublicKeys>): readonly string[] {
  return [
    ...(ed25519 === undefined ? [] : [`  Ed25519  ${ed25519}`]),
    ...(x25519 === undefined ? [] : [`  X25519   ${x25519}`]),
    ...(bls === undefined ? [] : [`  BLS      ${bls}`]),
  ]
}

function ed25519Keys(publicKey: Ed25519PublicKey): Omit<PublicKeys, 'bls'> {
  return { ed25519: toHex(publicKey), x25519: toHex(toX25519PublicKey(publicKey)) }
}
