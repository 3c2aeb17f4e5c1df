import { bytesEqual, toHex } from '../base/bytes.ts'
import {
  type Ed25519PublicKey,
  ed25519PublicKey,
  KeyError,
  toX25519PublicKey,
  type X25519PublicKey,
} from '../crypto/keys.ts'
import { verifySignature } from '../crypto/signature.ts'
import { type AccountId, accountKey, accountPrefix } from '../protocol/account.ts'
import type { Authentication } from '../protocol/client-api/authentication.ts'
import {
  SUBACCOUNT_ANY_PREFIX,
  subaccountAllows,
  subaccountKey,
  subaccountPrefix,
} from '../protocol/client-api/subaccount.ts'
import { RpcError } from './errors.ts'
import type { RpcOptions } from './options.ts'

/** A request's signature and what it must prove. */
export interface SignedRequest {
  readonly account: AccountId
  readonly authentication: Authentication
  readonly signedText: Uint8Array
  /** Flags that a subaccount's token must have. */
  readonly access: number
  /** What the client is told when it fails, whatever the reason. */
  readonly refusal: string
}

/** Decides whether a request comes from an account's owner, or from a subaccount that may do this. */
export class Authenticator {
  readonly #images = new Map<string, X25519PublicKey | undefined>()
  readonly #imagesMax: number

  constructor(options: Pick<RpcOptions, 'conversionsMax'>) {
    this.#imagesMax = options.conversionsMax
  }

  /** @throws {RpcError} SIGNATURE_REFUSED */
  require(request: SignedRequest): void {
    if (!this.#verifies(request)) throw new RpcError('SIGNATURE_REFUSED', request.refusal)
  }

  #verifies({ account, authentication, signedText, access }: SignedRequest): boolean {
    const owner = this.#ownerKey(account, authentication.ed25519)
    if (owner === undefined) return false
    const { signature, subaccount } = authentication
    if (subaccount === undefined) return verifySignature(signature, signedText, owner)
    return (
      isPrefixAllowed(subaccount.token, account) &&
      subaccountAllows(subaccount.token, access) &&
      verifySignature(subaccount.signature, subaccount.token, owner) &&
      verifySignature(signature, signedText, subaccountKey(subaccount.token))
    )
  }

  /** A Session id is an X25519 key: its owner names the Ed25519 key that converts to it. Other ids are Ed25519 keys. */
  #ownerKey(account: AccountId, named: Ed25519PublicKey | undefined): Ed25519PublicKey | undefined {
    const key = accountKey(account)
    if (named === undefined) return ed25519PublicKey(key)
    const image = this.#imageOf(named)
    return image !== undefined && bytesEqual(image, key) ? named : undefined
  }

  /** Undefined for a key without an image. Remembered, the least recently used one forgotten first. */
  #imageOf(key: Ed25519PublicKey): X25519PublicKey | undefined {
    const name = toHex(key)
    const isKnown = this.#images.has(name)
    const image = isKnown ? this.#images.get(name) : convert(key)
    if (isKnown) this.#images.delete(name)
    else if (this.#images.size >= this.#imagesMax) this.#forgetOldest()
    this.#images.set(name, image)
    return image
  }

  #forgetOldest(): void {
    const oldest = this.#images.keys().next()
    if (!oldest.done) this.#images.delete(oldest.value)
  }
}

function isPrefixAllowed(token: Uint8Array, account: AccountId): boolean {
  return subaccountPrefix(token) === accountPrefix(account) || subaccountAllows(token, SUBACCOUNT_ANY_PREFIX)
}

function convert(key: Ed25519PublicKey): X25519PublicKey | undefined {
  try {
    return toX25519PublicKey(key)
  } catch (error) {
    if (error instanceof KeyError) return undefined
    throw error
  }
}
